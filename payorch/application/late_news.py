"""What a provider says of an attempt after the books have closed it: kept, never applied.

A charge that the books know nothing of is given back by itself (domain.md, invariant 7). The
same news again is nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from payorch.application.open_attempts import Evidence, OpenAttempts
from payorch.application.ports import Clock, Ids
from payorch.application.surplus_charges import GiveBack, SurplusCharge, SurplusCharges
from payorch.domain.errors import InvalidMoney
from payorch.domain.money import Money
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Outcome,
    Unknown,
)
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.refund import RefundKind
from payorch.domain.settlement import (
    FLAG_CONTRADICTION,
    FLAG_LATE_APPROVAL,
    FLAG_SURPLUS_CHARGE,
)
from payorch.domain.transaction import Transaction, TransactionId


class LateNews:
    """`can_void` says of a provider's code whether it voids; the others are asked for a refund."""

    def __init__(
        self,
        *,
        open_attempts: OpenAttempts,
        surplus_charges: SurplusCharges,
        clock: Clock,
        ids: Ids,
        can_void: Callable[[str], bool],
        alert: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self._open_attempts = open_attempts
        self._surplus_charges = surplus_charges
        self._clock = clock
        self._ids = ids
        self._can_void = can_void
        self._alert = alert

    def keep(self, transaction_id: TransactionId, source: str, outcome: Outcome) -> None:
        """News of a transaction that is not open any more; of an open one it is ignored here.

        An approval that the books do not have is given back. A decline or cancel of what they
        have as approved is flagged for finance. `source` says who brought it ("webhook").
        """
        transaction = self._open_attempts.find(transaction_id)
        if transaction is None or transaction.is_open:
            return
        match outcome:
            case Approved():
                for charge in (replace(outcome, surplus=()), *outcome.surplus):
                    if not _is_booked(charge, transaction):
                        self.give_back(transaction, source, charge)
            case Declined() | NotSent() if transaction.status is TransactionStatus.APPROVED:
                if not _is_void(outcome):
                    self.flag(transaction_id, source, outcome, FLAG_CONTRADICTION)
            case _:
                return

    def give_back(self, transaction: Transaction, source: str, charge: Approved) -> None:
        """Refund or void a charge that was made for this attempt and is not the approved one."""
        order = self.giving_back(transaction, source, charge)
        if order is not None:
            self._surplus_charges.give_back(order)

    def giving_back(
        self, transaction: Transaction, source: str, charge: Approved
    ) -> GiveBack | None:
        """How a charge of this attempt goes back. None, and finance is told, when it cannot."""
        money = _money_of(charge)
        if charge.our_reference != transaction.id or money is None:
            # Somebody else's payment, or one that cannot be named: only finance can tell.
            self.flag(transaction.id, source, charge, FLAG_LATE_APPROVAL)
            return None
        is_voided = self._can_void(transaction.provider_code)
        return GiveBack(
            charge=SurplusCharge(transaction.id, charge.provider_reference, money),
            refund_id=self._ids.refund_id(),
            kind=RefundKind.VOID if is_voided else RefundKind.REFUND,
            evidence=self._evidence(source, charge),
            order_flag=FLAG_SURPLUS_CHARGE,
        )

    def flag(self, transaction_id: TransactionId, source: str, outcome: Outcome, flag: str) -> None:
        """Keep it as evidence, mark the order and tell the staff."""
        evidence = self._evidence(source, outcome)
        self._open_attempts.add_evidence(transaction_id, evidence, order_flag=flag)
        self._alert(flag, {"transaction": transaction_id})

    def _evidence(self, source: str, outcome: Outcome) -> Evidence:
        return Evidence(
            source=source,
            outcome=type(outcome).__name__,
            was_applied=False,
            at=self._clock.now(),
            detail=claims_of(outcome),
        )


def claims_of(outcome: Outcome) -> Mapping[str, str | int | None]:
    """What an answer says was charged: finance compares it with the order (domain.md, 2.5)."""
    match outcome:
        case Approved():
            return {
                "amount_minor": outcome.amount_minor,
                "currency": outcome.currency,
                "our_reference": outcome.our_reference,
                "provider_reference": outcome.provider_reference,
            }
        case Declined(provider_reference=reference):
            return {"provider_reference": reference}
        case NotSent(reason=reason) | Unknown(reason=reason):
            return {"reason": reason.value}
        case _:
            return {}


def _is_booked(charge: Approved, transaction: Transaction) -> bool:
    """Whether this charge is the approval that the books have, given back meanwhile or not."""
    return (
        transaction.status in CHARGED_TRANSACTION_STATUSES
        and charge.provider_reference == transaction.provider_reference
    )


def _is_void(outcome: Outcome) -> bool:
    """A void is our own refund's doing, which follows it up itself."""
    return isinstance(outcome, NotSent) and outcome.reason is NotSentReason.VOIDED_AT_PROVIDER


def _money_of(charge: Approved) -> Money | None:
    try:
        return Money(charge.amount_minor, charge.currency)
    except InvalidMoney:
        return None
