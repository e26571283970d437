"""Give money of a paid order back: request -> commit -> call -> record.

The caller waits for the provider's answer within its time-out; after that the refund is simply
under way, and its job finds out. Nothing is ever sent that was not committed before.
"""

from collections.abc import Callable
from dataclasses import dataclass

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock, Ids
from payorch.application.refund_ledger import NewRefund, OpenedRefund, RefundLedger
from payorch.application.resolve_refund import ResolveRefund
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId
from payorch.domain.refundable import Refundable, RefundPlan
from payorch.domain.second_person import SecondPersonLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPayment:
    """`amount_minor` None is all that is left. `idempotency_key` is scoped by the caller.

    `prefers_void`: take the whole payment back rather than refund it, where that is possible.
    `is_by_staff`: a person asks, for whom the limits hold above which two have to agree.
    """

    order_id: OrderId
    amount_minor: int | None
    reason: str
    actor: str
    idempotency_key: str
    request_hash: str
    prefers_void: bool = False
    is_by_staff: bool = False


@dataclass(frozen=True, slots=True)
class RefundOptions:
    """What may be given back now, and how, as the refund page shows it."""

    refundable: Refundable
    may_refund: bool
    may_void: bool


class RefundPaymentUseCase:
    def __init__(
        self,
        *,
        ledger: RefundLedger,
        resolve: ResolveRefund,
        registry: PaymentMethodRegistry,
        clock: Clock,
        ids: Ids,
        checkpoint: Checkpoint,
        limits: SecondPersonLimits | None = None,
    ) -> None:
        self._limits = limits or SecondPersonLimits()
        self._ledger = ledger
        self._resolve = resolve
        self._registry = registry
        self._clock = clock
        self._ids = ids
        self._checkpoint = checkpoint

    def options(self, order_id: OrderId) -> RefundOptions:
        """Raises OrderNotFound and OrderNotRefundable."""
        refundable = self._ledger.refundable(order_id)
        capabilities = self._capabilities(refundable)
        return RefundOptions(
            refundable,
            may_refund=capabilities.refund and refundable.left_minor > 0,
            may_void=refundable.may_void(capabilities),
        )

    def execute(self, command: RefundPayment) -> OpenedRefund:
        """The refund as it stands after asking the provider, or the one that came before.

        Raises ReasonRequired, OrderNotFound, OrderNotRefundable, RefundTooLarge,
        RefundNeedsSecondPerson and IdempotencyKeyReused; then nothing was written or sent.
        """
        reason = checked_reason(command.reason)
        self._registry.require_running()
        replayed = self._ledger.replayed(
            command.idempotency_key, command.request_hash, command.order_id
        )
        if replayed is not None:
            return replayed
        # Which provider it is cannot change any more; what is left is decided under the lock.
        refundable = self._ledger.refundable(command.order_id)
        plan, now = self.plan_of(command, refundable), self._clock.now()
        limit = self._limits.of(refundable.paid.currency, at=now) if command.is_by_staff else None
        opened = self._ledger.open(
            NewRefund(
                id=self._ids.refund_id(),
                order_id=command.order_id,
                plan=plan,
                reason=reason,
                actor=command.actor,
                at=now,
                idempotency_key=command.idempotency_key,
                request_hash=command.request_hash,
                is_by_staff=command.is_by_staff,
                limit=limit,
            )
        )
        if opened.is_replay:
            return opened
        self._checkpoint("refund_opened")
        return OpenedRefund(self.carried_on(opened.refund), is_replay=False)

    def require_running(self) -> None:
        """Raises PaymentsPaused in SAFE mode."""
        self._registry.require_running()

    def plan_of(
        self, command: RefundPayment, refundable: Refundable
    ) -> Callable[[Refundable], RefundPlan]:
        """How `command` is carried out, to be decided once more under the lock."""
        capabilities = self._capabilities(refundable)

        def plan(refundable: Refundable) -> RefundPlan:
            return refundable.plan(
                command.amount_minor, capabilities, prefers_void=command.prefers_void
            )

        return plan

    def retry(
        self, refund_id: RefundId, *, actor: str, reason: str, is_by_staff: bool = False
    ) -> Refund:
        """Try a failed refund again under its own key, if that much is left to give back.

        What two people agreed on, and what the merchant's own system asked for, needs nobody
        else. What one person asked for alone stays within that person's limit, or parts that
        failed first would get around it. Raises ReasonRequired, RefundNotFound, RefundInProgress,
        RefundNotRetryable, RefundTooLarge and RefundNeedsSecondPerson; then nothing was written
        or sent.
        """
        self._registry.require_running()
        refund = self._ledger.reopen(
            refund_id,
            actor=actor,
            reason=checked_reason(reason),
            at=self._clock.now(),
            limits=self._limits if is_by_staff else None,
        )
        self._checkpoint("refund_opened")
        return self.carried_on(refund)

    def carried_on(self, refund: Refund) -> Refund:
        """Ask the provider now. Whatever gets in the way, the refund is committed and has a job."""
        try:
            self._resolve.execute(refund.id)
            return self._ledger.find(refund.id) or refund
        except LedgerUnavailable:
            return refund

    def _capabilities(self, refundable: Refundable) -> Capabilities:
        return self._registry.method(refundable.provider_code).capabilities
