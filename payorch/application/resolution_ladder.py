"""The resolution ladder: how to find out whether a provider charged, in domain.md's order.

Takes the steps that the provider's declared capabilities allow, until one settles it. Every step
is safe to repeat. "Nothing found" is never proof; "cancelled" is, where the provider documents it
and a search shows nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from payorch.application.provider_gateway import Answer, ChargeRequest, PaymentGateway
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    Pending,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.settlement import verified
from payorch.domain.transaction import Transaction

WINDOW_MARGIN = 0.9
"""Replays stop at this share of the documented key window, for clocks that disagree."""


class Step(StrEnum):
    READ = "read"
    CANCEL = "cancel"
    REPLAY = "replay"
    CANCEL_BY_REFERENCE = "cancel_by_reference"
    FIND = "find"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Climb:
    """The answer that counts, and the step that brought it."""

    step: Step
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class ResolutionLadder:
    """One transaction's ladder. `request` is there only while the card is still in memory.

    `may_cancel` is off while the customer should rather be given the charge she asked for, and
    while she may still be on the provider's page. `timeout_s` says how long the next call may take.
    """

    gateway: PaymentGateway
    capabilities: Capabilities
    transaction: Transaction
    request: ChargeRequest | None
    age_s: float
    may_cancel: bool
    timeout_s: Callable[[], float]

    def climb(self) -> Climb:
        """Step by step until one settles it; else the first answer that said anything."""
        told = Climb(Step.NONE, None)
        for take in (self._read, self._replay, self._cancel_by_reference, self._find):
            climb = take()
            if climb is None:
                continue
            if not self._goes_on_after(climb):
                return self._confirmed(climb)
            if _says_nothing(told):
                told = climb
        return told

    def _read(self) -> Climb | None:
        reference = self.transaction.provider_reference
        if reference is None:
            return None
        answer = self.gateway.read(reference, self.transaction.id, timeout_s=self.timeout_s())
        return self._settle_object(Step.READ, answer, reference)

    def _replay(self) -> Climb | None:
        window_s = self.capabilities.idempotency_window_s * WINDOW_MARGIN
        if self.request is None or self.age_s >= window_s:
            return None
        answer = self.gateway.replay(self.request, timeout_s=self.timeout_s())
        return self._settle_object(Step.REPLAY, answer)

    def _cancel_by_reference(self) -> Climb | None:
        if not self.capabilities.cancel_by_reference or not self._may_give_up:
            return None
        answer = self.gateway.cancel_by_reference(self.transaction.id, timeout_s=self.timeout_s())
        return self._settle_object(Step.CANCEL_BY_REFERENCE, answer)

    def _find(self) -> Climb | None:
        if not self.capabilities.find_by_reference:
            return None
        answer = self.gateway.find(self.transaction.id, timeout_s=self.timeout_s())
        return self._settle_object(Step.FIND, answer)

    def _settle_object(self, step: Step, answer: Answer, named: str | None = None) -> Climb:
        """A final answer stands; a payment that is open or cannot be read there is cancelled.

        An open one is left alone while the customer may still act, or the method settles later.
        """
        outcome = answer.outcome
        if isinstance(outcome, (Approved, Declined, NotSent)) or _is_not_found(answer):
            return Climb(step, answer)
        reference = outcome.provider_reference or named
        if reference is None or not self._should_cancel(outcome):
            return Climb(step, answer)
        cancelled = self.gateway.cancel(reference, self.transaction.id, timeout_s=self.timeout_s())
        if isinstance(cancelled.outcome, Unknown):
            return Climb(step, answer)
        return Climb(Step.CANCEL, cancelled)

    def _should_cancel(self, outcome: RequiresAction | Pending | Unknown) -> bool:
        if not self.capabilities.cancel_by_id:
            return False
        if isinstance(outcome, Unknown):
            # Somebody else's payment is not ours to cancel.
            is_ours = outcome.reason is not UnknownReason.REFERENCE_MISMATCH
            return is_ours and self._may_give_up
        if self.transaction.status in _NOT_IN_DOUBT:
            return self.may_cancel and isinstance(outcome, RequiresAction)
        return True

    @property
    def _may_give_up(self) -> bool:
        """Whether it may be ended without knowing how it stands: never what settles later."""
        return self.may_cancel and self.transaction.status is not TransactionStatus.PENDING

    def _goes_on_after(self, climb: Climb) -> bool:
        """Silence leaves the next steps to try. After a replay only the last time: it is asked
        again soon, while the customer waits.
        """
        if climb.answer is None:
            return True
        is_silent = isinstance(climb.answer.outcome, Unknown)
        return is_silent and (climb.step is not Step.REPLAY or self._may_give_up)

    def _confirmed(self, climb: Climb) -> Climb:
        """What one object shows says nothing of others: the provider may have several of our
        reference. Where it can be searched, it has to show no other before one that ended without
        a charge, or was charged wrongly, counts for all.
        """
        if climb.step is Step.FIND or not self._is_one_of_several(climb.answer):
            return climb
        if not self.capabilities.find_by_reference:
            return climb
        found = self.gateway.find(self.transaction.id, timeout_s=self.timeout_s())
        if isinstance(found.outcome, Approved):
            return Climb(Step.FIND, found)
        if climb.answer is None or isinstance(climb.answer.outcome, Approved):
            return climb
        if isinstance(found.outcome, (Declined, NotSent)) or _is_not_found(found):
            return climb
        if isinstance(found.outcome, Unknown) and found.outcome.provider_reference is None:
            return self._proved_for_all(climb) or Climb(Step.FIND, found)
        return Climb(Step.FIND, found)

    def _is_one_of_several(self, answer: Answer | None) -> bool:
        if answer is None:
            return False
        outcome = answer.outcome
        if isinstance(outcome, Approved):
            return isinstance(verified(outcome, self.transaction), Unknown)
        if isinstance(outcome, RequiresAction):
            # The customer's time for it is over: that ends the attempt where no other one waits.
            return 0 < self.capabilities.challenge_expires_s < self.age_s
        return isinstance(outcome, (Declined, NotSent))

    def _proved_for_all(self, climb: Climb) -> Climb | None:
        """The search is silent. A cancelled reference stands for all that has it."""
        cancelled = climb if climb.step is Step.CANCEL_BY_REFERENCE else self._cancel_by_reference()
        if cancelled is None or cancelled.answer is None:
            return None
        is_proof = isinstance(cancelled.answer.outcome, (Approved, NotSent))
        return cancelled if is_proof else None


_NOT_IN_DOUBT = frozenset({TransactionStatus.REQUIRES_ACTION, TransactionStatus.PENDING})


def _is_not_found(answer: Answer) -> bool:
    outcome = answer.outcome
    return isinstance(outcome, Unknown) and outcome.reason is UnknownReason.NOT_FOUND


def _says_nothing(climb: Climb) -> bool:
    """Silence, but for that of a read: its id shows that the provider has had the payment."""
    if climb.answer is None or _is_not_found(climb.answer):
        return True
    outcome = climb.answer.outcome
    is_silent = isinstance(outcome, Unknown) and outcome.provider_reference is None
    return is_silent and climb.step is not Step.READ
