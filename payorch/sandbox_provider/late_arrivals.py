"""Requests still on their way: accepted by the network, charged some seconds after.

They are durable, because a merchant cannot recall them either: only a cancelled reference or a
replay that came first keeps them from charging.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

import orjson
import structlog

from payorch.sandbox_provider.alarm import Alarm
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
        self._alarm = Alarm("late-arrivals", now)

    def start(self) -> None:
        self._alarm.start(
            next_due_at=lambda: self._ledger.earliest("SELECT min(due_at) FROM arrivals"),
            run=lambda: self.land(due_before=self._now()),
        )

    def add(self, payment: PaymentRecord, *, due_at: float) -> None:
        with self._ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO arrivals (due_at, payment) VALUES (?, ?)",
                (due_at, orjson.dumps(asdict(payment)).decode()),
            )
        self._alarm.wake()

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
