"""Orders that end without a payment: expired by time, or cancelled by somebody.

Only an order without an open attempt can end so: PENDING or FAILED, by compare-and-swap against
a customer who presses "Pay" at the same moment.
"""

from datetime import datetime
from typing import Protocol

from payorch.application.jobs import Job
from payorch.application.order_views import OrderReader
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import (
    OrderAlreadyPaid,
    OrderNotFound,
    OrderNotPayable,
    PaymentInProgress,
)
from payorch.domain.payment_order import OrderId, PaymentOrder
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.transitions import may_order_become

AT_ONCE = 200
"""Orders that one statement expires: it holds SQLite's write lock only for a moment."""

BATCHES_PER_RUN = 50


class OrderEndings(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def expire(self, *, at: datetime, limit: int) -> int:
        """Expire at most `limit` orders whose time is over; how many it were."""

    def cancel(self, order: PaymentOrder, *, actor: str, reason: str, at: datetime) -> bool:
        """Cancel and journal it, with the job of the customer's letter.

        False when the order has changed since it was read.
        """


class EndOrderUseCase:
    def __init__(self, *, endings: OrderEndings, orders: OrderReader, clock: Clock) -> None:
        self._endings = endings
        self._orders = orders
        self._clock = clock

    def cancel(self, order_id: OrderId, *, actor: str, reason: str) -> PaymentOrder:
        """The cancelled order; cancelling it again changes nothing.

        Raises OrderNotFound, OrderAlreadyPaid, OrderNotPayable (expired), PaymentInProgress (an
        attempt has to end first) and ReasonRequired.
        """
        why = checked_reason(reason)
        while True:
            order = self._read(order_id)
            if order.status is PaymentStatus.CANCELLED:
                return order
            _require_endable(order)
            # A lost race shows in the next reading: the order is being paid, or has ended.
            self._endings.cancel(order, actor=actor, reason=why, at=self._clock.now())

    def expire_due(self) -> int:
        """Expire the orders whose time to pay is over; how many it were."""
        total = 0
        for _ in range(BATCHES_PER_RUN):
            expired = self._endings.expire(at=self._clock.now(), limit=AT_ONCE)
            total += expired
            if expired < AT_ONCE:
                break
        return total

    def handle(self, _job: Job) -> None:
        """Handler of EXPIRE_ORDERS."""
        self.expire_due()

    def _read(self, order_id: OrderId) -> PaymentOrder:
        view = self._orders.by_id(order_id)
        if view is None:
            raise OrderNotFound("There is no such order.")
        return view.order


def _require_endable(order: PaymentOrder) -> None:
    if may_order_become(order.status, PaymentStatus.CANCELLED):
        return
    match order.status:
        case PaymentStatus.PAID:
            raise OrderAlreadyPaid("This order is paid; it can be refunded, not cancelled.")
        case PaymentStatus.PROCESSING:
            raise PaymentInProgress(
                "A payment for this order is open; it has to end before the order can.",
                order_id=order.id,
            )
        case _:
            raise OrderNotPayable(f"This order is {order.status} already.")
