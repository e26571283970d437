"""The single writer of outcomes: the call's own answer, lookups and the reconciler all end here.

It records a judgement (judge_outcome.py): transaction, order, submission and perhaps the next
attempt's intent, in one commit. What may not be applied is kept as evidence. A known state is
never overwritten by an unknown one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from payorch.application.jobs import NOTIFY_CUSTOMER, NewJob
from payorch.application.judge_outcome import Attempt, Judgement, OutcomeJudge
from payorch.application.late_news import LateNews, claims_of
from payorch.application.open_attempts import Evidence, OpenAttempts
from payorch.application.payment_ledger import (
    ContradictsLedger,
    Intent,
    PaymentLedger,
    Recording,
)
from payorch.application.payment_result import PaymentResult
from payorch.application.ports import Checkpoint, Clock
from payorch.application.provider_gateway import Answer
from payorch.application.surplus_charges import GiveBack
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.outcome import Approved, Declined, Outcome, Unknown, UnknownReason
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.settlement import FLAG_CONTRADICTION, Settlement
from payorch.domain.transaction import Transaction, TransactionId

WRITE_PATIENCE_S = 10.0
"""How long an answer is kept in memory while the database is away (reliability.md, F10)."""

FIRST_CHECK_S = 15.0
"""When the reconciler first looks at an open transaction after the page gave up (domain.md 4)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`transaction` is the next attempt's when one was started, else the finished one's.

    `result` is None exactly when a next attempt was started. `recording` is what was written,
    when it was all there is to know of the attempt.
    """

    transaction: Transaction
    result: PaymentResult | None
    recording: Recording | None = None


class OutcomeRecorder:
    def __init__(
        self,
        *,
        ledger: PaymentLedger,
        open_attempts: OpenAttempts,
        judge: OutcomeJudge,
        clock: Clock,
        checkpoint: Checkpoint,
        page_budget_s: float,
        late_news: LateNews,
        alert: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self._ledger = ledger
        self._open_attempts = open_attempts
        self._judge = judge
        self._clock = clock
        self._checkpoint = checkpoint
        self._page_budget_s = page_budget_s
        self._late_news = late_news
        self._alert = alert

    def record(
        self,
        attempt: Attempt,
        judgement: Judgement,
        *,
        latency_ms: int | None,
        next_intent: Intent | None = None,
        needs_lease: bool = True,
        charged_wrongly: Sequence[Approved] = (),
    ) -> Recorded | None:
        """Commit the judgement. None when somebody else settled the transaction meanwhile.

        `charged_wrongly` is given back with it, as are the charges beside an approval.
        Raises LedgerUnavailable when the database stayed away: the transaction is then still
        open in the books and the reconciler will find out.
        """
        recording = replace(
            self._recording(attempt, judgement, latency_ms, next_intent, needs_lease=needs_lease),
            gives_back=self._gives_back(attempt, judgement, charged_wrongly),
        )
        result = judgement.result_for(attempt) if next_intent is None else None
        try:
            stored = self._write_patiently(recording)
        except ContradictsLedger as refusal:
            other = _without_given_back(judgement.outcome, refusal)
            if other is not None:
                again = self._judge.judge(attempt, other, was_looked_up=True)
                return self.record(attempt, again, latency_ms=latency_ms, needs_lease=needs_lease)
            return self._record_contradiction(attempt, judgement, latency_ms, refusal)
        if stored is None:
            return self._record_after_lost_race(attempt, judgement)
        self._alert_about(attempt, judgement)
        return Recorded(stored, result, recording)

    def keep_evidence(
        self,
        attempt: Attempt,
        source: str,
        answer: Answer,
        *,
        was_applied: bool,
        order_flag: str | None = None,
    ) -> None:
        """Remember what a lookup said, applied or not. With a flag finance is told, too."""
        evidence = Evidence(
            source=source,
            outcome=type(answer.outcome).__name__,
            was_applied=was_applied,
            at=self._clock.now(),
            detail={**answer.evidence, **claims_of(answer.outcome)},
        )
        self._open_attempts.add_evidence(attempt.transaction.id, evidence, order_flag=order_flag)
        if order_flag is not None:
            self._alert(order_flag, {"transaction": attempt.transaction.id})

    def record_late(self, transaction_id: TransactionId, source: str, answer: Answer) -> None:
        """News of a transaction that the books have closed; see late_news.py."""
        self._late_news.keep(transaction_id, source, answer.outcome)

    def _gives_back(
        self, attempt: Attempt, judgement: Judgement, charged_wrongly: Sequence[Approved]
    ) -> tuple[GiveBack, ...]:
        """What was charged beside the approval; together with it, or another one could be booked
        after a crash and this one be given back all the same.
        """
        outcome = judgement.outcome
        surplus = outcome.surplus if isinstance(outcome, Approved) else ()
        orders = (
            self._late_news.giving_back(attempt.transaction, "answer", charge)
            for charge in (*surplus, *charged_wrongly)
        )
        return tuple(order for order in orders if order is not None)

    def _record_after_lost_race(self, attempt: Attempt, judgement: Judgement) -> Recorded | None:
        """Somebody took the transaction over or settled it. Definitive news still counts.

        On an open transaction an approval or decline is applied, without going on to another
        provider: that is the new holder's to decide. On a settled one it is evidence.
        """
        if not isinstance(judgement.outcome, (Approved, Declined)):
            return None
        found = self._open_attempts.of_transaction(attempt.transaction.id)
        if found is None:
            self._late_news.keep(attempt.transaction.id, "answer", judgement.outcome)
            return None
        fresh = replace(attempt, transaction=found.transaction)
        again = self._judge.judge(fresh, judgement.outcome, was_looked_up=True)
        if not again.is_legal:
            return None
        # Lost again, it is looked at again: an approval is applied or kept, never dropped.
        recorded = self.record(fresh, again, latency_ms=None, needs_lease=False)
        return None if recorded is None else replace(recorded, recording=None)

    def _write_patiently(self, recording: Recording) -> Transaction | None:
        give_up_at = self._clock.monotonic() + WRITE_PATIENCE_S
        pause_s = 0.05
        while True:
            self._checkpoint("before_record")
            try:
                stored = self._ledger.record(recording)
            except LedgerUnavailable:
                if self._clock.monotonic() + pause_s >= give_up_at:
                    raise
                self._clock.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)
                continue
            self._checkpoint("after_record")
            return stored

    def _record_contradiction(
        self,
        attempt: Attempt,
        judgement: Judgement,
        latency_ms: int | None,
        refusal: ContradictsLedger,
    ) -> Recorded | None:
        """The books refuse the outcome: hold the order as unknown and show it to finance.

        A second approval of an order is given back; a reference that another payment of ours has
        is not, because giving it back would take that payment away.
        """
        transaction_id = attempt.transaction.id
        if isinstance(judgement.outcome, Approved) and not refusal.is_foreign:
            self._late_news.give_back(attempt.transaction, "answer", judgement.outcome)
            attempt = self._as_left_by_the_guard(attempt)
        else:
            self._late_news.flag(transaction_id, "answer", judgement.outcome, FLAG_CONTRADICTION)
        unknown = self._judge.judge(attempt, Unknown(UnknownReason.REFERENCE_MISMATCH))
        if not unknown.is_legal:
            return None
        stored = self._write_patiently(
            self._recording(attempt, unknown, latency_ms, None, needs_lease=True)
        )
        return None if stored is None else Recorded(stored, unknown.result_for(attempt))

    def _as_left_by_the_guard(self, attempt: Attempt) -> Attempt:
        """It moves the version on; whoever holds the token may still write."""
        found = self._open_attempts.find(attempt.transaction.id)
        version = attempt.transaction.version if found is None else found.version
        return replace(attempt, transaction=replace(attempt.transaction, version=version))

    def _recording(
        self,
        attempt: Attempt,
        judgement: Judgement,
        latency_ms: int | None,
        next_intent: Intent | None,
        *,
        needs_lease: bool,
    ) -> Recording:
        now = self._clock.now()
        settlement = judgement.settlement
        is_open = settlement.transaction_status in _WAITING
        order_status = settlement.order_status
        result = None
        if next_intent is not None:
            order_status = PaymentStatus.PROCESSING
        elif not is_open:
            result = judgement.result_for(attempt).to_json()
        return Recording(
            order_key=attempt.order_key,
            submission_key=attempt.submission_key,
            transaction=attempt.transaction,
            token=attempt.transaction.token if needs_lease else None,
            status=settlement.transaction_status,
            at=now,
            latency_ms=None if attempt.answered else latency_ms,
            provider_reference=settlement.provider_reference,
            redirect_url=settlement.redirect_url,
            decline=judgement.decline_record,
            technical_reason=settlement.technical_reason,
            order_status=order_status,
            order_flag=settlement.order_flag,
            next_check_at=now + timedelta(seconds=FIRST_CHECK_S) if is_open else None,
            # While the page still looks the payment up, the reconciler stays away.
            lease_s=self._page_budget_s + 5.0 if _is_unknown(settlement) else 0.0,
            next_intent=next_intent,
            result=result,
            jobs=self._notices(attempt, order_status, now),
        )

    def _notices(
        self, attempt: Attempt, order_status: PaymentStatus, now: datetime
    ) -> tuple[NewJob, ...]:
        """What the customer is told by e-mail: that it is paid, or how the confirming ended."""
        transaction = attempt.transaction
        saw_confirming = (
            transaction.status is not TransactionStatus.REQUIRES_ACTION
            and (now - transaction.started_at).total_seconds() > self._page_budget_s
        )
        match order_status:
            case PaymentStatus.PAID:
                event = "settled_paid" if saw_confirming else "paid"
            case PaymentStatus.FAILED if saw_confirming:
                event = "settled_not_charged"
            case _:
                return ()
        payload = {"order": attempt.order_id, "event": event, "transaction": transaction.id}
        dedup_key = f"notify:{event}:{transaction.id}"
        return (NewJob(NOTIFY_CUSTOMER, payload, dedup_key=dedup_key),)

    def _alert_about(self, attempt: Attempt, judgement: Judgement) -> None:
        facts = {
            "transaction": attempt.transaction.id,
            "provider": attempt.transaction.provider_code,
        }
        if judgement.settlement.order_flag is not None:
            self._alert(judgement.settlement.order_flag, facts)
        if judgement.verdict is not None and judgement.verdict.alerts_ops:
            self._alert("decline_needs_attention", {**facts, "reason": judgement.verdict.reason})


_WAITING = frozenset(
    {TransactionStatus.UNKNOWN, TransactionStatus.PENDING, TransactionStatus.REQUIRES_ACTION}
)


def _without_given_back(outcome: Outcome, refusal: ContradictsLedger) -> Approved | None:
    """The next of the charges that were made for one reference, when the first is given back."""
    if not refusal.is_given_back or not isinstance(outcome, Approved) or not outcome.surplus:
        return None
    return replace(outcome.surplus[0], surplus=outcome.surplus[1:])


def _is_unknown(settlement: Settlement) -> bool:
    return settlement.transaction_status is TransactionStatus.UNKNOWN
