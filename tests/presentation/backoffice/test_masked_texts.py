"""How much of a customer is left to see: enough to tell two apart, too little to know them."""

import pytest

from payorch.presentation.backoffice.masked_texts import (
    masked_email,
    masked_name,
    without_address,
)
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria


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


@pytest.mark.parametrize(
    "written",
    [
        "o'neil@example.com",
        "o&#39;neil@example.com",
        "o%27neil%40example.com",
        "O'Neil@Example.com",
    ],
)
def test_an_address_is_masked_however_a_letter_writes_it(written):
    email = "o'neil@example.com"

    assert without_address(f"To {written}.", email) == f"To {masked_email(email)}."


@pytest.mark.parametrize(
    "typed", ["ana@example.com", "ana\uff20example.com", "Diaz ana@example.com"]
)
def test_the_journal_keeps_no_address_that_was_searched_for(typed):
    criteria = ListCriteria(search=typed, filters={"country": "DE"})

    assert criteria.journalled() == f"country=DE&search={masked_email('ana@example.com')}"
