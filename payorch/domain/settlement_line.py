"""One line of a provider's settlement report, and what makes it the same line in two files.

Amounts of payments, refunds and chargebacks are positive: the kind says which way the money
went. Those of fees, payouts and other lines keep the report's sign.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class LineKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"


MATCHED_KINDS = frozenset({LineKind.PAYMENT, LineKind.REFUND, LineKind.CHARGEBACK})
"""Lines about a payment of ours; the others are booked as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """`reference` is the provider's id of the payment or refund, `our_reference` ours.

    `number` is where the line ends in its file, for people. `line_id` is the provider's own
    identity of the line, where the report has one.
    """

    number: int
    kind: LineKind
    reference: str | None
    our_reference: str | None
    amount_minor: int
    currency: str
    settled_on: date
    fee_minor: int | None = None
    net_minor: int | None = None
    payout_id: str | None = None
    line_id: str | None = None

    @property
    def identity(self) -> str:
        """Equal for the same line in another file; 64 characters.

        Without an id of the provider's two equal lines of one file share it: they are told
        apart by counting.
        """
        if self.line_id is not None:
            parts: tuple[object, ...] = ("id", self.line_id)
        else:
            parts = (
                *(self.kind.value, self.reference or "", self.our_reference or ""),
                *(self.amount_minor, self.currency, self.settled_on.isoformat()),
            )
        return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()
