"""Send an open refund, or find out what became of it: one climb of its ladder.

The caller who asked for it, the job and the reconciler all come here. Each takes the lease with
a new fencing token first, and what may have been sent is committed before the call.
"""

from enum import StrEnum

from payorch.application.jobs import Job, RetryLater
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock
from payorch.application.provider_gateway import GatewayCatalog
from payorch.application.record_refund import RefundRecorder
from payorch.application.refund_gateway import RefundAnswer
from payorch.application.refund_ladder import RefundLadder
from payorch.application.refund_ledger import RefundLedger
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.refund import Refund, RefundId
from payorch.domain.refund_outcome import RefundUnknown

LEASE_MARGIN_S = 20.0
"""Recording the answer, with the patience that a database in trouble needs."""

HELD_STEP_S = 2.0
"""Each try waits longer by this, so that the job outlasts the lease of a holder that died."""


class RefundResolution(StrEnum):
    SETTLED = "settled"
    STILL_OPEN = "still_open"
    HELD = "held_by_another"
    GONE = "not_open_any_more"


class ResolveRefund:
    def __init__(
        self,
        *,
        ledger: RefundLedger,
        recorder: RefundRecorder,
        registry: PaymentMethodRegistry,
        gateways: GatewayCatalog,
        clock: Clock,
        checkpoint: Checkpoint,
    ) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._registry = registry
        self._gateways = gateways
        self._clock = clock
        self._checkpoint = checkpoint

    def execute(
        self, refund_id: RefundId, *, named_reference: str | None = None
    ) -> RefundResolution:
        """One climb. Raises LedgerUnavailable; the refund is then looked at again later."""
        refund = self._ledger.find(refund_id)
        if refund is None or not refund.is_open:
            return RefundResolution.GONE
        method = self._method(refund)
        ladder = None if method is None else self._ladder(refund, method, named_reference)
        timeout_s = 0.0 if method is None else method.timeout_s
        # Read once: what is sent after all must have been committed as sent.
        only_looks = self._registry.is_paused()
        taken = self._ledger.take(
            refund,
            # A refusal is followed by a look or a search: two calls.
            lease_s=2 * timeout_s + LEASE_MARGIN_S,
            sends=ladder is not None and ladder.may_send and not only_looks,
        )
        if taken is None:
            return RefundResolution.HELD
        self._checkpoint("refund_taken")
        return self._settle(refund, taken, ladder, only_looks=only_looks)

    def confirm(self, refund_id: RefundId, *, named_reference: str | None = None) -> None:
        """Ask the provider about a settled refund, because an event spoke of it."""
        refund = self._ledger.find(refund_id)
        if refund is None or refund.is_open:
            return
        method = self._method(refund)
        answer = None
        if method is not None:
            answer = self._ladder(refund, method, named_reference).look()
        if answer is not None:
            self._recorder.confirm(refund, answer)

    def _settle(
        self, refund: Refund, taken: Refund, ladder: RefundLadder | None, *, only_looks: bool
    ) -> RefundResolution:
        """`refund` is as it was read: whether something was sent before, only that can tell."""
        try:
            answer = None if ladder is None else _asked(ladder, only_looks=only_looks)
        except Exception:
            # What broke may break again: the others that wait have their turn first.
            self._recorder.put_off(taken, needs_a_person=True)
            raise
        self._checkpoint("refund_answered")
        if answer is None:
            # In SAFE mode it only waits; else nobody is left who could be asked.
            self._recorder.put_off(taken, needs_a_person=not only_looks)
            return RefundResolution.STILL_OPEN
        stored = self._recorder.record(taken, answer, was_sent_before=refund.may_have_been_sent)
        if stored is None:
            return RefundResolution.HELD
        return RefundResolution.STILL_OPEN if stored.is_open else RefundResolution.SETTLED

    def _method(self, refund: Refund) -> PaymentMethodVO | None:
        """None when nobody can be asked: a case for finance."""
        try:
            method = self._registry.method(refund.provider_code)
        except PaymentMethodNotFound:
            return None
        return method if self._gateways.is_connected(method) else None

    def _ladder(
        self, refund: Refund, method: PaymentMethodVO, named_reference: str | None
    ) -> RefundLadder:
        return RefundLadder(
            gateway=self._gateways.refund_gateway_for(method),
            capabilities=method.capabilities,
            refund=refund,
            now=self._clock.now(),
            timeout_s=method.timeout_s,
            named_reference=named_reference,
        )


def _asked(ladder: RefundLadder, *, only_looks: bool) -> RefundAnswer | None:
    """In SAFE mode nothing may be sent, so that not knowing is no news there."""
    if not only_looks:
        return ladder.climb()
    answer = ladder.look()
    return None if answer is None or isinstance(answer.outcome, RefundUnknown) else answer


class SendRefund:
    """Handler of SEND_REFUND; payload {"refund": id}. Harmless when it runs again.

    The next check of a refund that stays open is the reconciler's. Without "sends" the job comes
    from an event, with the provider's id as "named": then a settled refund is compared with what
    the provider says now.
    """

    def __init__(self, resolve: ResolveRefund) -> None:
        self._resolve = resolve

    def __call__(self, job: Job) -> None:
        refund_id = RefundId(str(job.payload["refund"]))
        named = job.payload.get("named")
        named_reference = None if named is None else str(named)
        match self._resolve.execute(refund_id, named_reference=named_reference):
            case RefundResolution.HELD:
                raise RetryLater(
                    "Somebody is at work on the refund.", delay_s=HELD_STEP_S * job.attempts
                )
            case RefundResolution.GONE:
                if not job.payload.get("sends"):
                    self._resolve.confirm(refund_id, named_reference=named_reference)
            case RefundResolution.SETTLED | RefundResolution.STILL_OPEN:
                return
