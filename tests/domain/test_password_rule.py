"""Passwords that are tried first are refused, and what they are made of is not prescribed."""

import hashlib
from pathlib import Path

import pytest

from payorch.domain.password_rule import why_refused
from payorch.infrastructure.security.common_passwords import common_passwords

VENDORED = Path(__file__).parents[2] / "docs/vendored.md"
OLGA = "olga.ivanova@example.org"


def refused(password, email=OLGA):
    return why_refused(password, email=email, common=common_passwords())


@pytest.mark.parametrize("length", [11, 129])
def test_it_has_12_to_128_characters(length):
    assert "12 to 128 characters" in refused(("x7-Kq" * 30)[:length])


@pytest.mark.parametrize(
    "password",
    [
        "qwerty123456",
        "QWERTY123456",
        "password!!2026",
        "2026-Password-1!",
        "dragondragon",
        "dragondragon99",
        "aaaaaaaaaaaa",
        "123412341234",
    ],
)
def test_common_passwords_are_refused_however_they_are_dressed(password):
    assert "one of the first that are tried" in refused(password)


@pytest.mark.parametrize(
    "password",
    [
        OLGA,
        "Olga.Ivanova@Example.org",
        "ivanova-olga-1",
        "Olga2026Ivanova!",
        "payorch-2026!",
        "PayorchPayorch1",
        "payorch-password",
        "exampleorg-99",
    ],
)
def test_the_address_and_our_own_name_are_refused(password):
    assert "e-mail address" in refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "olga likes seven green kettles",
        "payorch runs under the old bridge",
        "kqzvwmbtxrph",
        "\N{SNOWMAN} \N{UMBRELLA} seven kettles",
        "x" * 5 + "kq-vw-mb-tx",
    ],
)
def test_anything_else_may_be_used_whatever_it_is_made_of(password):
    assert refused(password) is None


def test_a_short_part_of_an_address_counts_for_nothing():
    assert refused("bo kqzvwmbtxrph", email="bo@example.org") is None


def test_the_list_is_the_one_that_was_documented_and_in_lower_case():
    passwords = common_passwords()

    assert len(passwords) > 40_000
    unpacked = "".join(f"{one}\n" for one in sorted(passwords)).encode()
    assert hashlib.sha256(unpacked).hexdigest() in VENDORED.read_text()
    assert all(one == one.casefold() for one in passwords)
