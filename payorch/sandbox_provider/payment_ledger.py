"""Writing and finding payments. Each public method is one durable step."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace

from payorch.sandbox_provider.alarm import Alarm
from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.listing import PageRequest, page_statement, page_values
from payorch.sandbox_provider.payment_record import (
    PAYMENT_COLUMNS,
    PaymentRecord,
    iso,
    new_payment_id,
    payment_from_row,
    payment_to_row,
)
from payorch.sandbox_provider.webhook_events import EventLog

_COLUMNS = ", ".join(PAYMENT_COLUMNS)
_SELECT = f"SELECT {_COLUMNS} FROM payments"
_MARKS = ", ".join("?" * len(PAYMENT_COLUMNS))
_INSERT = f"INSERT INTO payments ({_COLUMNS}) VALUES ({_MARKS})"
# One statement is one transaction: the way of almost every payment, and the shortest.
_INSERT_IF_NEW = f"""INSERT INTO payments ({_COLUMNS})
    SELECT {_MARKS} WHERE NOT EXISTS
        (SELECT 1 FROM tombstones WHERE account = ? AND reference = ?)
    ON CONFLICT (account, idempotency_key) DO NOTHING"""
_BY_ID = f"{_SELECT} WHERE account = ? AND id = ?"
_BY_KEY = f"{_SELECT} WHERE account = ? AND idempotency_key = ?"
_BY_REFERENCE = f"{_SELECT} WHERE account = ? AND reference = ? ORDER BY number"
_PAGE = page_statement(_SELECT, "payments")
_DUE = f"{_SELECT} WHERE settle_at <= ? ORDER BY settle_at, number"
_IS_TOMBSTONE = "SELECT 1 FROM tombstones WHERE account = ? AND reference = ?"
# Columns on the right are those before the update.
_SETTLE = """UPDATE payments SET status = ends_as,
    captured_amount = CASE ends_as WHEN 'approved' THEN amount ELSE 0 END,
    settle_at = NULL, updated_at = ? WHERE id = ?"""


class KeyReused(Exception):
    """The idempotency key was used for another request."""


class ReferenceCancelled(Exception):
    """The merchant cancelled this reference before it arrived."""


class NotCancellable(Exception):
    def __init__(self, payment: PaymentRecord) -> None:
        super().__init__(payment.id)
        self.payment = payment


def _twin_of(payment: PaymentRecord) -> PaymentRecord:
    """The same payment once more, as an object of its own."""
    return replace(payment, id=new_payment_id(payment.account), idempotency_key=None)


class PaymentLedger:
    """`settling` is woken when a payment has been added that will end by itself."""

    def __init__(
        self, ledger: Ledger, events: EventLog, settling: Alarm, now: Callable[[], float]
    ) -> None:
        self._ledger, self._events, self._settling = ledger, events, settling
        self._now = now

    def charge(
        self, new: PaymentRecord, *, window_s: float, is_doubled: bool = False
    ) -> PaymentRecord:
        """The payment of this key: `new`, or the one that came first.

        `is_doubled` charges an approved payment a second time, under no key: the worst that a
        provider can do. Raises KeyReused or ReferenceCancelled; nothing is charged then.
        """
        # The short way has no room for an event, nor for a thread to be woken.
        is_plain = new.settle_at is None and not is_doubled
        if is_plain and not self._events.is_on(new.account):
            values = (*payment_to_row(new), new.account, new.reference)
            if self._ledger.write(_INSERT_IF_NEW, values) == 1:
                return new
        with self._ledger.transaction() as connection:
            payment = self.charge_within(connection, new, window_s=window_s)
            if is_doubled and payment is new and new.status == "approved":
                self._add(connection, _twin_of(new))
            return payment

    def charge_within(
        self, connection: sqlite3.Connection, new: PaymentRecord, *, window_s: float
    ) -> PaymentRecord:
        """As `charge`, inside a transaction of the caller's."""
        if new.idempotency_key is not None:
            row = connection.execute(_BY_KEY, (new.account, new.idempotency_key)).fetchone()
            if row is not None:
                first = payment_from_row(row)
                if first.created_at >= iso(self._now() - window_s):
                    if first.fingerprint != new.fingerprint:
                        raise KeyReused
                    return self._settled(connection, first)
                connection.execute(
                    "UPDATE payments SET idempotency_key = NULL WHERE id = ?", (first.id,)
                )
        if connection.execute(_IS_TOMBSTONE, (new.account, new.reference)).fetchone():
            raise ReferenceCancelled
        self._add(connection, new)
        return new

    def _add(self, connection: sqlite3.Connection, new: PaymentRecord) -> None:
        connection.execute(_INSERT, payment_to_row(new))
        self._events.record_payment(connection, new)
        if new.settle_at is not None:
            self._settling.wake()

    def find(self, account: str, payment_id: str) -> PaymentRecord | None:
        found = self._find_settled(_BY_ID, (account, payment_id))
        return found[0] if found else None

    def find_in_any_account(self, payment_id: str) -> PaymentRecord | None:
        found = self._find_settled(f"{_SELECT} WHERE id = ?", (payment_id,))
        return found[0] if found else None

    def find_by_reference(self, account: str, reference: str) -> list[PaymentRecord]:
        return self._find_settled(_BY_REFERENCE, (account, reference))

    def page(self, account: str, page: PageRequest) -> list[PaymentRecord]:
        """Oldest first; one more than the page holds when there are more."""
        return self._find_settled(_PAGE, page_values(account, page))

    def all(self, account: str | None) -> list[PaymentRecord]:
        if account is None:
            return self._find_settled(f"{_SELECT} ORDER BY number", ())
        return self._find_settled(f"{_SELECT} WHERE account = ? ORDER BY number", (account,))

    def cancel(self, payment: PaymentRecord) -> PaymentRecord:
        """The cancelled payment; raises NotCancellable when it has ended otherwise."""
        with self._ledger.transaction() as connection:
            return self._cancel_within(connection, self._read(connection, payment))

    def cancel_reference(self, account: str, reference: str) -> PaymentRecord | None:
        """Refuses the reference for ever, and cancels what of it is open.

        Raises NotCancellable, and then nothing has changed.
        """
        with self._ledger.transaction() as connection:
            rows = connection.execute(_BY_REFERENCE, (account, reference)).fetchall()
            cancelled = [
                self._cancel_within(connection, self._settled(connection, payment_from_row(row)))
                for row in rows
            ]
            connection.execute(
                "INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?)",
                (account, reference, iso(self._now())),
            )
            return cancelled[-1] if cancelled else None

    def decide(
        self, payment: PaymentRecord, *, is_approved: bool, refused_code: str
    ) -> PaymentRecord:
        """What the customer decided on the challenge page; a payment that has ended stays."""
        with self._ledger.transaction() as connection:
            current = self._read(connection, payment)
            if current.status != "requires_action":
                return current
            if not is_approved:
                connection.execute(
                    "UPDATE payments SET ends_as = 'declined', decline_code = ?,"
                    " decline_advice = NULL WHERE id = ?",
                    (refused_code, current.id),
                )
            return self._end(connection, current)

    def settle_due(self, *, due_before: float) -> int:
        """Ends what was pending until `due_before` (epoch seconds); how many payments that were."""
        with self._ledger.transaction() as connection:
            due = connection.execute(_DUE, (due_before,)).fetchall()
            for row in due:
                self._end(connection, payment_from_row(row))
            return len(due)

    def next_settlement_at(self) -> float | None:
        return self._ledger.earliest(
            "SELECT min(settle_at) FROM payments WHERE settle_at IS NOT NULL"
        )

    def strike_once(self, account: str, reference: str) -> bool:
        """Whether this payment has not been struck by a fault before; remembers that it now is."""
        with self._ledger.transaction() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO strikes VALUES (?, ?)", (account, reference)
            )
            return cursor.rowcount == 1

    def _read(self, connection: sqlite3.Connection, payment: PaymentRecord) -> PaymentRecord:
        row = connection.execute(_BY_ID, (payment.account, payment.id)).fetchone()
        return self._settled(connection, payment_from_row(row))

    def _settled(self, connection: sqlite3.Connection, payment: PaymentRecord) -> PaymentRecord:
        """The payment as of now: a pending one ends by itself when its time has come."""
        if payment.settle_at is None or payment.settle_at > self._now():
            return payment
        return self._end(connection, payment)

    def _end(self, connection: sqlite3.Connection, payment: PaymentRecord) -> PaymentRecord:
        connection.execute(_SETTLE, (iso(self._now()), payment.id))
        row = connection.execute(_BY_ID, (payment.account, payment.id)).fetchone()
        ended = payment_from_row(row)
        self._events.record_payment(connection, ended)
        return ended

    def _find_settled(self, statement: str, values: tuple[object, ...]) -> list[PaymentRecord]:
        found = [payment_from_row(row) for row in self._ledger.rows(statement, values)]
        if all(payment.settle_at is None for payment in found):
            return found
        with self._ledger.transaction() as connection:
            return [self._read(connection, payment) for payment in found]

    def _cancel_within(
        self, connection: sqlite3.Connection, payment: PaymentRecord
    ) -> PaymentRecord:
        if payment.status == "cancelled":
            return payment
        if not payment.is_open:
            raise NotCancellable(payment)
        connection.execute(
            "UPDATE payments SET status = 'cancelled', settle_at = NULL, updated_at = ?"
            " WHERE id = ?",
            (iso(self._now()), payment.id),
        )
        cancelled = self._read(connection, payment)
        self._events.record_payment(connection, cancelled)
        return cancelled
