"""Port to the attempts that are not settled yet: who holds them, when to look, what was learned.

A fencing token goes with each: whoever takes an attempt over bumps it, and what an earlier
holder then concludes from silence no longer counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payorch.domain.payment_order import OrderId, PaymentOrder
from payorch.domain.transaction import Transaction, TransactionId


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An open transaction with all that resolving it needs."""

    order_key: int
    submission_key: int
    order: PaymentOrder
    transaction: Transaction
    checks: int
    answered_at: datetime | None
    is_in_review: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was learned outside the attempt's own call, or what contradicted what is known."""

    source: str
    outcome: str
    was_applied: bool
    at: datetime
    detail: Mapping[str, str | int | None] = field(default_factory=dict)


class OpenAttempts(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def find(self, transaction_id: TransactionId) -> Transaction | None:
        """The transaction as it stands, open or not."""

    def of_transaction(self, transaction_id: TransactionId) -> OpenAttempt | None:
        """The transaction with its order when it is still open."""

    def of_order(self, order_id: OrderId) -> OpenAttempt | None: ...

    def take_over(self, attempt: OpenAttempt, *, lease_s: float) -> OpenAttempt | None:
        """Bump the fencing token and take the lease. None when a holder's lease still runs."""

    def due(self, *, limit: int) -> Sequence[TransactionId]:
        """Open transactions without a running lease whose next check is due, oldest first."""

    def enqueue_due(self, *, limit: int) -> int:
        """A SETTLE_TRANSACTION job for each that `due` would give and that has none; how many.

        Its destination is the provider, and it counts for one check only: it names the token.
        """

    def schedule_check(
        self, attempt: OpenAttempt, *, next_check_at: datetime | None, review: bool
    ) -> None:
        """Release the lease, count the check and say when to look again.

        Without `next_check_at` the check does not count and the next one stays as it was.
        """

    def add_evidence(
        self, transaction_id: TransactionId, evidence: Evidence, *, order_flag: str | None = None
    ) -> None: ...

    def first_evidence_at(self, transaction_id: TransactionId, outcome: str) -> datetime | None:
        """When evidence of this outcome was kept first."""
