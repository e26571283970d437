"""Idempotency keys: how a client may repeat a request without paying twice."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

import orjson
from flask import request
from werkzeug.exceptions import HTTPException

from payorch.presentation.problem_details import problem
from payorch.presentation.services import settings

if TYPE_CHECKING:
    from pydantic import BaseModel

KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = "^[!-~]{1,100}$"
REPLAYED_HEADER = "Idempotent-Replayed"

_KEY = re.compile(r"[!-~]{1,100}")


class BadIdempotencyKey(HTTPException):
    """400: the key is missing where it is needed, or not 1 to 100 visible ASCII characters."""

    code = 400

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(response=problem(400, code, detail))


def optional_key() -> str | None:
    """The request's key, or None. Raises BadIdempotencyKey for a malformed one."""
    key = request.headers.get(KEY_HEADER)
    if key is None or _KEY.fullmatch(key):
        return key
    raise BadIdempotencyKey(
        "idempotency_key_invalid", f"{KEY_HEADER} holds 1 to 100 visible ASCII characters."
    )


def required_key() -> str:
    """The request's key. Raises BadIdempotencyKey: a payment without one could be made twice."""
    key = optional_key()
    if key is None:
        raise BadIdempotencyKey(
            "idempotency_key_missing", f"Send an {KEY_HEADER} header with a key of your own."
        )
    return key


def request_hash(operation: str, body: BaseModel) -> str:
    """Tells a repeated request from another one under the same key; 64 hex digits.

    Keyed with the secret key, because the body may hold a card: an unkeyed hash of a card
    number can be reversed by trying all numbers (PCI DSS 3.5.1.1). The customer's address is left
    out: it may change between two tries of one payment.
    """
    sent = body.model_dump(exclude={"client_ip"})
    canonical = orjson.dumps([operation, sent], option=orjson.OPT_SORT_KEYS)
    return hmac.digest(settings().secret_key.encode(), b"api request\n" + canonical, "sha256").hex()
