"""The last step of the ladder: finance concludes from evidence, and a second person agrees.

No provider could prove what happened, so people do: one proposes with evidence, another one
decides. The decision and the job that applies it are one commit, and it is applied by the
single writer of outcomes like any other answer (domain.md, section 4; security.md, S51).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.jobs import Job, RetryLater
from payorch.application.judge_outcome import Attempt, OutcomeJudge
from payorch.application.open_attempts import OpenAttempt, OpenAttempts
from payorch.application.ports import Clock
from payorch.application.provider_gateway import Answer
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.resolve_transaction import LEASE_S
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import ReasonRequired, ReviewNotPossible
from payorch.domain.outcome import Approved, NotSent, NotSentReason
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import Transaction, TransactionId

SOURCE = "review"
MAX_EVIDENCE = 1000
MAX_REFERENCE = 120
"""What the column of the provider's ids holds."""


class Conclusion(StrEnum):
    """`CHARGED_OTHER_AMOUNT`: what was charged goes back, and the order is not paid."""

    CHARGED = "charged"
    NOT_CHARGED = "not_charged"
    CHARGED_OTHER_AMOUNT = "charged_other_amount"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A conclusion, and what it rests on; `provider_reference` is the provider's id of a charge."""

    id: int
    transaction_id: TransactionId
    conclusion: Conclusion
    provider_reference: str | None
    evidence: str
    proposed_by: str
    proposed_at: datetime
    is_approved: bool | None = None


class ReviewBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def propose(
        self,
        transaction_id: TransactionId,
        conclusion: Conclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
        at: datetime,
    ) -> Proposal:
        """Store and journal it. Raises ReviewNotPossible when another one is undecided."""

    def owner_of(
        self, provider_code: str, provider_reference: str
    ) -> tuple[TransactionId, OrderId] | None:
        """The transaction, and its order, that the books have under the provider's id."""

    def find(self, proposal_id: int) -> Proposal | None: ...

    def charges_told(self, transaction_id: TransactionId) -> Sequence[Approved]:
        """What the provider has told of charges for it: of each charge the latest word."""

    def undecided(self, transaction_id: TransactionId) -> Proposal | None: ...

    def decide(
        self, proposal: Proposal, *, is_approved: bool, actor: str, reason: str, at: datetime
    ) -> None:
        """Store and journal the decision, with the job that applies an approved one.

        Raises ReviewNotPossible when it was decided already.
        """


class ReviewTransactionUseCase:
    def __init__(
        self,
        *,
        book: ReviewBook,
        open_attempts: OpenAttempts,
        judge: OutcomeJudge,
        recorder: OutcomeRecorder,
        clock: Clock,
    ) -> None:
        self._book = book
        self._open_attempts = open_attempts
        self._judge = judge
        self._recorder = recorder
        self._clock = clock

    def propose(
        self,
        transaction_id: TransactionId,
        conclusion: Conclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
    ) -> Proposal:
        """Say what happened, and how one knows. Raises ReviewNotPossible and ReasonRequired."""
        attempt = self._open_attempts.of_transaction(transaction_id)
        if attempt is None:
            raise ReviewNotPossible("This transaction is settled already.")
        if not attempt.is_in_review:
            raise ReviewNotPossible(
                "The provider can still be asked about this transaction; use “Check now”."
            )
        reference = (provider_reference or "").strip() or attempt.transaction.provider_reference
        if conclusion is Conclusion.CHARGED and reference is None:
            raise ReviewNotPossible("Name the provider's own id of the charge.")
        self._require_fits(conclusion, self._charged_wrongly(attempt))
        if conclusion is Conclusion.CHARGED and reference is not None:
            self._require_free(attempt.transaction, reference)
        return self._book.propose(
            transaction_id,
            conclusion,
            provider_reference=None if conclusion is Conclusion.NOT_CHARGED else reference,
            evidence=checked_evidence(evidence),
            actor=actor,
            at=self._clock.now(),
        )

    def _require_free(self, transaction: Transaction, reference: str) -> None:
        """A charge pays one transaction: an id that another one has was mistyped or misread."""
        if len(reference) > MAX_REFERENCE:
            raise ReviewNotPossible(f"A provider's id has at most {MAX_REFERENCE} characters.")
        owner = self._book.owner_of(transaction.provider_code, reference)
        if owner is not None and owner[0] != transaction.id:
            raise ReviewNotPossible(
                f"“{reference}” is the charge of order {owner[1]} already. Look it up again."
            )

    def decide(self, proposal_id: int, *, is_approved: bool, actor: str, reason: str) -> Proposal:
        """Agree or disagree with somebody else's proposal; an agreed one is applied at once.

        Raises ReviewNotPossible and ReasonRequired; ReviewNotPossible also for a decision that
        stands but fits no more, because the provider told more in the same moment.
        """
        proposal = self._book.find(proposal_id)
        if proposal is None:
            raise ReviewNotPossible("There is no such proposal.")
        if proposal.proposed_by == actor:
            raise ReviewNotPossible("Somebody else has to decide on your own proposal.")
        if is_approved:
            self._require_still_fits(proposal)
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
        """Handler of APPLY_REVIEW: the decision stands, so it is applied until it holds."""
        proposal = self._book.find(int(str(job.payload["review"])))
        if proposal is None or not proposal.is_approved:
            return
        try:
            is_settled = self._apply(proposal)
        except ReviewNotPossible:
            # What the provider has told since is before finance: they conclude anew.
            return
        if not is_settled:
            raise RetryLater("The transaction is being checked at this moment.")

    def _require_still_fits(self, proposal: Proposal) -> None:
        """The provider may have told more since it was proposed."""
        attempt = self._open_attempts.of_transaction(proposal.transaction_id)
        if attempt is not None:
            self._require_fits(proposal.conclusion, self._charged_wrongly(attempt))

    def _require_fits(self, conclusion: Conclusion, charged_wrongly: Sequence[Approved]) -> None:
        """PAID needs an approval of the order's amount, and "not charged" that nothing was."""
        if conclusion is Conclusion.CHARGED_OTHER_AMOUNT:
            if not charged_wrongly:
                raise ReviewNotPossible("The provider has not told of a charge of another amount.")
        elif charged_wrongly:
            raise ReviewNotPossible(
                "The provider says that it charged another amount; conclude that instead, and what "
                "it charged is given back."
            )

    def _charged_wrongly(self, attempt: OpenAttempt) -> tuple[Approved, ...]:
        """The charges of another amount or currency that the provider has told of."""
        transaction = attempt.transaction
        money = (transaction.money.amount_minor, transaction.money.currency)
        return tuple(
            charge
            for charge in self._book.charges_told(transaction.id)
            if charge.our_reference == transaction.id
            and (charge.amount_minor, charge.currency) != money
        )

    def _apply(self, proposal: Proposal) -> bool:
        """Whether the transaction is settled now. False while somebody else holds it.

        Raises ReviewNotPossible when whoever held it has heard otherwise.
        """
        found = self._open_attempts.of_transaction(proposal.transaction_id)
        if found is None:
            return True
        attempt = self._open_attempts.take_over(found, lease_s=LEASE_S)
        if attempt is None:
            return False
        self._require_fits(proposal.conclusion, self._charged_wrongly(attempt))
        self._record(attempt, proposal)
        return self._open_attempts.of_transaction(proposal.transaction_id) is None

    def _record(self, found: OpenAttempt, proposal: Proposal) -> None:
        attempt = Attempt.taken_over(found)
        outcome = _outcome(proposal, found)
        judgement = self._judge.judge(attempt, outcome, was_looked_up=True)
        answer = Answer(outcome, 0, {"review": proposal.id})
        goes_back = proposal.conclusion is Conclusion.CHARGED_OTHER_AMOUNT
        recorded = self._recorder.record(
            attempt,
            judgement,
            latency_ms=None,
            charged_wrongly=self._charged_wrongly(found) if goes_back else (),
        )
        self._recorder.keep_evidence(attempt, SOURCE, answer, was_applied=recorded is not None)


def checked_evidence(text: str) -> str:
    evidence = text.strip()
    if not evidence:
        raise ReasonRequired("Say what the conclusion rests on, such as a line of the statement.")
    if len(evidence) > MAX_EVIDENCE:
        raise ReasonRequired(f"Evidence has at most {MAX_EVIDENCE} characters.")
    return evidence


def _outcome(proposal: Proposal, found: OpenAttempt) -> Approved | NotSent:
    if proposal.conclusion is not Conclusion.CHARGED:
        return NotSent(NotSentReason.CONCLUDED_BY_STAFF)
    money = found.transaction.money
    return Approved(
        provider_reference=str(proposal.provider_reference),
        our_reference=found.transaction.id,
        amount_minor=money.amount_minor,
        currency=money.currency,
    )
