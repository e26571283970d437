"""The countries of ISO 3166-1, named in a page's language."""

from __future__ import annotations

import unicodedata
from functools import cache

from babel import Locale

# CLDR lists these two-letter codes too; ISO 3166-1 has not assigned them to a country.
_NOT_ISO = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN"}) | {
    "XA",
    "XB",
    "XK",
    "ZZ",
}


@cache
def country_choices(locale: str) -> tuple[tuple[str, str], ...]:
    """(code, name) of all countries, sorted by name without regard to accents."""
    territories = Locale.parse(locale).territories
    countries = [
        (code, str(name))
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_ISO
    ]
    return tuple(sorted(countries, key=lambda choice: _sort_key(choice[1])))


def is_country(code: str) -> bool:
    return code in _codes()


def country_name(code: str, locale: str) -> str:
    """The country's name; the code itself when it is none."""
    return dict(country_choices(locale)).get(code, code)


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for code, _ in country_choices("en"))


def _sort_key(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
