"""Port for reading refunds as people and API clients see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId, RefundKind, RefundStatus
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """`is_guard`: the double-payment guard asked for it, so it is not of the order's payment."""

    id: RefundId
    order_id: OrderId
    transaction_id: TransactionId
    kind: RefundKind
    is_guard: bool
    status: RefundStatus
    money: Money
    provider_code: str
    payment_reference: str
    provider_reference: str | None
    failure_code: str | None
    reason: str
    requested_by: str
    requested_at: datetime
    changed_at: datetime


class RefundReader(Protocol):
    def of_order(self, order_id: OrderId) -> tuple[RefundView, ...]:
        """Oldest first, the guard's included."""

    def by_id(self, refund_id: RefundId) -> RefundView | None: ...
