"""The submit key: minted by the server with each form, so that one form can charge only once.

It is signed, because a key that a page could choose freely could also collide with a stranger's.
It never expires: a form that is sent again after a week must still find its first answer.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, URLSafeSerializer

if TYPE_CHECKING:
    from payorch.config import Settings

OPEN_CHECKOUT = "open"
"""Purpose of a key for the checkout that creates its order; else the purpose is the order's id."""


def mint_submit_key(settings: Settings, purpose: str) -> str:
    """A new signed key for one form of `purpose`."""
    return str(_serializer(settings).dumps([secrets.token_urlsafe(18), purpose]))


def read_submit_key(settings: Settings, signed: str, purpose: str) -> str | None:
    """The key inside; None when it was not minted here for `purpose`."""
    try:
        key, minted_for = _serializer(settings).loads(signed)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(key) if minted_for == purpose else None


def _serializer(settings: Settings) -> URLSafeSerializer:
    # itsdangerous signs with the last key and accepts any of them.
    keys = [*settings.secret_key_fallbacks, settings.secret_key]
    return URLSafeSerializer(keys, salt="checkout-submit-key")
