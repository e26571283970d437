"""Requests still on their way: accepted by the network, charged some seconds after.

They are durable, because a merchant cannot recall them either: only a cancelled reference or a
replay that came first keeps them from charging.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, replace

import orjson
import structlog

from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.payment_ledger import KeyReused, PaymentLedger, ReferenceCancelled
from payorch.sandbox_provider.payment_record import PaymentRecord, iso

_log = structlog.get_logger(__name__)

# An arrival is charged at most once whatever the account's window, so any key ever seen counts.
_ANY_AGE_S = 10 * 365 * 86_400.0


class LateArrivals:
    """A small durable queue with one thread that lands what is due."""

    def __init__(self, ledger: Ledger, payments: PaymentLedger, now: Callable[[], float]) -> None:
        self._ledger, self._payments, self._now = ledger, payments, now
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._next_due_at = self._read_next_due_at()
        if self._next_due_at is not None:
            self._ensure_thread()

    def add(self, payment: PaymentRecord, *, due_at: float) -> None:
        with self._ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO arrivals (due_at, payment) VALUES (?, ?)",
                (due_at, orjson.dumps(asdict(payment)).decode()),
            )
        with self._changed:
            self._next_due_at = min(due_at, self._next_due_at or due_at)
            self._ensure_thread()
            self._changed.notify()

    def waiting(self) -> int:
        return int(str(self._ledger.rows("SELECT count(*) FROM arrivals")[0][0]))

    def land(self, *, due_before: float) -> int:
        """Charges what is due; how many arrivals left the queue, charged or not."""
        due = self._ledger.rows(
            "SELECT number, payment FROM arrivals WHERE due_at <= ? ORDER BY due_at", (due_before,)
        )
        for number, text in due:
            self._land_one(number, str(text))
        return len(due)

    def _land_one(self, number: object, text: str) -> None:
        payment = PaymentRecord(**orjson.loads(text))
        landed_at = iso(self._now())
        payment = replace(payment, created_at=landed_at, updated_at=landed_at)
        # Charge and removal are one step, so that a crash between them cannot charge twice.
        with self._ledger.transaction() as connection:
            cursor = connection.execute("DELETE FROM arrivals WHERE number = ?", (number,))
            if cursor.rowcount != 1:
                return
            try:
                self._payments.charge_within(connection, payment, window_s=_ANY_AGE_S)
            except (KeyReused, ReferenceCancelled) as reason:
                _log.info("late_arrival_refused", reason=type(reason).__name__)

    def _read_next_due_at(self) -> float | None:
        due_at = self._ledger.rows("SELECT min(due_at) FROM arrivals")[0][0]
        return due_at if isinstance(due_at, float) else None

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="late-arrivals", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                due_at = self._next_due_at
                wait_s = None if due_at is None else due_at - self._now()
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
            self.land(due_before=self._now())
            with self._changed:
                self._next_due_at = self._read_next_due_at()
