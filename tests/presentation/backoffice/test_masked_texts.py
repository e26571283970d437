"""How much of a customer is left to see: enough to tell two apart, too little to know them."""

import pytest

from payorch.presentation.backoffice.masked_texts import (
    masked_email,
    masked_name,
    without_address,
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana Diaz", "A••• D•••"),
        ("Ana", "A•••"),
        ("  Ana   María de los Ángeles Díaz ", "A••• M••• d•••"),
        ("王小明", "王•••"),
        ("<script>", "•••"),
        ("\u202eevil", "•••"),
        ("", "•••"),
    ],
)
def test_a_name_is_its_initials(name, shown):
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ana@example.com", "a•••@example.com"),
        ("a@example.com", "a•••@example.com"),
        ('"a@b"@example.com', "•••@example.com"),
        ("nothing", "n•••"),
        ("@example.com", "•••@example.com"),
    ],
)
def test_an_address_keeps_its_first_sign_and_its_domain(email, shown):
    assert masked_email(email) == shown


def test_an_address_is_masked_wherever_it_stands():
    assert without_address("To ana@example.com: hi", "ana@example.com") == (
        "To a•••@example.com: hi"
    )
    assert without_address("To nobody", "") == "To nobody"
