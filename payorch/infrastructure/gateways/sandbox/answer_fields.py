"""Fields of the practice provider's answers, read as what they are: untrusted input."""

import json
from collections.abc import Mapping
from typing import Any

from payorch.infrastructure.gateways.connector import HttpAnswer

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


def code_of(error: Mapping[str, Any]) -> str:
    return storable(text_of(error.get("code")), MAX_CODE) or ""


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TEXT else None


def id_of(data: Mapping[str, Any]) -> str | None:
    """The provider's id of a payment; None for what no database would take or find again."""
    value = text_of(data.get("id"))
    is_storable = value is not None and len(value) <= MAX_ID and value.isprintable()
    return value if is_storable else None


def storable(text: str | None, limit: int) -> str | None:
    """Cut, not dropped: a strange advice code must stay one, or it would allow a fallback."""
    if text is None:
        return None
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:limit]
