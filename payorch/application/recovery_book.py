"""Port to what a recovery reads and writes: the books of a restored backup, which lack the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.provider_gateway import ListedPayment
from payorch.application.refund_gateway import ListedRefund
from payorch.domain.refund import RefundId
from payorch.domain.transaction import Transaction, TransactionId


class Recreated(StrEnum):
    """What became of a payment that the books had forgotten."""

    RECREATED = "recreated"
    KNOWN = "known"
    BUSY = "order_has_another_open_transaction"
    CLOSED = "order_takes_no_payment"
    NO_ORDER = "order_unknown"


class RecreatedRefund(StrEnum):
    """What became of a refund that the books had forgotten."""

    RECREATED = "recreated"
    KNOWN = "known"
    NO_PAYMENT = "given back there, of no payment in the books"
    FOREIGN = "given back there, neither the payment nor the refund is a payorch's"
    NOT_OURS = "given back at the provider, not by payorch"
    OTHER_CURRENCY = "given back there in another currency"


@dataclass(frozen=True, slots=True)
class Touched:
    """`place` leads to the next page and is opaque to everybody but the book."""

    place: tuple[datetime, int]
    transaction: Transaction


class RecoveryBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def touched(
        self, since: datetime, *, after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[Touched]:
        """Transactions that changed since then, open or not, in the order of their change."""

    def open_transactions(self, *, limit: int) -> Sequence[TransactionId]:
        """All that are open, however old."""

    def unknown_references(self, references: Sequence[str]) -> frozenset[str]:
        """Those of `references` that no transaction of ours has."""

    def recreate(self, payment: ListedPayment, provider_code: str, *, at: datetime) -> Recreated:
        """The forgotten attempt of an order of ours, as UNKNOWN, so that the ladder settles it.

        The order is claimed in the same transaction, like by a payment.
        """

    def unknown_refunds(self, references: Sequence[str]) -> frozenset[str]:
        """Those of `references` that no refund of ours has."""

    def recreate_refund(
        self, refund: ListedRefund, provider_code: str, *, at: datetime
    ) -> RecreatedRefund:
        """The forgotten refund of a payment of ours, as UNKNOWN and journalled, so that its
        ladder settles it. From now on it counts against what can be given back.
        """

    def recreate_void(self, transaction: Transaction, refund_id: RefundId, *, at: datetime) -> bool:
        """The forgotten void of a transaction; False when one is open or has succeeded."""

    def open_refunds(self, *, limit: int) -> Sequence[RefundId]:
        """All that are open, however old."""

    def keep_orphan(
        self, payment: ListedPayment, provider_code: str, *, note: str, at: datetime
    ) -> bool:
        """Show money without an order to staff, once. False when it was shown already."""

    def orphans_left(self) -> int:
        """How many of those staff have not concluded yet."""
