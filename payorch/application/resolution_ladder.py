"""The resolution ladder: how to find out whether a provider charged, in domain.md's order.

Takes the first step that the provider's declared capabilities allow. Every step is safe to
repeat. "Nothing found" is never proof; "cancelled" is, where the provider documents it.
"""

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
    """The last answer and the steps that were taken to get it."""

    step: Step
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class ResolutionLadder:
    """One transaction's ladder. `request` is there only while the card is still in memory.

    `may_cancel` is off while the customer should rather be given the charge she asked for, and
    while she may still be on the provider's page.
    """

    gateway: PaymentGateway
    capabilities: Capabilities
    transaction: Transaction
    request: ChargeRequest | None
    age_s: float
    may_cancel: bool
    timeout_s: float

    def climb(self) -> Climb:
        reference = self.transaction.provider_reference
        if reference is not None:
            answer = self._read(reference)
            # An id that the provider does not know was no id of ours: the next steps need none.
            if not _is_not_found(answer):
                return self._settle_object(Step.READ, answer)
        if self.request is not None and self.age_s < self._replay_window_s():
            answer = self.gateway.replay(self.request, timeout_s=self.timeout_s)
            return self._settle_object(Step.REPLAY, answer)
        if self.capabilities.cancel_by_reference and self.may_cancel:
            answer = self.gateway.cancel_by_reference(self.transaction.id, timeout_s=self.timeout_s)
            if not isinstance(answer.outcome, Unknown):
                return self._settle_object(Step.CANCEL_BY_REFERENCE, answer)
        if self.capabilities.find_by_reference:
            answer = self.gateway.find(self.transaction.id, timeout_s=self.timeout_s)
            return self._settle_object(Step.FIND, answer)
        return Climb(Step.NONE, None)

    def _settle_object(self, step: Step, answer: Answer) -> Climb:
        """A final answer stands; a payment that is still open at the provider is cancelled.

        An open one is left alone while the customer may still act, or the method settles later.
        """
        outcome = answer.outcome
        if isinstance(outcome, (Approved, Declined, NotSent)):
            return Climb(step, answer)
        reference = _open_object(outcome)
        if reference is None or not self._should_cancel(outcome):
            return Climb(step, answer)
        cancelled = self.gateway.cancel(reference, self.transaction.id, timeout_s=self.timeout_s)
        if isinstance(cancelled.outcome, Unknown):
            return Climb(step, answer)
        return Climb(Step.CANCEL, cancelled)

    def _should_cancel(self, outcome: RequiresAction | Pending | Unknown) -> bool:
        if not self.capabilities.cancel_by_id or isinstance(outcome, Unknown):
            return False
        if self.transaction.status in {
            TransactionStatus.REQUIRES_ACTION,
            TransactionStatus.PENDING,
        }:
            return self.may_cancel and isinstance(outcome, RequiresAction)
        return True

    def _read(self, reference: str) -> Answer:
        return self.gateway.read(reference, self.transaction.id, timeout_s=self.timeout_s)

    def _replay_window_s(self) -> float:
        return self.capabilities.idempotency_window_s * WINDOW_MARGIN


def _is_not_found(answer: Answer) -> bool:
    outcome = answer.outcome
    return isinstance(outcome, Unknown) and outcome.reason is UnknownReason.NOT_FOUND


def _open_object(outcome: RequiresAction | Pending | Unknown) -> str | None:
    return outcome.provider_reference
