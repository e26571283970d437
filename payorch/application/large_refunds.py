"""Large refunds by two people: one of the staff proposes, another one agrees (security.md, S51).

Until then nothing is sent and nothing is reserved. The agreement and the opening of the refund are
one commit, with the job that carries it on; so a crash or a second press never makes two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.ports import Checkpoint, Clock, Ids
from payorch.application.refund_ledger import NewRefund, OpenedRefund, RefundLedger
from payorch.application.refund_payment import RefundPayment, RefundPaymentUseCase
from payorch.application.staff_reason import checked_reason
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId, RefundKind
from payorch.domain.refundable import Refundable, RefundPlan
from payorch.domain.second_person import PROPOSAL_LIFE, SecondPersonLimits
from payorch.domain.second_person_errors import RefundNeedsSecondPerson, RefundProposalNotPossible


class ProposalState(StrEnum):
    """EXPIRED is written when the next one of the order is proposed; the time alone ends it."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundProposal:
    """`limit_minor` and `counted_minor` as they were when it was proposed."""

    id: int
    order_id: OrderId
    kind: RefundKind
    money: Money
    reason: str
    limit_minor: int
    counted_minor: int
    state: ProposalState
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    refund_id: RefundId | None = None

    def waits_at(self, now: datetime) -> bool:
        return self.state is ProposalState.OPEN and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProposal:
    """`plan` is asked under the order's lock, so that nothing impossible is proposed."""

    order_id: OrderId
    plan: Callable[[Refundable], RefundPlan]
    reason: str
    actor: str
    at: datetime
    expires_at: datetime
    limit_minor: int
    counted_minor: int
    idempotency_key: str
    request_hash: str


class RefundProposalBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def propose(self, new: NewProposal) -> RefundProposal:
        """Store, journal and tell the staff of it; the same request again gives what it has made.

        An open one of the order whose time is over ends. Raises what the plan raises,
        RefundProposalNotPossible while another one waits, and IdempotencyKeyReused.
        """

    def replayed(self, command: RefundPayment) -> RefundProposal | None:
        """What this request has proposed before. Raises IdempotencyKeyReused."""

    def find(self, proposal_id: int) -> RefundProposal | None: ...

    def open_of(self, order_id: OrderId) -> RefundProposal | None: ...

    def approve(self, proposal: RefundProposal, new: NewRefund) -> Refund:
        """Agree and open the refund. `new.actor` agrees.

        Raises what the plan raises, and RefundProposalNotPossible when it waits no more, or when
        who proposed it may not give money back any more; then nothing was changed.
        """

    def end(
        self,
        proposal: RefundProposal,
        state: ProposalState,
        *,
        actor: str,
        reason: str,
        at: datetime,
    ) -> None:
        """Reject or withdraw it. Raises RefundProposalNotPossible when it waits no more."""


class LargeRefundsUseCase:
    def __init__(
        self,
        *,
        book: RefundProposalBook,
        refunds: RefundPaymentUseCase,
        ledger: RefundLedger,
        limits: SecondPersonLimits,
        clock: Clock,
        ids: Ids,
        checkpoint: Checkpoint,
    ) -> None:
        self._book = book
        self._refunds = refunds
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self._ids = ids
        self._checkpoint = checkpoint

    def needs_second_person(self, order_id: OrderId, money: Money) -> bool:
        """As things are now, for the page that asks; the lock decides."""
        limit = self._limits.of(money.currency, at=self._clock.now())
        if limit is None:
            return False
        counted = self._ledger.asked_by_staff_minor(order_id, since=limit.since)
        return money.amount_minor + counted > limit.above_minor

    def ask(self, command: RefundPayment) -> OpenedRefund | RefundProposal:
        """The refund where one person may give it back alone, else a proposal of it.

        `command.is_by_staff` has to hold. Raises what RefundPaymentUseCase.execute raises
        otherwise, and RefundProposalNotPossible.
        """
        replayed = self._book.replayed(command)
        if replayed is not None:
            return replayed
        try:
            return self._refunds.execute(command)
        except RefundNeedsSecondPerson as error:
            return self._proposed(command, error)

    def _proposed(self, command: RefundPayment, error: RefundNeedsSecondPerson) -> RefundProposal:
        now = self._clock.now()
        refundable = self._ledger.refundable(command.order_id)
        proposal = self._book.propose(
            NewProposal(
                order_id=command.order_id,
                plan=self._refunds.plan_of(command, refundable),
                reason=checked_reason(command.reason),
                actor=command.actor,
                at=now,
                expires_at=now + PROPOSAL_LIFE,
                limit_minor=error.limit_minor,
                counted_minor=error.counted_minor,
                idempotency_key=command.idempotency_key,
                request_hash=command.request_hash,
            )
        )
        self._checkpoint("refund_proposed")
        return proposal

    def find(self, proposal_id: int) -> RefundProposal | None:
        return self._book.find(proposal_id)

    def open_of(self, order_id: OrderId) -> RefundProposal | None:
        """The one that waits for a second person, if any."""
        proposal = self._book.open_of(order_id)
        return proposal if proposal and proposal.waits_at(self._clock.now()) else None

    def approve(self, proposal_id: int, *, actor: str, reason: str) -> Refund:
        """Agree with somebody else's proposal: the refund is opened and sent.

        The plan is made anew, as less may be left by now: then it raises OrderNotRefundable or
        RefundTooLarge, and the proposal stays as it is, to be rejected or withdrawn. Raises
        ReasonRequired and RefundProposalNotPossible as well.
        """
        proposal = self._waiting(proposal_id)
        self._require_other(proposal, actor)
        why, now = checked_reason(reason), self._clock.now()
        self._refunds.require_running()
        # Of no kind that a form can send: whoever took it first would hold up the refund for ever.
        key = f"refund-proposal:{proposal.id}"
        command = RefundPayment(
            order_id=proposal.order_id,
            amount_minor=proposal.money.amount_minor,
            reason=why,
            actor=actor,
            idempotency_key=key,
            request_hash=key,
            prefers_void=proposal.kind is RefundKind.VOID,
            is_by_staff=True,
        )
        refundable = self._ledger.refundable(proposal.order_id)
        refund = self._book.approve(
            proposal,
            NewRefund(
                id=self._ids.refund_id(),
                order_id=proposal.order_id,
                plan=self._refunds.plan_of(command, refundable),
                reason=why,
                actor=actor,
                at=now,
                idempotency_key=key,
                request_hash=key,
                is_by_staff=True,
            ),
        )
        self._checkpoint("refund_opened")
        return self._refunds.carried_on(refund)

    def reject(self, proposal_id: int, *, actor: str, reason: str) -> None:
        """Raises ReasonRequired and RefundProposalNotPossible."""
        proposal = self._waiting(proposal_id)
        self._require_other(proposal, actor)
        self._end(proposal, ProposalState.REJECTED, actor, reason)

    def withdraw(self, proposal_id: int, *, actor: str, reason: str) -> None:
        """Only who proposed it takes it back. Raises like `reject`."""
        proposal = self._waiting(proposal_id)
        if proposal.proposed_by != actor:
            raise RefundProposalNotPossible("Only who proposed it can withdraw it.")
        self._end(proposal, ProposalState.WITHDRAWN, actor, reason)

    def _end(self, proposal: RefundProposal, state: ProposalState, actor: str, reason: str) -> None:
        self._book.end(
            proposal, state, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )

    def _waiting(self, proposal_id: int) -> RefundProposal:
        proposal = self._book.find(proposal_id)
        if proposal is None:
            raise RefundProposalNotPossible("There is no such proposal.")
        if proposal.state is not ProposalState.OPEN:
            raise RefundProposalNotPossible("This proposal was decided already.")
        if not proposal.waits_at(self._clock.now()):
            raise RefundProposalNotPossible("This proposal's time is over; it has to be made anew.")
        return proposal

    @staticmethod
    def _require_other(proposal: RefundProposal, actor: str) -> None:
        if proposal.proposed_by == actor:
            raise RefundProposalNotPossible("Somebody else has to decide on your own proposal.")
