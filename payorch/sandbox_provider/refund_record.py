"""A refund as the ledger keeps it and as merchants see it."""

import secrets
from dataclasses import dataclass, fields


def new_refund_id(account: str) -> str:
    return f"{account}_ref_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecord:
    """One row. While it is pending, `ends_as` and `failure_code` say how it will end."""

    id: str
    account: str
    payment_id: str
    reference: str
    idempotency_key: str | None
    amount: int
    currency: str
    status: str
    created_at: str
    # Rows of earlier versions have none of these.
    ends_as: str | None = None
    failure_code: str | None = None
    settle_at: float | None = None
    updated_at: str | None = None

    def to_object(self) -> dict[str, object]:
        """The refund object of the API."""
        return {
            "object": "refund",
            "id": self.id,
            "account": self.account,
            "payment_id": self.payment_id,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.currency,
            "status": self.status,
            "failure_code": self.failure_code if self.status == "failed" else None,
            "created_at": self.created_at,
            "updated_at": self.updated_at or self.created_at,
        }


REFUND_COLUMNS = tuple(item.name for item in fields(RefundRecord))


def refund_from_row(row: tuple[object, ...]) -> RefundRecord:
    """A row selected as REFUND_COLUMNS."""
    return RefundRecord(**dict(zip(REFUND_COLUMNS, row, strict=True)))  # type: ignore[arg-type] # SQLite's types follow the schema


def refund_to_row(record: RefundRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in REFUND_COLUMNS)
