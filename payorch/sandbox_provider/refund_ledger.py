"""Giving money back: refunds and voids, each guarded by one conditional statement."""

import sqlite3
from collections.abc import Callable
from typing import cast

from payorch.sandbox_provider.alarm import Alarm
from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.listing import PageRequest, page_statement, page_values
from payorch.sandbox_provider.payment_ledger import KeyReused
from payorch.sandbox_provider.payment_record import (
    PAYMENT_COLUMNS,
    PaymentRecord,
    iso,
    payment_from_row,
)
from payorch.sandbox_provider.refund_record import (
    REFUND_COLUMNS,
    RefundRecord,
    refund_from_row,
    refund_to_row,
)
from payorch.sandbox_provider.webhook_events import EventLog

_COLUMNS = ", ".join(REFUND_COLUMNS)
_MARKS = ", ".join("?" * len(REFUND_COLUMNS))
_SELECT = f"SELECT {_COLUMNS} FROM refunds"
_INSERT = f"INSERT INTO refunds ({_COLUMNS}) VALUES ({_MARKS})"
_BY_ID = f"{_SELECT} WHERE id = ?"
_BY_KEY = f"{_SELECT} WHERE account = ? AND idempotency_key = ?"
_PAGE = page_statement(_SELECT, "refunds")
_DUE = f"{_SELECT} WHERE settle_at <= ? ORDER BY settle_at, number"
# The most that can be refunded is checked where it is taken, so two refunds cannot both pass.
_TAKE = """UPDATE payments SET refunded_amount = refunded_amount + ?, updated_at = ?
    WHERE id = ? AND status = 'approved' AND refunded_amount + ? <= captured_amount"""
_RETURN = "UPDATE payments SET refunded_amount = refunded_amount - ?, updated_at = ? WHERE id = ?"
_SETTLE = """UPDATE refunds SET status = ends_as, settle_at = NULL, updated_at = ?
    WHERE id = ? AND settle_at IS NOT NULL"""
_VOID = """UPDATE payments SET status = 'voided', refunded_amount = captured_amount, updated_at = ?
    WHERE id = ? AND status = 'approved' AND refunded_amount = 0"""
_PAYMENT = f"SELECT {', '.join(PAYMENT_COLUMNS)} FROM payments WHERE id = ?"


class RefundTooLarge(Exception):
    """More than is left of the payment."""


class RefundLedger:
    """`settling` is woken when a refund has been added that will end by itself."""

    def __init__(
        self, ledger: Ledger, events: EventLog, settling: Alarm, now: Callable[[], float]
    ) -> None:
        self._ledger, self._events, self._settling = ledger, events, settling
        self._now = now

    def left_of(self, payment: PaymentRecord) -> int:
        """What could be given back now, in minor units; pending refunds count as given back."""
        return cast(
            "int",
            self._ledger.rows(
                "SELECT captured_amount - refunded_amount FROM payments WHERE id = ?",
                (payment.id,),
            )[0][0],
        )

    def amount_under_key(self, account: str, key: str | None, *, window_s: float) -> int | None:
        """What was given back under this key, in minor units; None for a key not seen lately."""
        if key is None:
            return None
        rows = self._ledger.rows(
            "SELECT amount FROM refunds WHERE account = ? AND idempotency_key = ?"
            " AND created_at >= ?",
            (account, key, iso(self._now() - window_s)),
        )
        return cast("int", rows[0][0]) if rows else None

    def refund(self, new: RefundRecord, *, window_s: float, is_whole_rest: bool) -> RefundRecord:
        """The refund of this key: `new`, or the one that came first.

        Raises RefundTooLarge or KeyReused; nothing was refunded then.
        """
        with self._ledger.transaction() as connection:
            if new.idempotency_key is not None:
                first = self._first_of_key(
                    connection, new.account, new.idempotency_key, window_s=window_s
                )
                if first is not None:
                    same = (first.payment_id, first.reference) == (new.payment_id, new.reference)
                    if not same or not (is_whole_rest or new.amount == first.amount):
                        raise KeyReused
                    return first
            when = iso(self._now())
            taken = connection.execute(_TAKE, (new.amount, when, new.payment_id, new.amount))
            if new.amount <= 0 or taken.rowcount != 1:
                raise RefundTooLarge
            if new.status == "failed":
                connection.execute(_RETURN, (new.amount, when, new.payment_id))
            connection.execute(_INSERT, refund_to_row(new))
            self._events.record_refund(connection, new)
            if new.settle_at is not None:
                self._settling.wake()
            return new

    def void(self, payment: PaymentRecord) -> bool:
        """Whether an approved, not refunded payment was given back as a whole."""
        with self._ledger.transaction() as connection:
            if connection.execute(_VOID, (iso(self._now()), payment.id)).rowcount != 1:
                return False
            row = connection.execute(_PAYMENT, (payment.id,)).fetchone()
            self._events.record_payment(connection, payment_from_row(row))
            return True

    def find(self, account: str, refund_id: str) -> RefundRecord | None:
        found = self._find_settled(f"{_SELECT} WHERE account = ? AND id = ?", (account, refund_id))
        return found[0] if found else None

    def find_by_reference(self, account: str, reference: str) -> list[RefundRecord]:
        return self._find_settled(
            f"{_SELECT} WHERE account = ? AND reference = ? ORDER BY number", (account, reference)
        )

    def page(self, account: str, page: PageRequest) -> list[RefundRecord]:
        """Oldest first; one more than the page holds when there are more."""
        return self._find_settled(_PAGE, page_values(account, page))

    def all(self, account: str | None) -> list[RefundRecord]:
        refunds = self._find_settled(f"{_SELECT} ORDER BY number", ())
        return [refund for refund in refunds if account in {None, refund.account}]

    def settle_due(self, *, due_before: float) -> int:
        """Ends what was pending until `due_before` (epoch seconds); how many refunds that were."""
        with self._ledger.transaction() as connection:
            due = connection.execute(_DUE, (due_before,)).fetchall()
            for row in due:
                self._end(connection, refund_from_row(row))
            return len(due)

    def next_settlement_at(self) -> float | None:
        return self._ledger.earliest(
            "SELECT min(settle_at) FROM refunds WHERE settle_at IS NOT NULL"
        )

    def _first_of_key(
        self, connection: sqlite3.Connection, account: str, key: str, *, window_s: float
    ) -> RefundRecord | None:
        """A key that is older than the window is forgotten here."""
        row = connection.execute(_BY_KEY, (account, key)).fetchone()
        if row is None:
            return None
        first = refund_from_row(row)
        if first.created_at >= iso(self._now() - window_s):
            return self._settled(connection, first)
        connection.execute("UPDATE refunds SET idempotency_key = NULL WHERE id = ?", (first.id,))
        return None

    def _settled(self, connection: sqlite3.Connection, refund: RefundRecord) -> RefundRecord:
        """The refund as of now: a pending one ends by itself when its time has come."""
        if refund.settle_at is None or refund.settle_at > self._now():
            return refund
        return self._end(connection, refund)

    def _end(self, connection: sqlite3.Connection, refund: RefundRecord) -> RefundRecord:
        when = iso(self._now())
        is_ended_now = connection.execute(_SETTLE, (when, refund.id)).rowcount == 1
        ended = refund_from_row(connection.execute(_BY_ID, (refund.id,)).fetchone())
        if is_ended_now:
            if ended.status == "failed":
                connection.execute(_RETURN, (refund.amount, when, refund.payment_id))
            self._events.record_refund(connection, ended)
        return ended

    def _find_settled(self, statement: str, values: tuple[object, ...]) -> list[RefundRecord]:
        found = [refund_from_row(row) for row in self._ledger.rows(statement, values)]
        if all(refund.settle_at is None for refund in found):
            return found
        with self._ledger.transaction() as connection:
            return [self._settled(connection, refund) for refund in found]
