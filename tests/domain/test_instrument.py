import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.instrument import CardInstrument, CardSummary, card_brand, passes_luhn

CARD = CardInstrument("4242424242424242", 12, 2030, "987", "Ana Diaz")


def test_a_card_prints_nothing_and_cannot_be_serialized():
    for text in (repr(CARD), str(CARD), f"{CARD}"):
        assert "4242" not in text
        assert "987" not in text
    with pytest.raises(TypeError):
        pickle.dumps(CARD)
    with pytest.raises(TypeError):
        copy.copy(CARD)


def test_a_summary_keeps_what_may_be_kept():
    assert CARD.summary() == CardSummary("visa", "424242", "4242")


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3530111333300000", "jcb"),
        ("30569309025904", "diners"),
        ("9999999999999995", "unknown"),
        ("4", "visa"),
        ("", "unknown"),
    ],
)
def test_the_brand_comes_from_the_issuer_range(number, brand):
    assert card_brand(number) == brand


@given(st.text("0123456789", min_size=11, max_size=18))
def test_exactly_one_check_digit_passes(payload):
    assert sum(passes_luhn(payload + digit) for digit in "0123456789") == 1
