from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from payorch.domain.money import currency_exponent
from payorch.presentation.money_format import format_amount_plain, format_money


@pytest.mark.parametrize(
    ("amount_minor", "currency", "locale", "text"),
    [
        (123450, "EUR", "en", "€1,234.50"),
        (123450, "EUR", "es", "1.234,50\xa0€"),
        (500, "JPY", "en", "¥500"),
        (1234567, "BHD", "en", "BHD1,234.567"),
        (-99, "USD", "en", "-$0.99"),
        (0, "USD", "en", "$0.00"),
        (5, "XAU", "en", "XAU5"),
    ],
)
def test_money_is_written_as_the_locale_writes_it(amount_minor, currency, locale, text):
    assert format_money(amount_minor, currency, locale) == text


def test_digits_come_from_iso_4217_where_babel_differs():
    assert get_currency_precision("IQD") == 0

    assert currency_exponent("IQD") == 3
    assert format_money(1500, "IQD", "en") == "IQD1.500"


def test_currency_that_nobody_knows_gets_no_invented_decimal_point():
    assert format_money(1500, "ZZZ", "en") == "ZZZ1,500"


def test_formatting_leaves_babels_own_patterns_alone():
    format_money(1, "BHD", "en")

    assert format_money(1, "EUR", "en") == "€0.01"


@given(
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.sampled_from([currency.code for currency in Currency if currency.exponent is not None]),
)
def test_no_minor_unit_is_ever_lost(amount_minor, currency):
    plain = format_amount_plain(amount_minor, currency)

    assert Decimal(plain) * 10 ** currency_exponent(currency) == amount_minor
    digits = "".join(c for c in format_money(amount_minor, currency, "en") if c.isdigit())
    assert int(digits) == abs(amount_minor)
