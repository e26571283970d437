"""Proof that an event comes from the practice provider: Standard Webhooks, version 1.

The signature goes over the raw bytes, so that a body which was parsed and written again is
refused. Source: https://github.com/standard-webhooks/standard-webhooks (spec, "v1").
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from payorch.application.ports import Clock
from payorch.application.provider_events import (
    EventClaim,
    EventSubject,
    ProviderEvent,
    Rejected,
    Rejection,
)
from payorch.infrastructure.observability.redaction import redact_text

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

MAX_SIGNATURES = 8
"""During a rotation there are two; each one more would only cost us time."""

MAX_ID = 120
MAX_TYPE = 80
MAX_EXCERPT_TEXT = 120

_ENCODED_SECRET = "whsec_"  # noqa: S105 - the prefix of a secret, not one
_MESSAGE_ID = re.compile(r"[!-~]{1,120}")
_EPOCH_SECONDS = re.compile(r"[0-9]{1,12}")
_EXCERPT = ("status", "amount", "currency", "captured_amount", "refunded_amount", "method")
_CLAIMS: Mapping[str, EventClaim] = {
    "payment.approved": EventClaim.CHARGED,
    "payment.declined": EventClaim.NOT_CHARGED,
    "payment.cancelled": EventClaim.NOT_CHARGED,
    "payment.requires_action": EventClaim.OPEN,
    "payment.pending": EventClaim.OPEN,
    "refund.pending": EventClaim.OPEN,
}


def signing_keys(secrets: str) -> tuple[bytes, ...]:
    """The keys in a comma-separated list of secrets, of which any may have signed.

    `whsec_` is followed by base64, any other secret is its own UTF-8 bytes. Raises ValueError.
    """
    return tuple(_signing_key(secret.strip()) for secret in secrets.split(",") if secret.strip())


def _signing_key(secret: str) -> bytes:
    if not secret.startswith(_ENCODED_SECRET):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(_ENCODED_SECRET), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("whsec_ has to be followed by base64.")
    return key


class SandboxWebhookVerifier:
    """Verifies the events of one account."""

    def __init__(
        self, *, account: str, keys: Sequence[bytes], clock: Clock, tolerance_s: float
    ) -> None:
        self._account = account
        self._keys = tuple(keys)
        self._clock = clock
        self._tolerance_s = tolerance_s

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | Rejected:
        message_id = headers.get(ID_HEADER)
        timestamp = headers.get(TIMESTAMP_HEADER)
        signatures = headers.get(SIGNATURE_HEADER)
        if not message_id or not timestamp or not signatures:
            return Rejected(Rejection.MISSING_HEADERS)
        if not _MESSAGE_ID.fullmatch(message_id) or not _EPOCH_SECONDS.fullmatch(timestamp):
            return Rejected(Rejection.UNREADABLE)
        signed = f"{message_id}.{timestamp}.".encode() + body
        if not self._is_signed(signed, signatures):
            return Rejected(Rejection.BAD_SIGNATURE)
        age_s = self._clock.now().timestamp() - int(timestamp)
        if abs(age_s) > self._tolerance_s:
            return Rejected(Rejection.TOO_OLD if age_s > 0 else Rejection.IN_THE_FUTURE)
        return self._read(message_id, body)

    def _is_signed(self, signed: bytes, signatures: str) -> bool:
        """Every key against every signature, so that the time tells nothing about which fits."""
        given = [text for text in signatures.split(" ") if text.startswith("v1,")]
        is_signed = False
        for key in self._keys:
            expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
            for text in given[:MAX_SIGNATURES]:
                is_signed |= hmac.compare_digest(text.encode("utf-8", "replace"), expected)
        return is_signed

    def _read(self, message_id: str, body: bytes) -> ProviderEvent | Rejected:
        event = _parsed(body)
        data = event.get("data") if event is not None else None
        if event is None or not isinstance(data, dict):
            return Rejected(Rejection.UNREADABLE)
        if not self._account == event.get("account") == data.get("account", self._account):
            return Rejected(Rejection.OTHER_ACCOUNT)
        event_id = _name(event.get("id"), MAX_ID)
        event_type = _name(event.get("type"), MAX_TYPE)
        if event_id is None or event_id != message_id or event_type is None:
            return Rejected(Rejection.UNREADABLE)
        return _event(event_id, event_type, event, data)


def _event(
    event_id: str, event_type: str, event: Mapping[str, Any], data: Mapping[str, Any]
) -> ProviderEvent | Rejected:
    subject = _SUBJECTS.get(event_type.partition(".")[0], EventSubject.OTHER)
    provider_reference = _name(data.get("id"), MAX_ID)
    our_reference = _name(data.get("reference"), MAX_ID)
    if subject is not EventSubject.OTHER and provider_reference is None:
        return Rejected(Rejection.UNREADABLE)
    return ProviderEvent(
        event_id=event_id,
        event_type=event_type,
        subject=subject,
        provider_reference=provider_reference,
        our_reference=our_reference,
        claim=_CLAIMS.get(event_type, EventClaim.OTHER),
        excerpt={
            "created": _excerpt(event.get("created")),
            **{name: _excerpt(data[name]) for name in _EXCERPT if name in data},
        },
    )


_SUBJECTS: Mapping[str, EventSubject] = {
    "payment": EventSubject.PAYMENT,
    "refund": EventSubject.REFUND,
}


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body.decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that comes twice lets two readers see two events."""
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key comes twice")
    return read


def _name(value: object, limit: int) -> str | None:
    """An id or a type; None for what no database would take or find again."""
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        return None
    return value if value.isprintable() else None


def _excerpt(value: object) -> str | int | None:
    """A short, scrubbed piece of the event; anything of another shape is left out."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**12 else None
    printable = "".join(sign if sign.isprintable() else "?" for sign in value[:MAX_EXCERPT_TEXT])
    return redact_text(printable)
