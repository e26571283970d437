"""What a provider's answer about a refund or void means: a closed union, and what follows from it.

The question is the same as with payments, "may money have moved?", and so is the answer to doubt:
Unknown. A success counts only when amount, currency and reference are ours.
"""

from dataclasses import dataclass
from typing import assert_never

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.domain.refund import Refund, RefundKind, RefundStatus
from payorch.domain.settlement import FLAG_AMOUNT_MISMATCH, FLAG_REFERENCE_MISMATCH


@dataclass(frozen=True, slots=True)
class RefundSucceeded:
    """The money goes back: the provider's id, and what it says it gives back, for which of ours.

    Of a void `provider_reference` is the payment's own id and `our_reference` the payment's.
    """

    provider_reference: str
    our_reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class RefundPending:
    """The provider has accepted the refund and settles it later."""

    provider_reference: str


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """The provider says no, and that nothing goes back.

    `is_of_this_refund`: it weighed this very refund, whose key decides it once and for all. Else it
    says what the payment's state does not allow, which an earlier request may have brought about.
    """

    code: str
    provider_reference: str | None = None
    is_of_this_refund: bool = False


@dataclass(frozen=True, slots=True)
class RefundNotSent:
    """It is proved that the provider did not process *this* request. The next one may be sent."""

    reason: NotSentReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefundUnknown:
    """Money may have gone back."""

    reason: UnknownReason
    detail: str = ""
    provider_reference: str | None = None


RefundOutcome = RefundSucceeded | RefundPending | RefundRefused | RefundNotSent | RefundUnknown

_FLAGS = {
    UnknownReason.AMOUNT_MISMATCH: FLAG_AMOUNT_MISMATCH,
    UnknownReason.REFERENCE_MISMATCH: FLAG_REFERENCE_MISMATCH,
}


def verified_refund(outcome: RefundOutcome, refund: Refund) -> RefundOutcome:
    """`outcome`, or Unknown when it speaks of another amount, currency, reference or payment."""
    if not isinstance(outcome, RefundSucceeded):
        return outcome
    is_foreign = refund.kind is RefundKind.VOID and (
        outcome.provider_reference != refund.payment_reference
    )
    if is_foreign or outcome.our_reference != refund.our_reference:
        return RefundUnknown(UnknownReason.REFERENCE_MISMATCH)
    money = refund.money
    if (outcome.amount_minor, outcome.currency) != (money.amount_minor, money.currency):
        return RefundUnknown(
            UnknownReason.AMOUNT_MISMATCH,
            detail=f"{outcome.amount_minor} {outcome.currency}",
            provider_reference=outcome.provider_reference,
        )
    return outcome


@dataclass(frozen=True, slots=True)
class RefundSettlement:
    """What an outcome makes of a refund. `proves_not_sent`: no request of it is under way."""

    status: RefundStatus
    provider_reference: str | None = None
    failure_code: str | None = None
    technical_reason: str | None = None
    order_flag: str | None = None
    proves_not_sent: bool = False


def settle_refund(
    outcome: RefundOutcome, refund: Refund, *, was_sent_before: bool
) -> RefundSettlement:
    """The state that follows from a verified `outcome`.

    `was_sent_before`: besides the request that was answered, an earlier one may be under way.
    That this one was not processed, or does not fit the payment any more, says nothing about that
    one: it may be why there is nothing left to give back. The caller checks that the
    change is legal; a status that stays as it is is no change.
    """
    match outcome:
        case RefundSucceeded(provider_reference=reference):
            return RefundSettlement(RefundStatus.SUCCEEDED, _kept(reference, refund))
        case RefundPending(provider_reference=reference):
            return RefundSettlement(RefundStatus.PENDING, _kept(reference, refund))
        case RefundRefused(code=code, provider_reference=None, is_of_this_refund=False) if (
            was_sent_before and refund.kind is RefundKind.REFUND
        ):
            # A void is refused for what the payment is, so that an earlier one fails as well.
            return RefundSettlement(_doubtful(refund), technical_reason=code)
        case RefundRefused(code=code, provider_reference=reference):
            return RefundSettlement(
                RefundStatus.FAILED, _kept(reference, refund), failure_code=code
            )
        case RefundNotSent(reason=reason):
            return RefundSettlement(
                _doubtful(refund) if was_sent_before else refund.status,
                technical_reason=str(reason),
                proves_not_sent=not was_sent_before and refund.status is RefundStatus.STARTED,
            )
        case RefundUnknown(reason=unknown, provider_reference=reference):
            return RefundSettlement(
                _doubtful(refund),
                # A reference that came with somebody else's refund is evidence, not ours.
                None if unknown is UnknownReason.REFERENCE_MISMATCH else _kept(reference, refund),
                technical_reason=str(unknown),
                order_flag=_FLAGS.get(unknown),
            )
    assert_never(outcome)


def _doubtful(refund: Refund) -> RefundStatus:
    """Nothing was learned: what the provider has accepted stays accepted."""
    return RefundStatus.PENDING if refund.status is RefundStatus.PENDING else RefundStatus.UNKNOWN


def _kept(reference: str | None, refund: Refund) -> str | None:
    """A void has no id of its own; the payment's is known already."""
    return None if refund.kind is RefundKind.VOID else reference
