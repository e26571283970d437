"""Settle an open transaction by the resolution ladder, now.

The return page of a redirect, the reconciler and "check now" all come here. It takes the lease
with a new fencing token first, so that a holder who wakes up late cannot conclude "not sent".
Without proof nothing changes but the time of the next check.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payorch.application.judge_outcome import (
    Attempt,
    OutcomeJudge,
    names_another_amount,
)
from payorch.application.open_attempts import OpenAttempt, OpenAttempts
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock
from payorch.application.proofs_of_time import ProofsOfTime
from payorch.application.provider_gateway import Answer, GatewayCatalog
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.resolution_ladder import Climb, ResolutionLadder, Step
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    Outcome,
    Pending,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.transaction import TransactionId

CHECK_DELAYS_S = (15, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
"""Times between checks; the last one repeats (domain.md, section 4)."""

REVIEW_AFTER = timedelta(days=7)
ABANDONED_AFTER = timedelta(minutes=30)
"""A customer who has not come back from the provider's page by then gets it cancelled."""

REVIEW_ENTERED = "review_entered"

LOOKUP_TIMEOUT_S = 5.0
LEASE_S = 40.0
"""Four calls of the ladder and the recording, with room to spare."""


class Resolution(StrEnum):
    SETTLED = "settled"
    STILL_OPEN = "still_open"
    REVIEW = "review"
    HELD = "held_by_another"
    GONE = "not_open_any_more"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to. `climb` is what was asked and answered; None when nobody was asked."""

    resolution: Resolution
    climb: Climb | None = None


@dataclass(frozen=True, slots=True)
class _Check:
    attempt: OpenAttempt
    climb: Climb
    now: datetime
    is_counted: bool


class ResolveTransactionUseCase:
    def __init__(
        self,
        *,
        open_attempts: OpenAttempts,
        judge: OutcomeJudge,
        recorder: OutcomeRecorder,
        registry: PaymentMethodRegistry,
        gateways: GatewayCatalog,
        clock: Clock,
        checkpoint: Checkpoint,
        alert: Callable[[str, Mapping[str, str]], None],
        trusts_documented_absence: bool = False,
    ) -> None:
        self._open_attempts = open_attempts
        self._judge = judge
        self._recorder = recorder
        self._registry = registry
        self._gateways = gateways
        self._clock = clock
        self._checkpoint = checkpoint
        self._alert = alert
        self._proofs = ProofsOfTime(
            open_attempts, registry, trusts_documented_absence=trusts_documented_absence
        )

    def check_order_now(
        self,
        order_id: OrderId,
        *,
        named_reference: str | None = None,
        may_cancel: bool = False,
    ) -> Resolution:
        """`check_order`, without what was asked."""
        return self.check_order(
            order_id, named_reference=named_reference, may_cancel=may_cancel
        ).resolution

    def check_order(
        self,
        order_id: OrderId,
        *,
        named_reference: str | None = None,
        may_cancel: bool = False,
    ) -> Checked:
        """Look the order's open transaction up at its provider, if it has one.

        It does not count as a check: a customer who comes back often must not put off the next.
        `named_reference` is the provider's id by which to look where ours is not known yet.
        `may_cancel`: the customer has given up the provider's page, so it may be closed now.
        """
        attempt = self._open_attempts.of_order(order_id)
        if attempt is not None and attempt.transaction.provider_reference is None:
            named = replace(attempt.transaction, provider_reference=named_reference)
            attempt = replace(attempt, transaction=named)
        if attempt is None:
            return Checked(Resolution.GONE)
        return self._resolve(attempt, is_counted=False, may_cancel=may_cancel)

    def execute(self, transaction_id: TransactionId, *, token: int | None = None) -> Resolution:
        """Settle one transaction if its provider proves what happened.

        With a `token` only while nobody has taken it over since.
        """
        attempt = self._open_attempts.of_transaction(transaction_id)
        if attempt is None or token not in {None, attempt.transaction.token}:
            return Resolution.GONE
        return self._resolve(attempt).resolution

    def _resolve(
        self, found: OpenAttempt, *, is_counted: bool = True, may_cancel: bool = False
    ) -> Checked:
        attempt = self._open_attempts.take_over(found, lease_s=LEASE_S)
        if attempt is None:
            return Checked(Resolution.HELD)
        self._checkpoint("taken_over")
        try:
            now = self._clock.now()
            climb = self._climb(attempt, now, may_cancel=may_cancel)
            self._checkpoint("climbed")
            return Checked(self._settle(_Check(attempt, climb, now, is_counted)), climb)
        except Exception:
            # What broke may break again: the others that wait have their turn first.
            self._put_off(attempt, self._clock.now())
            raise

    def _settle(self, check: _Check) -> Resolution:
        answer = check.climb.answer
        if answer is not None:
            proof = self._proofs.proof_of(check.attempt.transaction, check.climb, check.now)
            answer = answer if proof is None else replace(answer, outcome=NotSent(proof))
        if answer is not None and self._apply(check, answer):
            if isinstance(answer.outcome, Pending):
                return Resolution.STILL_OPEN
            return Resolution.SETTLED
        return self._look_again_later(check)

    def _climb(self, attempt: OpenAttempt, now: datetime, *, may_cancel: bool) -> Climb:
        """Without the provider's connector nothing can be asked: a case for finance."""
        method = self._registry.method(attempt.transaction.provider_code)
        if not self._gateways.is_connected(method):
            return Climb(Step.NONE, None)
        return self._ladder(attempt, method, now, may_cancel=may_cancel).climb()

    def _ladder(
        self, attempt: OpenAttempt, method: PaymentMethodVO, now: datetime, *, may_cancel: bool
    ) -> ResolutionLadder:
        transaction = attempt.transaction
        age = now - transaction.started_at
        customer_may_act = transaction.status is TransactionStatus.REQUIRES_ACTION
        return ResolutionLadder(
            gateway=self._gateways.gateway_for(method),
            capabilities=method.capabilities,
            transaction=transaction,
            request=None,
            age_s=age.total_seconds(),
            may_cancel=may_cancel or not customer_may_act or age > ABANDONED_AFTER,
            timeout_s=lambda: LOOKUP_TIMEOUT_S,
        )

    def _apply(self, check: _Check, answer: Answer) -> bool:
        """Record a final answer. False when it proves nothing or the books refused it."""
        if not self._is_news(check.attempt, answer.outcome):
            return False
        attempt = Attempt.taken_over(check.attempt)
        judgement = self._judge.judge(attempt, answer.outcome, was_looked_up=True)
        if not judgement.is_applicable:
            flag = judgement.settlement.order_flag
            self._recorder.keep_evidence(
                attempt, check.climb.step, answer, was_applied=False, order_flag=flag
            )
            return False
        recorded = self._recorder.record(
            attempt,
            judgement,
            latency_ms=None,
            # An approval or a decline is definitive whoever brings it; only "not sent" is fenced.
            needs_lease=isinstance(answer.outcome, NotSent),
        )
        self._recorder.keep_evidence(
            attempt, check.climb.step, answer, was_applied=recorded is not None
        )
        return recorded is not None

    def _is_news(self, attempt: OpenAttempt, outcome: Outcome) -> bool:
        """Final answers, and that the customer has done her part of a redirect."""
        if isinstance(outcome, Pending):
            return attempt.transaction.status is TransactionStatus.REQUIRES_ACTION
        return isinstance(outcome, (Approved, Declined, NotSent))

    def _look_again_later(self, check: _Check) -> Resolution:
        attempt, now = check.attempt, check.now
        self._keep_answer(check)
        if attempt.transaction.status is TransactionStatus.STARTED:
            self._record_process_died(attempt)
            return Resolution.STILL_OPEN
        is_for_review = (
            now - attempt.transaction.started_at >= REVIEW_AFTER
            or check.climb.step is Step.NONE
            # Waiting would not change what was charged.
            or names_another_amount(check.climb.answer, attempt.transaction)
        )
        if check.is_counted or is_for_review:
            self._put_off(attempt, now, review=is_for_review)
        else:
            self._open_attempts.schedule_check(attempt, next_check_at=None, review=False)
        return Resolution.REVIEW if is_for_review else Resolution.STILL_OPEN

    def _keep_answer(self, check: _Check) -> None:
        """An answer that proves nothing, for whoever reviews it; not one for each page reloaded."""
        answer = check.climb.answer
        if check.is_counted and answer and not self._is_news(check.attempt, answer.outcome):
            self._recorder.keep_evidence(
                Attempt.taken_over(check.attempt), check.climb.step, answer, was_applied=False
            )

    def _put_off(self, attempt: OpenAttempt, now: datetime, *, review: bool = False) -> None:
        delay_s = CHECK_DELAYS_S[min(attempt.checks, len(CHECK_DELAYS_S) - 1)]
        self._open_attempts.schedule_check(
            attempt, next_check_at=now + timedelta(seconds=delay_s), review=review
        )
        if review and not attempt.is_in_review:
            transaction = attempt.transaction
            facts = {"transaction": transaction.id, "provider": transaction.provider_code}
            self._alert(REVIEW_ENTERED, facts)

    def _record_process_died(self, found: OpenAttempt) -> None:
        """The holder's lease ran out without an answer: from now on it counts as UNKNOWN."""
        attempt = Attempt.taken_over(found)
        judgement = self._judge.judge(attempt, Unknown(UnknownReason.PROCESS_DIED))
        self._recorder.record(attempt, judgement, latency_ms=None)
