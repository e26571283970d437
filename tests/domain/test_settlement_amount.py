"""Amounts of settlement reports: formatting and parsing are each other's inverse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.errors import InvalidMoney
from payorch.domain.settlement_amount import (
    MAX_SETTLED_MINOR,
    AmountStyle,
    amount_text,
    parse_amount,
)

POINT, COMMA, MINOR = AmountStyle
CURRENCIES = ["EUR", "JPY", "BHD", "CLF"]
AMOUNTS = st.integers(-MAX_SETTLED_MINOR, MAX_SETTLED_MINOR)
GROUPS = {
    POINT: ["", ",", " ", "'", "\u00a0", "\u202f"],
    COMMA: ["", ".", " ", "\u2019"],
    MINOR: [""],
}


@given(AMOUNTS, st.sampled_from(CURRENCIES), st.sampled_from(AmountStyle), st.data())
def test_what_was_written_is_read_back(amount_minor, currency, style, data):
    group = data.draw(st.sampled_from(GROUPS[style]))
    text = amount_text(amount_minor, currency, style, group=group)

    assert parse_amount(text, currency, style) == amount_minor


@given(st.integers(1, MAX_SETTLED_MINOR), st.sampled_from([POINT, COMMA]))
def test_every_way_to_write_a_debit_means_the_same(amount_minor, style):
    text = amount_text(amount_minor, "EUR", style)

    for debit in (
        f"-{text}",
        f"{text}-",
        f"({text})",
        f"\u2212{text}",
        f"- {text}",
        f"-{text} EUR",
    ):
        assert parse_amount(debit, "EUR", style) == -amount_minor
    for credit in (f"+{text}", f"EUR {text}", f" {text} ", f"{text}\u00a0EUR"):
        assert parse_amount(credit, "EUR", style) == amount_minor


@given(st.text(max_size=12), st.sampled_from(AmountStyle))
def test_no_text_breaks_the_parser(text, style):
    try:
        minor = parse_amount(text, "EUR", style)
    except InvalidMoney:
        return
    assert isinstance(minor, int)


@pytest.mark.parametrize(
    ("text", "currency", "style", "minor"),
    [
        ("1.234,56", "EUR", COMMA, 123_456),
        ("1,234.56", "EUR", POINT, 123_456),
        ("-12.00", "EUR", POINT, -1200),
        ("(12.00)", "EUR", POINT, -1200),
        ("12", "EUR", POINT, 1200),
        ("12.5", "EUR", POINT, 1250),
        ("12.5000", "EUR", POINT, 1250),
        (".50", "EUR", POINT, 50),
        ("1.234", "EUR", COMMA, 123_400),
        ("1 234 567,80", "EUR", COMMA, 123_456_780),
        ("1.234", "BHD", POINT, 1234),
        ("500", "JPY", POINT, 500),
        ("500.00", "JPY", POINT, 500),
        ("1250", "EUR", MINOR, 1250),
        ("-1250", "EUR", MINOR, -1250),
        ("-0.00", "EUR", POINT, 0),
    ],
)
def test_a_text_means_an_amount(text, currency, style, minor):
    assert parse_amount(text, currency, style) == minor


@pytest.mark.parametrize(
    ("text", "currency", "style"),
    [
        ("", "EUR", POINT),
        ("-", "EUR", POINT),
        (".", "EUR", POINT),
        ("12.", "EUR", POINT),
        ("1,23", "EUR", POINT),
        ("12,34.00", "EUR", POINT),
        ("1.234.56", "EUR", COMMA),
        ("1,2345", "EUR", POINT),
        ("12.505", "EUR", POINT),
        ("1,234", "EUR", COMMA),
        ("0.5", "JPY", POINT),
        ("--1", "EUR", POINT),
        ("(-1.00)", "EUR", POINT),
        ("-1.00-", "EUR", POINT),
        ("1e3", "EUR", POINT),
        ("\u0661\u0662", "EUR", POINT),
        ("12.50", "EUR", MINOR),
        ("12.50 USD", "EUR", POINT),
        ("1" * 41, "EUR", POINT),
        ("9" * 18, "EUR", POINT),
        ("1.00", "XXX", POINT),
        ("1.00", "", POINT),
    ],
)
def test_what_could_mean_something_else_is_refused(text, currency, style):
    with pytest.raises(InvalidMoney):
        parse_amount(text, currency, style)
