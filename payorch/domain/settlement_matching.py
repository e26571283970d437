"""What a settlement line and the books say of each other: the rules, without any database.

Nothing here changes an outcome. A difference is listed, and a person looks at both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from payorch.domain.settlement_line import LineKind, SettlementLine


class DifferenceKind(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    PAID_THERE = "paid_there"
    SETTLED_TWICE = "settled_twice"
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    OTHER_FEE = "other_fee"


class BookState(StrEnum):
    """What the books say of a payment or refund: money moved, none did, or not known yet."""

    MOVED = "moved"
    NOT_MOVED = "not_moved"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """The payment or refund of ours that a line is about.

    `reference` is the provider's id as the books have it. `expected_fee_minor` None: nobody has
    set a fee for that provider and currency. `settled_before` counts other lines of the same
    kind about it.
    """

    state: BookState
    amount_minor: int
    currency: str
    reference: str | None
    expected_fee_minor: int | None = None
    settled_before: int = 0


def differences(
    line: SettlementLine, entry: BookEntry | None, *, fee_tolerance_minor: int = 0
) -> Sequence[DifferenceKind]:
    """What is not alike, the most dangerous first; empty for a match.

    A chargeback is compared with nothing: the books do not follow chargebacks, and any part of
    a payment may be charged back.
    """
    kind = DifferenceKind
    if line.kind not in (LineKind.PAYMENT, LineKind.REFUND, LineKind.CHARGEBACK):
        return ()
    if entry is None or _is_another_charge(line, entry):
        return (kind.MISSING_HERE,)
    if line.kind is LineKind.CHARGEBACK:
        return ()
    found: list[DifferenceKind] = []
    if entry.state is not BookState.MOVED:
        found.append(kind.PAID_THERE)
    if entry.settled_before:
        found.append(kind.SETTLED_TWICE)
    if line.currency != entry.currency:
        # Amounts of two currencies say nothing about each other.
        return (*found, kind.OTHER_CURRENCY)
    if line.amount_minor != entry.amount_minor:
        found.append(kind.OTHER_AMOUNT)
    elif entry.state is BookState.MOVED and _is_other_fee(line, entry, fee_tolerance_minor):
        found.append(kind.OTHER_FEE)
    return tuple(found)


def _is_another_charge(line: SettlementLine, entry: BookEntry) -> bool:
    """Found by our reference, but under an id of the provider's that is not the books' one.

    That is a second charge for the same attempt, which nobody here knows of.
    """
    if line.kind is not LineKind.PAYMENT:
        return False
    both = line.reference is not None and entry.reference is not None
    return both and line.reference != entry.reference


def _is_other_fee(line: SettlementLine, entry: BookEntry, tolerance_minor: int) -> bool:
    """Of payments only: what a provider takes or gives back for a refund is not in its fees."""
    if line.kind is not LineKind.PAYMENT:
        return False
    if line.fee_minor is None or entry.expected_fee_minor is None:
        return False
    return abs(line.fee_minor - entry.expected_fee_minor) > tolerance_minor
