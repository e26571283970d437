"""Port of the double-payment guard: money that was charged too much is given back by itself."""

from dataclasses import dataclass
from typing import Protocol

from payorch.application.open_attempts import Evidence
from payorch.domain.money import Money
from payorch.domain.refund import RefundId, RefundKind
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True)
class SurplusCharge:
    """A charge that belongs to no approval in the books.

    `transaction_id` is the attempt it was made for, `payment_reference` the provider's id of it.
    """

    transaction_id: TransactionId
    payment_reference: str
    money: Money


@dataclass(frozen=True, slots=True)
class GiveBack:
    """The refund or void of a surplus charge, and what is kept and flagged because of it."""

    charge: SurplusCharge
    refund_id: RefundId
    kind: RefundKind
    evidence: Evidence
    order_flag: str


class SurplusCharges(Protocol):
    def give_back(self, order: GiveBack) -> bool:
        """Keep the evidence, flag the order, enqueue the refund or void, and tell the staff, in one
        transaction. What is found together with an approval is recorded with it instead.

        Each charge is given back once, however often it is reported: False when it was known, or
        is the approval that the books have. Raises LedgerUnavailable.
        """
