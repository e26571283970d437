"""Port to what a recovery reads and writes: the books of a restored backup, which lack the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.provider_gateway import ListedPayment
from payorch.domain.transaction import Transaction, TransactionId


class Recreated(StrEnum):
    """What became of a payment that the books had forgotten."""

    RECREATED = "recreated"
    KNOWN = "known"
    BUSY = "order_has_another_open_transaction"
    CLOSED = "order_takes_no_payment"
    NO_ORDER = "order_unknown"


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

    def keep_orphan(
        self, payment: ListedPayment, provider_code: str, *, note: str, at: datetime
    ) -> bool:
        """Show money without an order to staff, once. False when it was shown already."""

    def orphans_left(self) -> int:
        """How many of those staff have not concluded yet."""
