"""The small parts of the form: submit key, countries, typed text, labels and texts."""

from dataclasses import replace

import pytest

from payorch.config import Settings
from payorch.domain.decline_terms import CustomerText
from payorch.presentation.checkout.customer_fields import extra_label
from payorch.presentation.checkout.practice_cards import PRACTICE_CARDS
from payorch.presentation.checkout.submit_key import mint_submit_key, read_submit_key
from payorch.presentation.checkout.texts import DECLINE_TEXTS, decline_text
from payorch.presentation.checkout.typed_text import one_line
from payorch.presentation.checkout.web_address import web_address
from payorch.presentation.countries import country_choices, country_name, is_country
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS

SETTINGS = Settings()


def test_submit_key_is_good_for_its_purpose_only():
    signed = mint_submit_key(SETTINGS, "po_1")

    assert len(read_submit_key(SETTINGS, signed, "po_1")) >= 20
    assert read_submit_key(SETTINGS, signed, "po_2") is None
    assert read_submit_key(SETTINGS, signed[:-1], "po_1") is None
    assert read_submit_key(SETTINGS, "", "po_1") is None


def test_submit_key_survives_a_change_of_the_secret():
    signed = mint_submit_key(SETTINGS, "open")
    changed = replace(SETTINGS, secret_key="another", secret_key_fallbacks=(SETTINGS.secret_key,))

    assert read_submit_key(changed, signed, "open")
    assert read_submit_key(replace(SETTINGS, secret_key="another"), signed, "open") is None


@pytest.mark.parametrize("locale", ["en", "es"])
def test_all_249_countries_of_iso_3166_are_there_sorted_for_the_reader(locale):
    names = [name for _code, name in country_choices(locale)]

    assert len(names) == 249
    assert names.index("Afganistán" if locale == "es" else "Afghanistan") == 0
    assert is_country("DE")
    assert not is_country("EU")


def test_country_is_named_in_the_readers_language():
    assert country_name("DE", "es") == "Alemania"
    assert country_name("??", "es") == "??"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ana \t Lopez\n", "Ana Lopez"),
        ("a\x00b\x1b[0m", "ab[0m"),
        ("\u202egnp.exe\u200b", "gnp.exe"),
        ("José \u00a0 Ñandú", "José Ñandú"),
        (None, ""),
    ],
)
def test_typed_text_keeps_one_clean_line(typed, kept):
    assert one_line(typed) == kept


def test_code_of_an_unknown_field_is_made_readable():
    assert extra_label("mother_name") == "Mother name"


def test_every_customer_text_has_its_words():
    assert set(DECLINE_TEXTS) == set(CustomerText)
    assert decline_text("no such key") is DECLINE_TEXTS[CustomerText.GENERIC_DECLINE]


def test_practice_cards_are_the_practice_providers():
    known = {card.spaced_number for card in MAGIC_CARDS}

    assert {card.number for card in PRACTICE_CARDS} <= known


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://bank.test/confirm?x=1", True),
        ("http://127.0.0.1:4330/c", True),
        ("javascript:alert(1)", False),
        ("//bank.test", False),
        ("https://", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_only_web_addresses_of_a_provider_become_links(url, is_taken):
    assert (web_address(url) == url) is (is_taken or url is None)
