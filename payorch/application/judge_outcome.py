"""Weigh an outcome against what is known: the states that follow, and what a decline allows.

Changes nothing; recording is record_outcome's. Another provider may be tried only when the
judgement says so, and it says so only after proof that this one did not charge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from payorch.application.open_attempts import OpenAttempt
from payorch.application.payment_ledger import DeclineRecord
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.application.ports import Clock
from payorch.application.provider_gateway import Answer
from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_terms import RetryLater
from payorch.domain.decline_verdict import DeclineSettings, DeclineVerdict
from payorch.domain.outcome import Declined, Outcome, Unknown, UnknownReason
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.settlement import Settlement, settle, verified
from payorch.domain.transaction import Transaction
from payorch.domain.transitions import may_transaction_become


@dataclass(frozen=True, slots=True)
class Attempt:
    """An open transaction with its place in the books, as its present holder knows it.

    `answered`: its call has had an answer already, so its latency stands.
    """

    order_id: OrderId
    order_key: int
    submission_key: int
    transaction: Transaction
    answered: bool = False
    reasons_fallen_back_for: frozenset[str] = frozenset()
    earlier_verdict: DeclineVerdict | None = None

    @classmethod
    def taken_over(cls, found: OpenAttempt) -> "Attempt":
        """The attempt as its new holder knows it."""
        return cls(
            order_id=found.order.id,
            order_key=found.order_key,
            submission_key=found.submission_key,
            transaction=found.transaction,
            answered=found.answered_at is not None,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome weighed. `outcome` is Unknown where it spoke of something that is not ours."""

    outcome: Outcome
    settlement: Settlement
    verdict: DeclineVerdict | None
    is_legal: bool

    @property
    def may_try_next(self) -> bool:
        """Whether another provider may be charged now: only after proof of no charge."""
        if not self.is_legal or not self.settlement.proves_no_charge:
            return False
        return self.verdict is None or self.verdict.may_try_next

    @property
    def is_applicable(self) -> bool:
        """Whether a lookup that says this changes the books: it ended, or will end by itself."""
        return self.is_legal and self.settlement.transaction_status in _NEWS

    @property
    def decline_record(self) -> DeclineRecord | None:
        if self.verdict is None or not isinstance(self.outcome, Declined):
            return None
        signal = self.outcome.signal
        return DeclineRecord(
            scheme=signal.scheme,
            code=signal.code,
            advice_code=signal.advice_code,
            reason=self.verdict.reason,
            decline_class=self.verdict.decline_class.value,
        )

    def result_for(self, attempt: Attempt) -> PaymentResult:
        """What the submission came to, if this attempt is its last."""
        verdict = self.verdict or attempt.earlier_verdict
        kind = _RESULT_KINDS[self.settlement.transaction_status]
        if kind is ResultKind.NOT_CHARGED and verdict is not None:
            # An earlier provider of this submission did decline: that is what helps to know.
            kind = ResultKind.DECLINED
        is_declined = kind is ResultKind.DECLINED and verdict is not None
        return PaymentResult(
            order_id=attempt.order_id,
            kind=kind,
            attempts=attempt.transaction.attempt_number,
            provider_code=attempt.transaction.provider_code,
            customer_text=verdict.customer_text_key if is_declined and verdict else None,
            redirect_url=self.settlement.redirect_url,
        )


_RESULT_KINDS: Mapping[TransactionStatus, ResultKind] = {
    TransactionStatus.STARTED: ResultKind.CONFIRMING,
    TransactionStatus.UNKNOWN: ResultKind.CONFIRMING,
    TransactionStatus.PENDING: ResultKind.CONFIRMING,
    TransactionStatus.REQUIRES_ACTION: ResultKind.ACTION_REQUIRED,
    TransactionStatus.APPROVED: ResultKind.PAID,
    TransactionStatus.VOIDED: ResultKind.NOT_CHARGED,
    TransactionStatus.DECLINED: ResultKind.DECLINED,
    TransactionStatus.NOT_SENT: ResultKind.NOT_CHARGED,
    TransactionStatus.ABANDONED: ResultKind.NOT_CHARGED,
}


def names_another_amount(answer: Answer | None, transaction: Transaction) -> bool:
    """Whether a provider says that it charged for this attempt, but not what was asked for."""
    outcome = None if answer is None else verified(answer.outcome, transaction)
    return isinstance(outcome, Unknown) and outcome.reason is UnknownReason.AMOUNT_MISMATCH


class OutcomeJudge:
    def __init__(
        self,
        *,
        clock: Clock,
        decline_policy: Callable[[], DeclinePolicy],
        decline_settings: DeclineSettings,
    ) -> None:
        """`decline_policy` gives the one in force; it must not wait for anything."""
        self._clock = clock
        self._decline_policy = decline_policy
        self._decline_settings = decline_settings

    def judge(
        self, attempt: Attempt, outcome: Outcome, *, was_looked_up: bool = False
    ) -> Judgement:
        """Weigh `outcome` for this attempt.

        Some declines, such as 94 (duplicate), say that there is another charge to look at first:
        as the answer to a charge or its replay they are Unknown; `was_looked_up` says that the
        look has been taken.
        """
        transaction = attempt.transaction
        outcome = verified(outcome, transaction)
        verdict = self._verdict(attempt, outcome)
        if (
            verdict is not None
            and verdict.retry_later is RetryLater.AFTER_LOOKUP
            and not was_looked_up
        ):
            # Without the answer's own id: it names the refused duplicate, not the first charge.
            outcome, verdict = Unknown(UnknownReason.NEEDS_LOOKUP, verdict.reason), None
        settlement = settle(outcome, transaction.status)
        is_legal = may_transaction_become(transaction.status, settlement.transaction_status)
        return Judgement(outcome, settlement, verdict, is_legal)

    def _verdict(self, attempt: Attempt, outcome: Outcome) -> DeclineVerdict | None:
        if not isinstance(outcome, Declined):
            return None
        return self._decline_policy().classify(
            outcome.signal,
            self._decline_settings,
            self._clock.now().date(),
            attempt.reasons_fallen_back_for,
        )


_NEWS = frozenset(
    {
        TransactionStatus.PENDING,
        TransactionStatus.APPROVED,
        TransactionStatus.DECLINED,
        TransactionStatus.NOT_SENT,
        TransactionStatus.ABANDONED,
    }
)
