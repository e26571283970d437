"""How an event proves that it comes from this provider: Standard Webhooks, version 1.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac

_ENCODED = "whsec_"


def signing_key(secret: str) -> bytes:
    """The bytes that sign: base64 after `whsec_`, as the standard spells it, or the text itself.

    Raises ValueError for a `whsec_` that is not followed by base64.
    """
    if not secret.startswith(_ENCODED):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
    except binascii.Error as error:
        raise ValueError("whsec_ has to be followed by base64") from error


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Such as "v1,g0hM9SsE..."; over the id, the epoch seconds and the raw body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
