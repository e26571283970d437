"""What ends by itself: a thread ends it when its time has come, so that merchants are told."""

from collections.abc import Callable

from payorch.sandbox_provider.alarm import Alarm
from payorch.sandbox_provider.payment_ledger import PaymentLedger
from payorch.sandbox_provider.refund_ledger import RefundLedger


class Settlements:
    """Whoever reads what is due before the thread comes to it ends it as well."""

    def __init__(
        self,
        payments: PaymentLedger,
        refunds: RefundLedger,
        alarm: Alarm,
        now: Callable[[], float],
    ) -> None:
        self._payments, self._refunds, self._alarm = payments, refunds, alarm
        self._now = now

    def start(self) -> None:
        self._alarm.start(
            next_due_at=self._next_due_at, run=lambda: self.settle(due_before=self._now())
        )

    def settle(self, *, due_before: float) -> int:
        """How many payments and refunds have ended."""
        return self._payments.settle_due(due_before=due_before) + self._refunds.settle_due(
            due_before=due_before
        )

    def _next_due_at(self) -> float | None:
        times = (self._payments.next_settlement_at(), self._refunds.next_settlement_at())
        return min((due_at for due_at in times if due_at is not None), default=None)
