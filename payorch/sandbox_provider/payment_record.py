"""A payment as the ledger keeps it and as merchants see it. No card number, no CVC."""

import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import orjson

from payorch.sandbox_provider.magic_cards import DECLINE_MESSAGES

# What the answer to a create is, by the payment's state now.
_HTTP_STATUS = {"declined": 402, "cancelled": 200, "voided": 200}


def iso(epoch_s: float) -> str:
    """UTC with microseconds, always equally long, so that text order is time order."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="microseconds")


def new_payment_id(account: str) -> str:
    return f"{account}_pay_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecord:
    """One row. While it is open, the decline columns say where it will end, if declined."""

    id: str
    account: str
    reference: str
    idempotency_key: str | None
    fingerprint: str
    method: str
    amount: int
    currency: str
    captured_amount: int
    refunded_amount: int
    status: str
    ends_as: str
    decline_scheme: str | None
    decline_code: str | None
    decline_advice: str | None
    settle_at: float | None
    challenge_token: str | None
    return_url: str | None
    description: str
    card_brand: str | None
    card_bin: str | None
    card_last4: str | None
    created_at: str
    updated_at: str
    # JSON of the merchant's own notes; rows of earlier versions have none.
    metadata: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status in {"requires_action", "pending"}

    @property
    def http_status(self) -> int:
        return _HTTP_STATUS.get(self.status, 201)

    def _decline(self) -> dict[str, object] | None:
        if self.status != "declined" or self.decline_code is None:
            return None
        return {
            "scheme": self.decline_scheme,
            "code": self.decline_code,
            "advice_code": self.decline_advice,
            "message": DECLINE_MESSAGES.get(self.decline_code, "declined"),
        }

    def to_object(self, *, public_url: str) -> dict[str, object]:
        """The payment object of the API."""
        redirect_url = None
        if self.status == "requires_action":
            redirect_url = (
                f"{public_url}/{self.account}/challenge/{self.id}?token={self.challenge_token}"
            )
        return {
            "id": self.id,
            "object": "payment",
            "account": self.account,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.currency,
            "method": self.method,
            "description": self.description,
            "metadata": orjson.loads(self.metadata or "{}"),
            "captured_amount": self.captured_amount,
            "refunded_amount": self.refunded_amount,
            "status": self.status,
            "decline": self._decline(),
            "redirect_url": redirect_url,
            "card": None
            if self.card_brand is None
            else {"brand": self.card_brand, "bin": self.card_bin, "last4": self.card_last4},
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


PAYMENT_COLUMNS = tuple(item.name for item in fields(PaymentRecord))


def payment_from_row(row: tuple[object, ...]) -> PaymentRecord:
    """A row selected as PAYMENT_COLUMNS."""
    return PaymentRecord(**dict(zip(PAYMENT_COLUMNS, row, strict=True)))  # type: ignore[arg-type] # SQLite's types follow the schema


def payment_to_row(record: PaymentRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in PAYMENT_COLUMNS)
