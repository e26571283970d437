"""Fields of the practice provider's answers, read as what they are: untrusted input."""

import json
from collections.abc import Mapping
from typing import Any

from payorch.infrastructure.gateways.connector import HttpAnswer

_PAYMENT_FIELDS = frozenset({"payment", "status", "captured_amount"})
"""No error has one of them; a payment has at least one."""

_NO_SEGMENTS = frozenset({".", ".."})

MAX_TEXT = 500
MAX_ID = 120
MAX_CODE = 60
MAX_SHORT_TEXT = 20
"""What the ledger's columns hold. PostgreSQL refuses more, and NUL, and the outcome with it."""


def json_object(answer: HttpAnswer) -> dict[str, Any] | None:
    """The body as a JSON object, or None when it is anything else."""
    if "json" not in answer.content_type.lower():
        return None
    try:
        data = json.loads(answer.body, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that comes twice lets two readers see two answers: "approved" and "declined"."""
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key comes twice")
    return data


def error_of(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    error = data.get("error")
    return error if isinstance(error, dict) else None


def names_a_payment(data: object) -> bool:
    """Whether a body speaks of a payment anywhere, beside what else it says."""
    match data:
        case dict():
            return not _PAYMENT_FIELDS.isdisjoint(data) or any(map(names_a_payment, data.values()))
        case list():
            return any(map(names_a_payment, data))
        case _:
            return False


def holds_money(payment: Mapping[str, Any]) -> bool:
    """Whether something was captured and not given back. What is no amount is taken for money."""
    captured, refunded = payment.get("captured_amount"), payment.get("refunded_amount")
    if captured is None or captured == 0:
        return False
    is_given_back = refunded is None or refunded == captured
    return payment.get("status") != "voided" or not is_given_back


def code_of(error: Mapping[str, Any]) -> str:
    return storable(text_of(error.get("code")), MAX_CODE) or ""


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TEXT else None


def id_of(data: Mapping[str, Any]) -> str | None:
    """The provider's id of a payment; None for what no database would take or find again, and for
    what would lead elsewhere in the path of a URL.
    """
    value = text_of(data.get("id"))
    is_storable = value is not None and len(value) <= MAX_ID and value.isprintable()
    return value if is_storable and value not in _NO_SEGMENTS else None


def storable(text: str | None, limit: int) -> str | None:
    """Cut, not dropped: a strange advice code must stay one, or it would allow a fallback."""
    if text is None:
        return None
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:limit]
