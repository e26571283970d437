"""Giving money back: refunds and voids, each guarded by one conditional statement."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import cast

from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.payment_ledger import KeyReused
from payorch.sandbox_provider.payment_record import PaymentRecord, iso


@dataclass(frozen=True, slots=True)
class RefundRecord:
    id: str
    account: str
    payment_id: str
    reference: str
    idempotency_key: str | None
    amount: int
    currency: str
    status: str
    created_at: str

    def to_object(self) -> dict[str, object]:
        shown = asdict(self)
        shown.pop("idempotency_key")
        return {"object": "refund", **shown}


_COLUMNS = ", ".join(item.name for item in fields(RefundRecord))
_SELECT = f"SELECT {_COLUMNS} FROM refunds"
# The most that can be refunded is checked where it is taken, so two refunds cannot both pass.
_TAKE = """UPDATE payments SET refunded_amount = refunded_amount + ?, updated_at = ?
    WHERE id = ? AND status = 'approved' AND refunded_amount + ? <= captured_amount"""
_VOID = """UPDATE payments SET status = 'voided', refunded_amount = captured_amount, updated_at = ?
    WHERE id = ? AND status = 'approved' AND refunded_amount = 0"""


class RefundTooLarge(Exception):
    """More than is left of the payment."""


def _refund_from_row(row: tuple[object, ...]) -> RefundRecord:
    return RefundRecord(*row)  # type: ignore[arg-type] # SQLite's types follow the schema


class RefundLedger:
    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now

    def refund(
        self, payment: PaymentRecord, *, amount: int | None, reference: str, key: str | None
    ) -> RefundRecord:
        """The refund of this key; without an amount, all that is left.

        Raises RefundTooLarge or KeyReused; nothing was refunded then.
        """
        with self._ledger.transaction() as connection:
            first = self._find_by_key(connection, payment.account, key)
            if first is not None:
                same = (first.payment_id, first.reference) == (payment.id, reference)
                if not same or amount not in {None, first.amount}:
                    raise KeyReused
                return first
            if amount is None:
                amount = self._left(connection, payment)
            when = iso(self._now())
            taken = connection.execute(_TAKE, (amount, when, payment.id, amount)).rowcount
            if amount <= 0 or not taken:
                raise RefundTooLarge
            refund = RefundRecord(
                id=f"{payment.account}_ref_{secrets.token_hex(12)}",
                account=payment.account,
                payment_id=payment.id,
                reference=reference,
                idempotency_key=key,
                amount=amount,
                currency=payment.currency,
                status="succeeded",
                created_at=when,
            )
            marks = ", ".join("?" * len(fields(RefundRecord)))
            connection.execute(
                f"INSERT INTO refunds ({_COLUMNS}) VALUES ({marks})", tuple(asdict(refund).values())
            )
            return refund

    def void(self, payment: PaymentRecord) -> bool:
        """Whether an approved, not refunded payment was given back as a whole."""
        with self._ledger.transaction() as connection:
            return connection.execute(_VOID, (iso(self._now()), payment.id)).rowcount == 1

    def find(self, account: str, refund_id: str) -> RefundRecord | None:
        rows = self._ledger.rows(f"{_SELECT} WHERE account = ? AND id = ?", (account, refund_id))
        return _refund_from_row(rows[0]) if rows else None

    def find_by_reference(self, account: str, reference: str) -> list[RefundRecord]:
        rows = self._ledger.rows(
            f"{_SELECT} WHERE account = ? AND reference = ? ORDER BY number", (account, reference)
        )
        return [_refund_from_row(row) for row in rows]

    def all(self, account: str | None) -> list[RefundRecord]:
        rows = self._ledger.rows(f"{_SELECT} ORDER BY number")
        refunds = [_refund_from_row(row) for row in rows]
        return [refund for refund in refunds if account in {None, refund.account}]

    def _find_by_key(
        self, connection: sqlite3.Connection, account: str, key: str | None
    ) -> RefundRecord | None:
        if key is None:
            return None
        row = connection.execute(
            f"{_SELECT} WHERE account = ? AND idempotency_key = ?", (account, key)
        ).fetchone()
        return None if row is None else _refund_from_row(row)

    def _left(self, connection: sqlite3.Connection, payment: PaymentRecord) -> int:
        row = connection.execute(
            "SELECT captured_amount - refunded_amount FROM payments WHERE id = ?", (payment.id,)
        ).fetchone()
        return cast("int", row[0])
