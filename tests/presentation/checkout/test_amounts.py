import pytest
from hypothesis import given
from hypothesis import strategies as st
from wtforms.validators import ValidationError

from payorch.domain.money import Money
from payorch.presentation.checkout.amounts import read_amount
from payorch.presentation.money_format import format_amount_plain

MAX = 100_000_000


@pytest.fixture(autouse=True)
def in_request(app):
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12,50", "EUR", 1250),
        (" 12 ", "EUR", 1200),
        ("12.5", "EUR", 1250),
        ("1250", "JPY", 1250),
        ("1.250", "BHD", 1250),
        ("0.01", "USD", 1),
    ],
)
def test_amount_is_read_with_point_or_comma(text, currency, minor):
    assert read_amount(text, currency, max_amount_minor=MAX) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("1,250", "EUR", "without thousands separator"),
        ("1,250", "BHD", "without thousands separator"),
        ("12.505", "EUR", "without thousands separator"),
        ("12.5", "JPY", "have no decimals"),
        ("-1", "EUR", "plain number"),
        ("1e3", "EUR", "plain number"),
        ("€5", "EUR", "plain number"),
        ("١٢", "EUR", "plain number"),
        ("0.00", "EUR", "more than zero"),
        ("1000000.01", "EUR", "largest amount"),
    ],
)
def test_anything_that_could_be_read_in_two_ways_is_refused(text, currency, message):
    with pytest.raises(ValidationError, match=message):
        read_amount(text, currency, max_amount_minor=MAX)


class TestRoundTrip:
    @given(st.integers(1, MAX), st.sampled_from(["EUR", "JPY", "BHD", "USD"]))
    def test_every_amount_is_read_as_it_is_written(self, minor, currency):
        text = format_amount_plain(minor, currency)

        assert read_amount(text, currency, max_amount_minor=MAX).amount_minor == minor
