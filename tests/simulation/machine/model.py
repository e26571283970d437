"""What must follow, by domain.md alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payorch.application.payment_result import ResultKind
from payorch.domain.errors import (
    OrderAlreadyPaid,
    OrderNotPayable,
    OrderNotRefundable,
    PaymentInProgress,
    PayorchError,
    RefundInProgress,
    RefundNotRetryable,
    RefundTooLarge,
)
from tests.simulation.scripted_providers import Mood, RefundMood

if TYPE_CHECKING:
    from payorch.application.commands import PayOrder

AMOUNT_MINOR = 1999


@dataclass(slots=True)
class ModelOrder:
    """`status` None: a process died over it, so that only the recovery will tell."""

    id: str
    expires_at_s: float
    status: str | None = "pending"
    last_command: PayOrder | None = None
    last_kind: ResultKind | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    kind: ResultKind
    status: str


PAID = Forecast(ResultKind.PAID, "paid")


def forecast(moods: dict[str, Mood], order_of_trying: list[str]) -> Forecast:
    """What one submission comes to, by domain.md, section 4."""
    was_declined = False
    for name in order_of_trying:
        match moods[name]:
            case Mood.APPROVES | Mood.LOSES_REQUEST | Mood.LOSES_ANSWER:
                return PAID
            case Mood.PENDING | Mood.SILENT | Mood.CHARGES_SILENTLY:
                return Forecast(ResultKind.CONFIRMING, "processing")
            case Mood.WANTS_ACTION:
                return Forecast(ResultKind.ACTION_REQUIRED, "processing")
            case Mood.DECLINES:
                return Forecast(ResultKind.DECLINED, "failed")
            case Mood.DECLINES_SOFTLY:
                was_declined = True
            case Mood.REFUSED | Mood.NOT_PROCESSED:
                pass
    return Forecast(ResultKind.DECLINED if was_declined else ResultKind.NOT_CHARGED, "failed")


REFUSED_PAYMENTS: dict[str, type[PayorchError]] = {
    "paid": OrderAlreadyPaid,
    "processing": PaymentInProgress,
    "cancelled": OrderNotPayable,
    "expired": OrderNotPayable,
}
"""What a submission for an order in such a state is refused with."""

REFUSED_CANCELS: dict[str, type[PayorchError]] = {
    "paid": OrderAlreadyPaid,
    "processing": PaymentInProgress,
    "expired": OrderNotPayable,
}


@dataclass(slots=True)
class ModelMoney:
    """One order's money, in minor units: what has gone back, and what may still go back."""

    is_paid: bool
    refunded: int = 0
    open: int = 0
    was_void_refused: bool = False

    @property
    def left(self) -> int:
        return AMOUNT_MINOR - self.refunded - self.open

    def refuses(self, amount: int | None) -> type[PayorchError] | None:
        """Invariant 11 of domain.md: no more than what is left, of a payment that there is."""
        if not self.is_paid or self.left <= 0:
            return OrderNotRefundable
        return RefundTooLarge if amount is not None and amount > self.left else None

    def is_void(self, amount: int | None, *, prefers_void: bool) -> bool:
        """Only the whole payment, of which nothing is given back yet, is voided."""
        is_whole = self.left == AMOUNT_MINOR and amount in {None, AMOUNT_MINOR}
        return is_whole and prefers_void and not self.was_void_refused


REFUND_ENDS = {
    RefundMood.GIVES_BACK: "succeeded",
    RefundMood.GIVES_BACK_LATER: "pending",
    RefundMood.REFUSES: "failed",
    RefundMood.UNREACHABLE: "started",
    RefundMood.LOSES_REQUEST: "unknown",
    RefundMood.LOSES_ANSWER: "unknown",
}
"""What one refund comes to when it is asked for."""


def refund_forecast(mood: RefundMood, *, is_void: bool) -> str:
    """A void is done at once or not at all."""
    if is_void and mood is RefundMood.GIVES_BACK_LATER:
        return "succeeded"
    return REFUND_ENDS[mood]


def refused_retry(status: str, *, is_too_large: bool) -> type[PayorchError] | None:
    """Only a failed one is tried again, and only while as much is left to give back."""
    if status in {"started", "pending", "unknown"}:
        return RefundInProgress
    if status != "failed":
        return RefundNotRetryable
    return RefundTooLarge if is_too_large else None
