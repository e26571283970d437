"""A typed card leaves no trace but its brand, first six and last four."""

from pathlib import Path

import pytest

from tests.presentation.checkout.conftest import GOOD_FORM, hidden_fields
from tests.presentation.checkout.test_double_submit import app  # noqa: F401 - fixture

CANARY = "4000000000000515"
SPACED = "4000 0000 0000 0515"


@pytest.fixture
def database_url(sqlite_files):
    return sqlite_files.new_database_url()


def test_card_number_is_in_no_file_log_cookie_or_page(client, database_url, sandbox, capfd):
    form = {**GOOD_FORM, **hidden_fields(client.get("/checkout").text), "card_number": SPACED}

    refused = client.post("/checkout", data={**form, "email": "x"})
    sent = client.post("/checkout", data=form)
    result = client.get(sent.location)

    assert "There is not enough money" in result.text
    path = database_url.removeprefix("sqlite:///")
    stored = b"".join(Path(path + part).read_bytes() for part in ("", "-wal"))
    printed = "".join(capfd.readouterr())
    cookies = " ".join(cookie.value for cookie in client._cookies.values())
    assert "/checkout" in printed
    assert b"400000" in stored
    assert CANARY.encode() not in stored
    shown_on_purpose = f"{SPACED}</button>", f'"{SPACED}"'  # the list of practice cards
    for text in (printed, cookies, refused.text, result.text, str(sent.headers)):
        for form_of_number in (CANARY, SPACED):
            assert form_of_number not in without(text, shown_on_purpose)


def without(text, parts):
    for part in parts:
        text = text.replace(part, "")
    return text
