"""Port of the double-payment guard: money that was charged too much is given back by itself."""

from dataclasses import dataclass
from typing import Protocol

from payorch.application.open_attempts import Evidence
from payorch.domain.money import Money
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True)
class SurplusCharge:
    """A charge that belongs to no approval in the books.

    `transaction_id` is the attempt it was made for, `payment_reference` the provider's id of it.
    """

    transaction_id: TransactionId
    payment_reference: str
    money: Money


class SurplusCharges(Protocol):
    def give_back(self, charge: SurplusCharge, evidence: Evidence, *, order_flag: str) -> bool:
        """Keep the evidence, flag the order, and enqueue the refund or void, in one transaction.

        Each charge is given back once, however often it is reported: False when it was known.
        Raises LedgerUnavailable.
        """
