"""Port for reading one order with its attempts, for the customer's page and the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import OrderId, PaymentOrder
from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    PaymentStatus,
    TransactionStatus,
)
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True)
class TransactionView:
    id: TransactionId
    sequence: int
    attempt_number: int
    submission_number: int
    provider_code: str
    provider_name: str
    status: TransactionStatus
    decline_reason: str | None
    decline_class: str | None
    technical_reason: str | None
    latency_ms: int | None
    card: CardSummary | None
    redirect_url: str | None
    started_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as last committed, with all its attempts in the order of trying.

    `refunded_minor` has gone back of its payment, `refunding_minor` may be on its way back.
    """

    order: PaymentOrder
    transactions: tuple[TransactionView, ...]
    last_result: dict[str, object] | None
    refunded_minor: int = 0
    refunding_minor: int = 0

    @property
    def paid_by(self) -> TransactionView | None:
        """The attempt that paid, if any; also when its money was given back meanwhile."""
        for transaction in self.transactions:
            if transaction.status in CHARGED_TRANSACTION_STATUSES:
                return transaction
        return None

    @property
    def refundable_minor(self) -> int:
        """The most that can still be given back, in minor units."""
        if self.order.status is not PaymentStatus.PAID:
            return 0
        return self.order.money.amount_minor - self.refunded_minor - self.refunding_minor

    @property
    def last(self) -> TransactionView | None:
        return self.transactions[-1] if self.transactions else None


class OrderReader(Protocol):
    def by_token_hash(self, token_hash: str, *, created_after: datetime) -> OrderView | None: ...

    def by_id(self, order_id: OrderId) -> OrderView | None: ...
