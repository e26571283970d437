"""The kinds of text that requests hold. Each pattern stands in the OpenAPI document too.

Control characters are refused everywhere: PostgreSQL takes no NUL, and a line break would let a
customer's name write into a receipt or a log.
"""

from __future__ import annotations

from typing import Annotated

from iso4217 import Currency
from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from payorch.domain.instrument import passes_luhn
from payorch.presentation.countries import country_choices, is_country

_LINE = r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_CURRENCIES = frozenset(c.code for c in Currency if c.exponent is not None)


def _country(code: str) -> str:
    if not is_country(code):
        raise PydanticCustomError("country_code", "Use an ISO 3166-1 alpha-2 code in capitals.")
    return code


def _currency(code: str) -> str:
    if code not in _CURRENCIES:
        raise PydanticCustomError("currency_code", "Use an ISO 4217 code in capitals.")
    return code


def _card_number(digits: str) -> str:
    if not passes_luhn(digits):
        raise PydanticCustomError(
            "card_number", "The check digit is wrong: this is no card number."
        )
    return digits


Line100 = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_LINE)]
Line120 = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=_LINE)]
Line200 = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]
Line500 = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_LINE)]

FieldName = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
MetadataKey = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
ProviderCode = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]

# Whether mail arrives is not ours to find out; the shape keeps blanks and line breaks away.
Email = Annotated[
    str,
    StringConstraints(
        max_length=254, pattern=r"^[^\s@\x00-\x1f\x7f]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
    ),
]

CountryCode = Annotated[
    str,
    AfterValidator(_country),
    WithJsonSchema(
        {"type": "string", "enum": sorted(code for code, _ in country_choices("en"))}
        | {"description": "ISO 3166-1 alpha-2"}
    ),
]
CurrencyCode = Annotated[
    str,
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "enum": sorted(_CURRENCIES)} | {"description": "ISO 4217"}),
]

CardNumber = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{12,19}$"), AfterValidator(_card_number)
]
CardCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,4}$")]
