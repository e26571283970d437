"""Above which sum one person alone may not give an order's money back (security.md, S51).

What one person has asked for of the same order within a day counts together, so that parts do not
get around the limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payorch.domain.money import Money
from payorch.domain.second_person_errors import RefundNeedsSecondPerson

ANY_CURRENCY = "*"
COUNTED_FOR = timedelta(hours=24)
"""Refunds of one order within that time are one sum."""

PROPOSAL_LIFE = timedelta(days=7)
"""Who proposed it may have left, and the order may look different by then."""


@dataclass(frozen=True, slots=True)
class OnePersonLimit:
    """The limit in force for one refund, in minor units of its currency; `since` when to count."""

    above_minor: int
    since: datetime

    def require(self, money: Money, counted_minor: int) -> None:
        """`counted_minor` is what staff asked for since. Raises RefundNeedsSecondPerson."""
        if money.amount_minor + counted_minor > self.above_minor:
            raise RefundNeedsSecondPerson(
                f"Above {Money(self.above_minor, money.currency)} of an order in a day a second "
                "person has to agree.",
                limit_minor=self.above_minor,
                counted_minor=counted_minor,
            )


@dataclass(frozen=True, slots=True)
class SecondPersonLimits:
    """By currency; ANY_CURRENCY stands for those that are not named. Empty: no limit at all."""

    above_minor: Mapping[str, int] = field(default_factory=dict)

    def of(self, currency: str, *, at: datetime) -> OnePersonLimit | None:
        above_minor = self.above_minor.get(currency, self.above_minor.get(ANY_CURRENCY))
        return None if above_minor is None else OnePersonLimit(above_minor, at - COUNTED_FOR)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A refund that staff asked for, as of its last try: before that it had moved nothing.

    `limit_minor` None: one person might ask for any sum then.
    """

    refund_id: str
    amount_minor: int
    at: datetime
    limit_minor: int | None
    has_two: bool


def beyond_one_person(asked: Sequence[AskedFor]) -> Iterator[tuple[AskedFor, int]]:
    """What one person alone was not to ask for, each with the sum that counted, itself included.

    `asked` are all of one order that may have moved money, in the order in which they were asked
    for under its lock: clocks of several processes may say otherwise by moments.
    """
    for place, one in enumerate(asked):
        if one.has_two or one.limit_minor is None:
            continue
        since = one.at - COUNTED_FOR
        counted = sum(it.amount_minor for it in asked[:place] if it.at >= since)
        if one.amount_minor + counted > one.limit_minor:
            yield one, one.amount_minor + counted
