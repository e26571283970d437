"""A whole payment in one sentence of plain words, for the head of the order page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, PaymentStatus
from payorch.domain.payment_status import TransactionStatus as T
from payorch.presentation.backoffice.payments.payment_texts import reason_text, worded


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt: who was asked, how it ended, and why."""

    provider: str
    status: T
    decline_reason: str | None = None
    technical_reason: str | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What has gone back of a paid order's payment, as text, and whether that is all of it."""

    amount: str
    is_all: bool


def explanation(
    status: PaymentStatus,
    steps: Sequence[Step],
    *,
    earlier_submissions: int,
    given_back: GivenBack | None = None,
) -> str:
    """What became of the order. `steps` are the attempts of the last submission, in order."""
    if not steps:
        return _without_attempts(status)
    story = ", then ".join(
        _clause(step, "it" if place else "the payment") for place, step in enumerate(steps)
    )
    if story.startswith("the "):
        # A provider's name keeps its own spelling, also at the start.
        story = story.replace("the ", "The ", 1)
    text = f"{story}: {_conclusion(status, steps)}{_afterwards(steps, given_back)}."
    if earlier_submissions:
        times = "once" if earlier_submissions == 1 else f"{earlier_submissions} times"
        text += f" The customer had tried {times} before."
    return text


def _without_attempts(status: PaymentStatus) -> str:
    match status:
        case PaymentStatus.EXPIRED:
            return "The order expired before anybody tried to pay it."
        case PaymentStatus.CANCELLED:
            return "The order was cancelled before anybody tried to pay it."
        case _:
            return "Nobody has tried to pay this order yet."


def _clause(step: Step, payment: str) -> str:
    name = step.provider
    match step.status:
        case T.APPROVED:
            return f"{name} approved {payment}{_after_doubt(step)}"
        case T.VOIDED:
            return f"{name} approved {payment}{_after_doubt(step)}"
        case T.DECLINED:
            return f"{name} declined {payment}{_because(worded(step.decline_reason))}"
        case T.NOT_SENT:
            return f"{name} did not process {payment}{_because(reason_text(step.technical_reason))}"
        case T.ABANDONED:
            return f"the customer did not finish on {name}'s page"
        case T.REQUIRES_ACTION:
            return f"{name} asked the customer to confirm on its page"
        case T.PENDING:
            return f"{name} accepted {payment} and settles it later"
        case T.STARTED:
            return f"{name} is being asked"
        case T.UNKNOWN:
            reason = _because(reason_text(step.technical_reason))
            return f"{name} did not give a clear answer{reason}"
    assert_never(step.status)


def _afterwards(steps: Sequence[Step], given_back: GivenBack | None) -> str:
    """How the money went back after the payment."""
    if any(step.status is T.VOIDED for step in steps):
        return ", and then the whole payment was voided: the customer gets all of it back"
    if given_back is None:
        return ""
    if given_back.is_all:
        return f", and then all of it ({given_back.amount}) was refunded"
    return f", and then {given_back.amount} of it was refunded"


def _after_doubt(step: Step) -> str:
    """A settled attempt keeps the reason for which its outcome was unknown at first."""
    reason = reason_text(step.technical_reason)
    return f", as asking again showed (at first: {reason})" if reason else ""


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _conclusion(status: PaymentStatus, steps: Sequence[Step]) -> str:
    match status:
        case PaymentStatus.PAID:
            return "the order is paid"
        case PaymentStatus.PROCESSING if steps[-1].status is T.REQUIRES_ACTION:
            return "the order waits for the customer"
        case PaymentStatus.PROCESSING if steps[-1].status in OPEN_TRANSACTION_STATUSES:
            return "the order is held, and nothing else is charged until this is settled"
        case PaymentStatus.PROCESSING:
            return "the order is being processed"
        case PaymentStatus.FAILED:
            return "the order is not paid, and the customer may try again"
        case PaymentStatus.PENDING:
            return "the order is open again"
        case PaymentStatus.EXPIRED:
            return "the order expired unpaid"
        case PaymentStatus.CANCELLED:
            return "the order was cancelled"
    assert_never(status)
