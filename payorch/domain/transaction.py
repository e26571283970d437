"""Transaction: one attempt at one provider. It exists before the call and is finished once."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from payorch.domain.instrument import CardSummary
from payorch.domain.money import Money
from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, TransactionStatus

TransactionId = NewType("TransactionId", str)
"""Public id `pa_...`; it is also our reference and the idempotency key at the provider."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A snapshot of one attempt as it was read.

    `sequence` counts over the order, `attempt_number` within its submission (1 = first attempt).
    `version` guards every change; `token` fences off a holder whose lease was taken over.
    """

    id: TransactionId
    provider_code: str
    status: TransactionStatus
    money: Money
    sequence: int
    attempt_number: int
    version: int
    token: int
    started_at: datetime
    lease_until: datetime
    provider_reference: str | None = None
    redirect_url: str | None = None
    card: CardSummary | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_TRANSACTION_STATUSES
