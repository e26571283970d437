import pytest

from payorch.presentation.checkout.card_fields import card_digits, read_expiry


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        ("09/29", (9, 2029)),
        ("9/29", (9, 2029)),
        ("09 / 2029", (9, 2029)),
        ("0929", (9, 2029)),
        ("12-30", (12, 2030)),
        ("13/29", None),
        ("00/29", None),
        ("9", None),
        ("", None),
        ("٠٩/٢٩", None),
    ],
)
def test_expiry_is_read_as_people_write_it(text, expiry):
    assert read_expiry(text) == expiry


def test_spaces_and_dashes_in_the_number_do_not_matter():
    assert card_digits("4242-4242 4242 4242") == "4242424242424242"


@pytest.mark.parametrize(
    "number",
    [
        "378282246310005",  # American Express: 15 digits
        "5555 5555 5555 4444",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
    ],
)
def test_numbers_of_each_scheme_are_taken(send, number):
    code = "1234" if number.startswith("37") else "123"

    page = send(card_number=number, card_cvc=code, email="x").text

    assert 'id="card_number-error"' not in page
    assert 'id="card_cvc-error"' not in page


@pytest.mark.parametrize(
    "number", ["", "4", "42424242424242", "\uff14\uff12\uff14\uff12 4242 4242 4242", "4x", "0" * 30]
)
def test_everything_else_is_refused(send, number):
    assert 'id="card_number-error"' in send(card_number=number).text


def test_american_express_has_four_digits_on_the_front(send):
    page = send(card_number="378282246310005", card_cvc="123").text

    assert "Enter the 4 digits on the front of the card." in page


def test_card_is_valid_through_the_month_printed_on_it(send):
    assert 'id="card_expiry-error"' not in send(card_expiry="11/26", email="x").text
    assert "Check the year" in send(card_expiry="11/50").text
