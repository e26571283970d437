"""Port to the refunds' persistence: opened under a lock, taken over by lease, recorded once.

One method is one short transaction; none may be called while a provider is being called. A
fencing token goes with each refund, as with attempts (open_attempts.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.jobs import NewJob
from payorch.application.open_attempts import Evidence
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId, RefundKind, RefundStatus
from payorch.domain.refundable import Refundable, RefundPlan
from payorch.domain.second_person import OnePersonLimit, SecondPersonLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """A refund to open. `plan` decides under the lock what is left to give back; it may raise.

    `limit` is of staff's refunds only, and is asked under the same lock.
    """

    id: RefundId
    order_id: OrderId
    plan: Callable[[Refundable], RefundPlan]
    reason: str
    actor: str
    at: datetime
    idempotency_key: str
    request_hash: str
    is_by_staff: bool = False
    limit: OnePersonLimit | None = None


@dataclass(frozen=True, slots=True)
class OpenedRefund:
    """`is_replay`: the same request came before; nothing was written now."""

    refund: Refund
    is_replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecording:
    """One step of the single writer of refunds. A `status` that stays puts the refund off.

    `needs_lease`: only the holder of the token may conclude this; the version always guards.
    `forgets_sending`: it is proved that no request is under way. `follow_up` is the guard's next
    try, of another kind, at a charge that it could not void.
    """

    refund: Refund
    status: RefundStatus
    at: datetime
    needs_lease: bool
    provider_reference: str | None = None
    failure_code: str | None = None
    technical_reason: str | None = None
    order_flag: str | None = None
    forgets_sending: bool = False
    is_counted: bool = True
    next_check_at: datetime | None = None
    review_at: datetime | None = None
    evidence: Evidence | None = None
    follow_up: "FollowUp | None" = None
    jobs: tuple[NewJob, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    id: RefundId
    kind: RefundKind


class RefundLedger(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def refundable(self, order_id: OrderId) -> Refundable:
        """As last committed. Raises OrderNotFound and OrderNotRefundable (never paid)."""

    def open(self, new: NewRefund) -> OpenedRefund:
        """Insert it with its journal row and its job, after deciding under the order's lock.

        Raises what `refundable` and the plan raise, RefundNeedsSecondPerson and
        IdempotencyKeyReused.
        """

    def asked_by_staff_minor(self, order_id: OrderId, *, since: datetime) -> int:
        """What staff have asked for of the order's money since; without what failed."""

    def replayed(
        self, idempotency_key: str, request_hash: str, order_id: OrderId
    ) -> OpenedRefund | None:
        """The refund that this request has opened before. Raises IdempotencyKeyReused."""

    def reopen(
        self,
        refund_id: RefundId,
        *,
        actor: str,
        reason: str,
        at: datetime,
        limits: SecondPersonLimits | None = None,
    ) -> Refund:
        """A failed refund is STARTED again under its own key, within what is left now.

        `limits` are asked about what one person alone had asked for. Raises RefundNotFound,
        RefundInProgress, RefundNotRetryable, RefundTooLarge, RefundNeedsSecondPerson.
        """

    def find(self, refund_id: RefundId) -> Refund | None: ...

    def take(self, refund: Refund, *, lease_s: float, sends: bool) -> Refund | None:
        """Bump the token and take the lease; None when another holder's still runs.

        `sends`: a request may leave from now on; that is committed before it does.
        """

    def due_without_job(self, *, limit: int, hours: tuple[str, str]) -> Sequence[Refund]:
        """Open refunds without a running lease whose next check is due, oldest first: those that
        no job waits for, and that got none in these `hours` (see refund_jobs.py).
        """

    def record(self, recording: RefundRecording) -> Refund | None:
        """Write the step. None when the compare-and-swap lost.

        Raises ContradictsLedger when another refund has the provider's reference already.
        """

    def keep_evidence(self, refund: Refund, evidence: Evidence, *, order_flag: str | None) -> bool:
        """What contradicts a settled refund. False when the same is known already."""
