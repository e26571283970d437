"""Codes are those of every authenticator app, and none counts twice."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from payorch.domain.one_time_code import (
    STEP_S,
    code_of,
    matching_step,
    secret_as_text,
    secret_as_uri,
    step_at,
)

RFC_SECRET = b"12345678901234567890"
NOW = datetime(2026, 11, 30, 12, 0, 10, tzinfo=UTC)


RFC_4226_CODES = (
    *("755224", "287082", "359152", "969429", "338314"),
    *("254676", "287922", "162583", "399871", "520489"),
)


def test_codes_are_those_of_rfc_4226():
    assert tuple(code_of(RFC_SECRET, count) for count in range(10)) == RFC_4226_CODES


@pytest.mark.parametrize(
    ("unix_time", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(unix_time, code):
    assert code_of(RFC_SECRET, step_at(datetime.fromtimestamp(unix_time, UTC))) == code


@pytest.mark.parametrize(
    ("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_off(steps, is_taken):
    code = code_of(RFC_SECRET, step_at(NOW) + steps)

    found = matching_step(RFC_SECRET, code, NOW, after=-1)

    assert found == (step_at(NOW) + steps if is_taken else None)


def test_a_code_does_not_count_again_nor_an_earlier_one_after_it():
    step = step_at(NOW)

    assert matching_step(RFC_SECRET, code_of(RFC_SECRET, step), NOW, after=step) is None
    assert matching_step(RFC_SECRET, code_of(RFC_SECRET, step - 1), NOW, after=step) is None
    later = NOW + timedelta(seconds=STEP_S)
    assert matching_step(RFC_SECRET, code_of(RFC_SECRET, step + 1), later, after=step) == step + 1


@pytest.mark.parametrize("typed", ["", "12345", "ábcdéf", "\uff11" * 6])
def test_anything_else_is_no_code(typed):
    assert matching_step(RFC_SECRET, typed, NOW, after=-1) is None


def test_the_picture_says_whose_account_it_is():
    uri = urlsplit(secret_as_uri(RFC_SECRET, account="o+1@example.org", issuer="pay & orch"))

    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/pay & orch:o+1@example.org"
    assert parse_qs(uri.query) == {
        "secret": [secret_as_text(RFC_SECRET)],
        "issuer": ["pay & orch"],
    }
    assert secret_as_text(RFC_SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
