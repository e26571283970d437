from decimal import Decimal

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import MAX_AMOUNT_MINOR, Money, currency_exponent

CURRENCIES = [c.code for c in iso4217.Currency if c.exponent is not None]
amounts = st.integers(1, MAX_AMOUNT_MINOR)


@given(amounts, st.sampled_from(CURRENCIES))
def test_an_amount_survives_the_way_to_text_and_back(amount_minor, currency):
    money = Money(amount_minor, currency)
    text = f"{money.to_decimal():f}"

    assert Money.from_decimal_text(text, currency) == money


@pytest.mark.parametrize(
    ("currency", "exponent"), [("JPY", 0), ("EUR", 2), ("BHD", 3), ("IQD", 3), ("CLF", 4)]
)
def test_the_number_of_decimals_is_iso_4217s(currency, exponent):
    assert currency_exponent(currency) == exponent


@pytest.mark.parametrize("currency", ["XAU", "XXX", "ABC", "eur", "", "EURO", "E\x00R"])
def test_what_nobody_pays_with_is_refused(currency):
    with pytest.raises(InvalidMoney):
        Money(1, currency)


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT_MINOR + 1, 1.0, True, "1", Decimal(1)])
def test_an_amount_is_a_positive_whole_number_of_minor_units(amount):
    with pytest.raises(InvalidMoney):
        Money(amount, "EUR")


@pytest.mark.parametrize(
    "text", ["", "1e3", "1,000.00", "-1", "+1", "0", "0.00", "1.234", "NaN", "٣", "1.", ".5", "1 0"]
)
def test_text_that_is_not_a_plain_amount_of_the_currency_is_refused(text):
    with pytest.raises(InvalidMoney):
        Money.from_decimal_text(text, "EUR")


@given(st.text(max_size=30), st.sampled_from(["EUR", "JPY", "BHD"]))
def test_any_text_is_money_or_a_clear_error(text, currency):
    try:
        money = Money.from_decimal_text(text, currency)
    except InvalidMoney:
        return
    assert money.amount_minor > 0


def test_money_reads_as_amount_and_currency():
    assert str(Money(1250, "EUR")) == "12.50 EUR"
    assert str(Money(500, "JPY")) == "500 JPY"
