"""The single writer of refunds' outcomes: the call's own answer and every lookup end here.

A success counts only when amount, currency and reference are ours. What contradicts a settled
refund is kept as evidence and told to the staff, never applied.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from payorch.application.open_attempts import Evidence
from payorch.application.payment_ledger import ContradictsLedger
from payorch.application.ports import Checkpoint, Clock, Ids
from payorch.application.record_outcome import WRITE_PATIENCE_S
from payorch.application.refund_gateway import RefundAnswer
from payorch.application.refund_jobs import notice, staff_alert
from payorch.application.refund_ledger import FollowUp, RefundLedger, RefundRecording
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.domain.refund import Refund, RefundKind, RefundStatus, may_refund_become
from payorch.domain.refund_outcome import (
    RefundNotSent,
    RefundOutcome,
    RefundPending,
    RefundRefused,
    RefundSettlement,
    RefundSucceeded,
    RefundUnknown,
    settle_refund,
    verified_refund,
)
from payorch.domain.settlement import FLAG_CONTRADICTION

CHECK_DELAYS_S = (1, 3, 7, 15, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
"""Times between checks; the last one repeats (domain.md, section 4)."""

REVIEW_AFTER = timedelta(days=7)

GIVE_UP_AFTER_TRIES = len(CHECK_DELAYS_S) + 6
"""A refund that could not be sent for a week has failed: nothing went out, so that is true."""

FAILED_NEVER_SENT = "never_sent"
SOURCE = "refund"


class RefundRecorder:
    """`can_refund` says of a provider's code whether it takes refunds, besides voids."""

    def __init__(
        self,
        *,
        ledger: RefundLedger,
        clock: Clock,
        ids: Ids,
        checkpoint: Checkpoint,
        can_refund: Callable[[str], bool],
        alert: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ids = ids
        self._checkpoint = checkpoint
        self._can_refund = can_refund
        self._alert = alert

    def record(
        self, refund: Refund, answer: RefundAnswer, *, was_sent_before: bool
    ) -> Refund | None:
        """Commit what `answer` means. None when somebody else changed the refund meanwhile.

        `refund` is as its holder took it; `was_sent_before`, see settle_refund.
        Raises LedgerUnavailable when the database stayed away: the reconciler will find out.
        """
        outcome = verified_refund(answer.outcome, refund)
        settlement = settle_refund(outcome, refund, was_sent_before=was_sent_before)
        if not _is_legal(settlement, refund):
            self._keep_contradiction(refund, outcome, answer)
            return None
        recording = self._recording(refund, outcome, settlement, answer)
        try:
            stored = self._write_patiently(recording)
        except ContradictsLedger:
            return self._record_foreign(refund, answer)
        if stored is None:
            return self._record_after_lost_race(refund, answer)
        self._tell(recording, outcome)
        return stored

    def put_off(self, refund: Refund, *, needs_a_person: bool) -> Refund | None:
        """Nothing was learned: look again later, and perhaps show it to finance now."""
        recording = self._put_off(refund, self._clock.now(), needs_a_person=needs_a_person)
        return self._write_patiently(recording)

    def confirm(self, refund: Refund, answer: RefundAnswer) -> None:
        """Compare what the provider says with a settled refund; only a contradiction is kept."""
        outcome = verified_refund(answer.outcome, refund)
        if _contradicts(outcome, refund):
            self._keep_contradiction(refund, outcome, answer)

    def _recording(
        self,
        refund: Refund,
        outcome: RefundOutcome,
        settlement: RefundSettlement,
        answer: RefundAnswer,
    ) -> RefundRecording:
        now = self._clock.now()
        if settlement.status in {RefundStatus.SUCCEEDED, RefundStatus.FAILED}:
            recording = RefundRecording(
                refund=refund,
                status=settlement.status,
                at=now,
                needs_lease=not _is_definitive(outcome),
                failure_code=settlement.failure_code,
            )
            recording = self._with_consequences(recording)
        else:
            recording = replace(
                self._put_off(refund, now),
                status=settlement.status,
                needs_lease=not _is_definitive(outcome),
                technical_reason=settlement.technical_reason,
                forgets_sending=settlement.proves_not_sent,
            )
            if settlement.proves_not_sent and refund.checks + 1 >= GIVE_UP_AFTER_TRIES:
                recording = self._with_consequences(
                    replace(
                        recording,
                        status=RefundStatus.FAILED,
                        failure_code=FAILED_NEVER_SENT,
                        next_check_at=None,
                    )
                )
        flag = settlement.order_flag
        return replace(
            recording,
            provider_reference=settlement.provider_reference,
            order_flag=flag,
            evidence=None if flag is None else self._evidence(refund, answer, was_applied=False),
        )

    def _put_off(
        self, refund: Refund, now: datetime, *, needs_a_person: bool = False
    ) -> RefundRecording:
        delay_s = CHECK_DELAYS_S[min(refund.checks, len(CHECK_DELAYS_S) - 1)]
        is_old = refund.sent_at is not None and now - refund.sent_at >= REVIEW_AFTER
        is_for_review = is_old or needs_a_person
        return RefundRecording(
            refund=refund,
            status=refund.status,
            at=now,
            needs_lease=True,
            next_check_at=now + timedelta(seconds=delay_s),
            review_at=now if is_for_review else None,
            jobs=(staff_alert("refund_for_review", refund, "review"),) if is_for_review else (),
        )

    def _with_consequences(self, recording: RefundRecording) -> RefundRecording:
        """What follows from a settled refund, in the transaction that settles it."""
        refund = recording.refund
        if recording.status is RefundStatus.SUCCEEDED:
            return recording if refund.is_guard else replace(recording, jobs=(notice(refund),))
        is_refused_void = refund.is_guard and refund.kind is RefundKind.VOID
        if is_refused_void and self._can_refund(refund.provider_code):
            # What is settled already cannot be voided any more; the money goes back all the same.
            follow_up = FollowUp(self._ids.refund_id(), RefundKind.REFUND)
            return replace(recording, follow_up=follow_up)
        failed = "guard_refund_failed" if refund.is_guard else "refund_failed"
        return replace(
            recording, jobs=(*recording.jobs, staff_alert(failed, refund, str(refund.version)))
        )

    def _record_foreign(self, refund: Refund, answer: RefundAnswer) -> Refund | None:
        """The provider names a refund that another one of ours has: that is not this one."""
        unknown = RefundUnknown(UnknownReason.REFERENCE_MISMATCH)
        settlement = settle_refund(unknown, refund, was_sent_before=True)
        return self._write_patiently(self._recording(refund, unknown, settlement, answer))

    def _record_after_lost_race(self, refund: Refund, answer: RefundAnswer) -> Refund | None:
        """Somebody took the refund over or settled it. Definitive news still counts."""
        outcome = verified_refund(answer.outcome, refund)
        fresh = self._ledger.find(refund.id)
        if fresh is None:
            return None
        if not fresh.is_open:
            self.confirm(fresh, answer)
            return None
        if not _is_definitive(outcome):
            return None
        return self.record(fresh, answer, was_sent_before=True)

    def _keep_contradiction(
        self, refund: Refund, outcome: RefundOutcome, answer: RefundAnswer
    ) -> None:
        if not _contradicts(outcome, refund):
            return
        evidence = self._evidence(refund, answer, was_applied=False)
        if self._ledger.keep_evidence(refund, evidence, order_flag=FLAG_CONTRADICTION):
            self._alert("refund_contradicted", {"refund": refund.id, "order": refund.order_id})

    def _evidence(self, refund: Refund, answer: RefundAnswer, *, was_applied: bool) -> Evidence:
        return Evidence(
            source=SOURCE,
            outcome=type(answer.outcome).__name__,
            was_applied=was_applied,
            at=self._clock.now(),
            detail={**answer.evidence, **_claims(answer.outcome), "refund": refund.id},
        )

    def _write_patiently(self, recording: RefundRecording) -> Refund | None:
        give_up_at = self._clock.monotonic() + WRITE_PATIENCE_S
        pause_s = 0.05
        while True:
            self._checkpoint("before_refund_record")
            try:
                stored = self._ledger.record(recording)
            except LedgerUnavailable:
                if self._clock.monotonic() + pause_s >= give_up_at:
                    raise
                self._clock.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)
                continue
            self._checkpoint("after_refund_record")
            return stored

    def _tell(self, recording: RefundRecording, outcome: RefundOutcome) -> None:
        refund = recording.refund
        if recording.order_flag is not None:
            self._alert(recording.order_flag, {"refund": refund.id, "order": refund.order_id})
        is_bad_key = isinstance(outcome, RefundNotSent) and (
            outcome.reason is NotSentReason.BAD_CREDENTIALS
        )
        if is_bad_key:
            self._alert("bad_credentials", {"provider": refund.provider_code})


def _is_legal(settlement: RefundSettlement, refund: Refund) -> bool:
    """A status that stays is no change, but only an open refund has anything left to learn."""
    if settlement.status is refund.status:
        return refund.is_open
    return may_refund_become(refund.status, settlement.status)


def _is_definitive(outcome: RefundOutcome) -> bool:
    """Whether it holds whoever brings it: the provider shows what it has, not what it refused."""
    match outcome:
        case RefundSucceeded() | RefundPending():
            return True
        case RefundRefused(provider_reference=reference):
            return reference is not None
        case RefundNotSent() | RefundUnknown():
            return False


def _contradicts(outcome: RefundOutcome, refund: Refund) -> bool:
    match refund.status:
        case RefundStatus.SUCCEEDED:
            return isinstance(outcome, RefundRefused)
        case RefundStatus.FAILED:
            return isinstance(outcome, (RefundSucceeded, RefundPending))
        case _:
            return False


def _claims(outcome: RefundOutcome) -> Mapping[str, str | int | None]:
    match outcome:
        case RefundSucceeded():
            return {
                "amount_minor": outcome.amount_minor,
                "currency": outcome.currency,
                "our_reference": outcome.our_reference,
                "provider_reference": outcome.provider_reference,
            }
        case (
            RefundPending(provider_reference=reference)
            | RefundRefused(provider_reference=reference)
        ):
            return {"provider_reference": reference}
        case _:
            return {}
