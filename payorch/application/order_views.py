"""Port for reading one order with its attempts, for the customer's page and the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import OrderId, PaymentOrder
from payorch.domain.payment_status import TransactionStatus
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
    """An order as last committed, with all its attempts in the order of trying."""

    order: PaymentOrder
    transactions: tuple[TransactionView, ...]
    last_result: dict[str, object] | None

    @property
    def paid_by(self) -> TransactionView | None:
        """The attempt that paid, if any."""
        for transaction in self.transactions:
            if transaction.status is TransactionStatus.APPROVED:
                return transaction
        return None

    @property
    def last(self) -> TransactionView | None:
        return self.transactions[-1] if self.transactions else None


class OrderReader(Protocol):
    def by_token_hash(self, token_hash: str, *, created_after: datetime) -> OrderView | None: ...

    def by_id(self, order_id: OrderId) -> OrderView | None: ...
