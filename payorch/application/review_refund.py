"""The last step of a refund's ladder: finance concludes from evidence, a second person agrees.

As with payments (review.py): a decision and the job that applies it are one commit, and the single
writer of refunds applies it like a provider's answer (domain.md, section 4; security.md, S51).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.jobs import Job, RetryLater
from payorch.application.ports import Clock
from payorch.application.record_refund import RefundRecorder
from payorch.application.refund_gateway import RefundAnswer
from payorch.application.refund_ledger import RefundLedger
from payorch.application.review import checked_evidence
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import RefundNotFound, ReviewNotPossible
from payorch.domain.refund import CONCLUDED_BY_STAFF, Refund, RefundId, RefundKind
from payorch.domain.refund_outcome import RefundOutcome, RefundRefused, RefundSucceeded

LEASE_S = 30.0


class RefundConclusion(StrEnum):
    GIVEN_BACK = "given_back"
    NOT_GIVEN_BACK = "not_given_back"


@dataclass(frozen=True, slots=True)
class RefundProposal:
    """A conclusion, and what it rests on; `provider_reference` is the provider's refund id."""

    id: int
    refund_id: RefundId
    conclusion: RefundConclusion
    provider_reference: str | None
    evidence: str
    proposed_by: str
    proposed_at: datetime
    is_approved: bool | None = None
    of_retry: int = 0

    def is_about(self, refund: Refund) -> bool:
        """A refund that was tried again since then is another matter."""
        return self.of_retry == refund.retries


class RefundReviewBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def propose(
        self,
        refund: Refund,
        conclusion: RefundConclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
        at: datetime,
    ) -> RefundProposal:
        """Store and journal it. Raises ReviewNotPossible when another one is undecided."""

    def find(self, proposal_id: int) -> RefundProposal | None: ...

    def undecided(self, refund_id: RefundId) -> RefundProposal | None: ...

    def decide(
        self, proposal: RefundProposal, *, is_approved: bool, actor: str, reason: str, at: datetime
    ) -> None:
        """Store and journal the decision, with the job that applies an approved one.

        Raises ReviewNotPossible when it was decided already.
        """


class ReviewRefundUseCase:
    def __init__(
        self,
        *,
        book: RefundReviewBook,
        ledger: RefundLedger,
        recorder: RefundRecorder,
        clock: Clock,
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._recorder = recorder
        self._clock = clock

    def propose(
        self,
        refund_id: RefundId,
        conclusion: RefundConclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
    ) -> RefundProposal:
        """Say what happened, and how one knows.

        Raises RefundNotFound, ReviewNotPossible and ReasonRequired.
        """
        refund = self._ledger.find(refund_id)
        if refund is None:
            raise RefundNotFound("There is no such refund.")
        if not refund.is_open:
            raise ReviewNotPossible("This refund is settled already.")
        if not refund.is_in_review:
            raise ReviewNotPossible("The provider is still being asked about this refund.")
        reference = (provider_reference or "").strip() or refund.provider_reference
        _require_fits(conclusion, refund)
        needs_reference = (
            conclusion is RefundConclusion.GIVEN_BACK and refund.kind is RefundKind.REFUND
        )
        if needs_reference and reference is None:
            raise ReviewNotPossible("Name the provider's own id of the refund.")
        return self._book.propose(
            refund,
            conclusion,
            provider_reference=reference if needs_reference else None,
            evidence=checked_evidence(evidence),
            actor=actor,
            at=self._clock.now(),
        )

    def undecided(self, refund_id: RefundId) -> RefundProposal | None:
        return self._book.undecided(refund_id)

    def decide(
        self, proposal_id: int, *, is_approved: bool, actor: str, reason: str
    ) -> RefundProposal:
        """Agree or disagree with somebody else's proposal; an agreed one is applied at once.

        Raises ReviewNotPossible and ReasonRequired.
        """
        proposal = self._book.find(proposal_id)
        if proposal is None:
            raise ReviewNotPossible("There is no such proposal.")
        if proposal.proposed_by == actor:
            raise ReviewNotPossible("Somebody else has to decide on your own proposal.")
        refund = self._ledger.find(proposal.refund_id)
        if is_approved and refund is not None:
            if not proposal.is_about(refund):
                raise ReviewNotPossible("The refund was tried again since; this is about before.")
            _require_fits(proposal.conclusion, refund)
        self._book.decide(
            proposal,
            is_approved=is_approved,
            actor=actor,
            reason=checked_reason(reason),
            at=self._clock.now(),
        )
        if is_approved:
            self._apply(proposal)
        return proposal

    def handle(self, job: Job) -> None:
        """Handler of APPLY_REFUND_REVIEW: the decision stands, so it is applied until it holds."""
        proposal = self._book.find(int(str(job.payload["review"])))
        if proposal is None or not proposal.is_approved:
            return
        if not self._apply(proposal):
            raise RetryLater("The refund is being checked at this moment.")

    def _apply(self, proposal: RefundProposal) -> bool:
        """Whether the refund is settled now. False while somebody else holds it."""
        refund = self._ledger.find(proposal.refund_id)
        if refund is None or not refund.is_open or not proposal.is_about(refund):
            return True
        taken = self._ledger.take(refund, lease_s=LEASE_S, sends=False)
        if taken is None:
            return False
        answer = RefundAnswer(_outcome(proposal, taken), 0, {"review": proposal.id})
        stored = self._recorder.record(taken, answer, was_sent_before=False)
        return stored is not None and not stored.is_open


def _require_fits(conclusion: RefundConclusion, refund: Refund) -> None:
    if conclusion is RefundConclusion.NOT_GIVEN_BACK and refund.is_contradicted:
        raise ReviewNotPossible(
            "The provider has said that it was given back; its word is kept with the order."
        )


def _outcome(proposal: RefundProposal, refund: Refund) -> RefundOutcome:
    if proposal.conclusion is RefundConclusion.NOT_GIVEN_BACK:
        return RefundRefused(CONCLUDED_BY_STAFF)
    reference = (
        refund.payment_reference
        if refund.kind is RefundKind.VOID
        else str(proposal.provider_reference)
    )
    money = refund.money
    return RefundSucceeded(reference, refund.our_reference, money.amount_minor, money.currency)
