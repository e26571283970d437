"""From an outcome to the states that follow: the pure heart of the single writer of outcomes.

It decides what an answer means for the transaction and the order, and nothing else does. An
approval counts only when amount, currency and reference are ours; anything odd is Unknown.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    Outcome,
    Pending,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.transaction import Transaction

FLAG_AMOUNT_MISMATCH = "amount_mismatch"
FLAG_REFERENCE_MISMATCH = "reference_mismatch"
FLAG_CONTRADICTION = "contradicting_outcome"
FLAG_LATE_APPROVAL = "late_approval"
"""A provider charged for a closed attempt, and nobody but finance can give the charge back."""
FLAG_SURPLUS_CHARGE = "surplus_charge"
"""A provider charged too much, or too late; the guard gives that charge back."""

_FLAGS = {
    UnknownReason.AMOUNT_MISMATCH: FLAG_AMOUNT_MISMATCH,
    UnknownReason.REFERENCE_MISMATCH: FLAG_REFERENCE_MISMATCH,
}


def verified(outcome: Outcome, transaction: Transaction) -> Outcome:
    """`outcome`, or Unknown when it speaks of another amount, currency or reference.

    Of several charges the first that is ours counts, and all others are surplus.
    Source: domain.md, invariants 4 and 5.
    """
    if not isinstance(outcome, Approved):
        return outcome
    charges = _charges_of(outcome)
    ours = next((charge for charge in charges if _is_ours(charge, transaction)), None)
    if ours is not None:
        return replace(ours, surplus=tuple(charge for charge in charges if charge is not ours))
    if outcome.our_reference != transaction.id:
        return Unknown(
            UnknownReason.REFERENCE_MISMATCH, provider_reference=outcome.provider_reference
        )
    return Unknown(
        UnknownReason.AMOUNT_MISMATCH,
        detail=f"{outcome.amount_minor} {outcome.currency}",
        provider_reference=outcome.provider_reference,
    )


def _charges_of(outcome: Approved) -> tuple[Approved, ...]:
    """Each charge once, however often the provider has shown it."""
    shown = (replace(outcome, surplus=()), *outcome.surplus)
    return tuple({charge.provider_reference: charge for charge in reversed(shown)}.values())[::-1]


def _is_ours(charge: Approved, transaction: Transaction) -> bool:
    money = transaction.money
    charged = (charge.our_reference, charge.amount_minor, charge.currency)
    return charged == (transaction.id, money.amount_minor, money.currency)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an outcome makes of a transaction, and of its order when no other attempt follows."""

    transaction_status: TransactionStatus
    order_status: PaymentStatus
    provider_reference: str | None = None
    redirect_url: str | None = None
    technical_reason: str | None = None
    order_flag: str | None = None

    @property
    def proves_no_charge(self) -> bool:
        """Only after one of these may another provider be tried."""
        return self.transaction_status in {TransactionStatus.DECLINED, TransactionStatus.NOT_SENT}


def settle(outcome: Outcome, current: TransactionStatus) -> Settlement:
    """The states that follow from `outcome` for a transaction that stands at `current`.

    The caller checks with transitions.py that the change is legal.
    """
    match outcome:
        case Approved(provider_reference=reference):
            return Settlement(TransactionStatus.APPROVED, PaymentStatus.PAID, reference)
        case Declined(provider_reference=reference):
            return Settlement(TransactionStatus.DECLINED, PaymentStatus.FAILED, reference)
        case RequiresAction(provider_reference=reference, redirect_url=url):
            return Settlement(
                TransactionStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING, reference, url
            )
        case Pending(provider_reference=reference):
            return Settlement(TransactionStatus.PENDING, PaymentStatus.PROCESSING, reference)
        case NotSent(reason=reason):
            return _settle_not_sent(str(reason), current)
        case Unknown(reason=reason, provider_reference=reference):
            return Settlement(
                TransactionStatus.UNKNOWN,
                PaymentStatus.PROCESSING,
                # A reference that came with somebody else's payment is evidence, not ours.
                None if reason is UnknownReason.REFERENCE_MISMATCH else reference,
                technical_reason=str(reason),
                order_flag=_FLAGS.get(reason),
            )
    assert_never(outcome)


def _settle_not_sent(reason: str, current: TransactionStatus) -> Settlement:
    """A customer who never came back was not failed by anybody: the order is simply open again."""
    if current in {TransactionStatus.REQUIRES_ACTION, TransactionStatus.PENDING}:
        return Settlement(
            TransactionStatus.ABANDONED, PaymentStatus.PENDING, technical_reason=reason
        )
    return Settlement(TransactionStatus.NOT_SENT, PaymentStatus.FAILED, technical_reason=reason)
