"""A merchant's request to pay, checked. Whatever is refused here was never executed.

The card number lives in the request's memory only; the CVC is looked at and dropped.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from payorch.sandbox_provider.api_errors import invalid
from payorch.sandbox_provider.card_numbers import brand_of, is_luhn_valid
from payorch.sandbox_provider.profile_values import METHODS
from payorch.sandbox_provider.profiles import Profile

_CURRENCY = re.compile(r"[A-Z]{3}")
_CVC = re.compile(r"[0-9]{3,4}")
_NUMBER = re.compile(r"[0-9]{12,19}")
_MOST_MINOR = 999_999_999_999
_MOST_METADATA = 10


@dataclass(frozen=True, slots=True)
class Card:
    number: str = field(repr=False)
    brand: str

    @property
    def bin(self) -> str:
        return self.number[:6]

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    reference: str
    amount: int
    currency: str
    method: str
    card: Card | None
    description: str
    return_url: str | None
    metadata: dict[str, str]
    # Tells a replay from a misused key; made of everything but card number and CVC.
    fingerprint: str


def parse_json(raw: bytes) -> dict[str, Any]:
    """The body as an object; raises ApiRefusal 400. The input is never echoed."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise invalid("invalid_json", "The body is not JSON.", status=400) from None
    if not isinstance(body, dict):
        raise invalid("invalid_json", "The body has to be a JSON object.", status=400)
    return body


def read_reference(body: dict[str, Any]) -> str:
    reference = body.get("reference")
    if not isinstance(reference, str) or not 0 < len(reference) <= 128:
        raise invalid("invalid_reference", "1 to 128 characters are needed.", param="reference")
    return reference


def read_amount(body: dict[str, Any]) -> int:
    amount = body.get("amount")
    if type(amount) is not int or not 0 < amount <= _MOST_MINOR:
        raise invalid("invalid_amount", "A positive integer is needed.", param="amount")
    return amount


def _is_number_between(value: object, least: int, most: int) -> bool:
    try:
        return least <= int(cast("str | int", value)) <= most
    except (TypeError, ValueError):
        return False


def _read_card(raw: object) -> Card:
    if not isinstance(raw, dict):
        raise invalid("invalid_card", "A card is needed.", param="card")
    number = str(raw.get("number", "")).replace(" ", "")
    if not _NUMBER.fullmatch(number) or not is_luhn_valid(number):
        raise invalid("invalid_card_number", "This is no card number.", param="card.number")
    if not _is_number_between(raw.get("exp_month"), 1, 12):
        raise invalid("invalid_expiry", "1 to 12 is needed.", param="card.exp_month")
    if not _is_number_between(raw.get("exp_year"), 0, 2199):
        raise invalid("invalid_expiry", "A year is needed.", param="card.exp_year")
    cvc = raw.get("cvc")
    if cvc is not None and not _CVC.fullmatch(str(cvc)):
        raise invalid("invalid_cvc", "3 or 4 digits are needed.", param="card.cvc")
    return Card(number, brand_of(number))


def _read_return_url(raw: object) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, str) and len(raw) <= 2000:
        parts = urlsplit(raw)
        if parts.scheme in {"http", "https"} and parts.netloc:
            return raw
    raise invalid("invalid_return_url", "An http(s) address is needed.", param="return_url")


def _read_metadata(raw: object) -> dict[str, str]:
    """The merchant's own notes, such as an order's number; shown again and never looked at."""
    if raw is None:
        return {}
    if (
        not isinstance(raw, dict)
        or len(raw) > _MOST_METADATA
        or not all(0 < len(key) <= 40 for key in raw)
        or not all(isinstance(value, str) and len(value) <= 500 for value in raw.values())
    ):
        raise invalid(
            "invalid_metadata",
            f"Up to {_MOST_METADATA} texts of up to 500 characters are needed, under names of up"
            " to 40.",
            param="metadata",
        )
    return raw


def fingerprint(body: dict[str, Any]) -> str:
    """Equal for equal requests, whatever the order of their fields."""
    card = body.get("card")
    if isinstance(card, dict):
        number = str(card.get("number", ""))
        shown = {key: card[key] for key in card if key not in {"number", "cvc"}}
        body = {**body, "card": {**shown, "bin": number[:6], "last4": number[-4:]}}
    return hashlib.blake2b(
        orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).hexdigest()


def parse_payment_request(raw: bytes, profile: Profile) -> PaymentRequest:
    """The request in `raw`; raises ApiRefusal 400 or 422 naming the field."""
    body = parse_json(raw)
    reference, amount = read_reference(body), read_amount(body)
    currency, method = body.get("currency"), body.get("method", "card")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise invalid("invalid_currency", "A currency such as EUR is needed.", param="currency")
    if method not in METHODS:
        raise invalid("invalid_method", f"One of {', '.join(METHODS)}.", param="method")
    if method not in profile.methods:
        raise invalid("method_not_supported", "Not offered by this account.", param="method")
    description = body.get("description") or ""
    if not isinstance(description, str):
        raise invalid("invalid_description", "Text is needed.", param="description")
    return PaymentRequest(
        reference=reference,
        amount=amount,
        currency=currency,
        method=method,
        card=_read_card(body.get("card")) if method == "card" else None,
        description=description[:200],
        return_url=_read_return_url(body.get("return_url")),
        metadata=_read_metadata(body.get("metadata")),
        fingerprint=fingerprint(body),
    )
