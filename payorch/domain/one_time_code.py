"""Codes of an authenticator app: six digits that change every 30 seconds (RFC 6238, TOTP).

Only values come in and go out: what was used already is the caller's to keep, because a code must
never be taken twice.
"""

import base64
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
"""What RFC 4226 recommends, and every app takes."""

STEPS_OFF = 1
"""A phone's clock may be one step before or behind ours, as RFC 6238 5.2 advises."""


def step_at(at: datetime) -> int:
    """Number of the 30 seconds that `at` lies in."""
    return int(at.timestamp()) // STEP_S


def code_of(secret: bytes, step: int) -> str:
    """Source: RFC 4226, 5.3. SHA-1 is what the apps can do; HMAC does not suffer by it."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, typed: str, at: datetime, *, after: int) -> int | None:
    """The step whose code was typed; None when there is none later than `after`, the last used.

    All steps are compared whatever the first says, so that the time taken tells nothing.
    """
    now = step_at(at)
    steps = range(now - STEPS_OFF, now + STEPS_OFF + 1)
    found = [
        step
        for step in steps
        if hmac.compare_digest(code_of(secret, step).encode(), typed.encode()) and step > after
    ]
    return found[-1] if found else None


def secret_as_text(secret: bytes) -> str:
    """To be typed into an app: base 32, without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def secret_as_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What the QR code says. Source: the Key URI format of Google Authenticator's wiki."""
    query = urlencode({"secret": secret_as_text(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"
