"""Looks an unknown payment up while the customer waits: at about 1, 3 and 7 seconds.

Early tries never cancel: a replay or a lookup gives the customer the charge she asked for. Only
the last one may cancel by reference, which proves that another provider can be asked. Few
threads may wait here at once, and each takes one of its provider's places meanwhile, like a call:
so many threads, and no more, does one bad provider hold.
"""

from dataclasses import dataclass
from threading import BoundedSemaphore

from payorch.application.ports import Checkpoint, Clock
from payorch.application.provider_gateway import Answer, ChargeRequest, PaymentGateway
from payorch.application.resolution_ladder import ResolutionLadder, Step
from payorch.domain.outcome import Approved, Declined, NotSent
from payorch.domain.payment_method import Capabilities
from payorch.domain.transaction import Transaction

QUICK_CHECKS_AT_S = (1.0, 3.0, 7.0)
QUICK_CALL_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class QuickAnswer:
    step: Step
    answer: Answer


class QuickResolution:
    def __init__(
        self, *, clock: Clock, checkpoint: Checkpoint, page_budget_s: float, max_waiting: int = 8
    ) -> None:
        self._clock = clock
        self._checkpoint = checkpoint
        self._page_budget_s = page_budget_s
        self._places = BoundedSemaphore(max_waiting)

    def resolve(
        self,
        gateway: PaymentGateway,
        capabilities: Capabilities,
        transaction: Transaction,
        request: ChargeRequest,
        *,
        deadline: float,
    ) -> QuickAnswer | None:
        """A final answer within the page's budget, or None: then the reconciler goes on.

        `deadline` is the submission's, in monotonic seconds.
        """
        if not self._places.acquire(blocking=False):
            return None
        try:
            with gateway.place() as is_in:
                if not is_in:
                    return None
                return self._look_up(gateway, capabilities, transaction, request, deadline)
        finally:
            self._places.release()

    def _look_up(
        self,
        gateway: PaymentGateway,
        capabilities: Capabilities,
        transaction: Transaction,
        request: ChargeRequest,
        deadline: float,
    ) -> QuickAnswer | None:
        began = self._clock.monotonic()
        give_up_at = min(deadline, began + self._page_budget_s)
        for at_s in QUICK_CHECKS_AT_S:
            wait_s = began + at_s - self._clock.monotonic()
            if self._clock.monotonic() + max(wait_s, 0.0) >= give_up_at:
                return None
            self._clock.sleep(max(wait_s, 0.0))
            self._checkpoint("quick_check")
            is_last = at_s == QUICK_CHECKS_AT_S[-1]
            climb = ResolutionLadder(
                gateway=gateway,
                capabilities=capabilities,
                transaction=transaction,
                # The last try skips the replay where a cancel is proof.
                request=None if is_last and capabilities.cancel_by_reference else request,
                age_s=(self._clock.now() - transaction.started_at).total_seconds(),
                may_cancel=is_last,
                timeout_s=lambda: self._call_timeout_s(give_up_at),
            ).climb()
            if climb.answer is not None and isinstance(
                climb.answer.outcome, (Approved, Declined, NotSent)
            ):
                return QuickAnswer(climb.step, climb.answer)
        return None

    def _call_timeout_s(self, give_up_at: float) -> float:
        """What is left of the page's budget goes to the next call, however many came before."""
        return min(QUICK_CALL_TIMEOUT_S, max(give_up_at - self._clock.monotonic(), 0.1))
