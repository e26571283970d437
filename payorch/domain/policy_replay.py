"""The vocabulary of a replay: what logged orders look like, and what a replay says of a policy.

A replay asks what another routing policy would have done to the orders of the last days. Its unit
is an order's first press of "Pay": whether a customer would have come back for a second one under
another policy, nobody can know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from payorch.domain.attempt_stats import Interval
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_rule import OrderFacts
from payorch.domain.tier_list import PolicyEntry


class Step(IntEnum):
    """How one attempt went, and whether the next provider may be tried after it.

    FALLS_BACK and REFUSED are declines, with and without permission to go on. NOT_SENT was a
    technical failure proven to have charged nothing, so it goes on; LOST ended without a word of
    the issuer and without permission (left alone by the customer, found out too late).
    """

    APPROVED = 0
    FALLS_BACK = 1
    REFUSED = 2
    NOT_SENT = 3
    LOST = 4

    @property
    def goes_on(self) -> bool:
        return self in {Step.FALLS_BACK, Step.NOT_SENT}

    @property
    def is_decided(self) -> bool:
        """Whether the issuer had a say, so that it tells something about the order itself."""
        return self in {Step.APPROVED, Step.FALLS_BACK, Step.REFUSED}


Path = tuple[tuple[str, Step], ...]
"""Provider code and step of each attempt of a submission, in their order."""


class OrderShape(NamedTuple):
    """What routing can look at, but for the amount. `card_bin` has at most eight digits."""

    currency: str
    country: str
    kind: MethodKind | None
    card_brand: str | None
    card_bin: str | None

    def facts(self, amount_minor: int) -> OrderFacts:
        return OrderFacts(
            self.currency, amount_minor, self.country, self.kind, self.card_brand, self.card_bin
        )


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A routing decision as it was stored.

    `first_chances`: by candidate, how likely it was to come first. `entries`: the tier list it
    was drawn from; None when that version is not known any more. `eligible` could have taken the
    order, whether or not the policy of that time named them.
    """

    first_chances: tuple[tuple[str, float], ...]
    eligible: frozenset[str]
    preferred: str | None
    entries: tuple[PolicyEntry, ...] | None


class LoggedOrder(NamedTuple):
    """The first submission of an order. Equal shapes, decisions and paths are shared objects.

    `latencies_ms`: one for each attempt of the path, -1 where none was measured.
    """

    at: datetime
    shape: OrderShape
    amount_minor: int
    decision: LoggedDecision
    path: Path
    latencies_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReplayedFigure:
    """`was` and `would_be` in the unit of the figure; `change` is the 95 % interval of their
    difference.
    """

    was: float
    would_be: float
    change: Interval

    @property
    def difference(self) -> float:
        return self.would_be - self.was

    @property
    def is_clear(self) -> bool:
        """Whether the difference is more than chance: its interval excludes zero."""
        return 0.0 not in self.change


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the estimate of the first provider stands on, as shares of the orders summing to 1.

    `by_chance`: the log had a chance of its own for that provider, so weighting is unbiased.
    `by_model`: the provider was seen elsewhere in that currency. `none`: hardly ever.
    """

    by_chance: float
    by_model: float
    none: float


@dataclass(frozen=True, slots=True)
class ReplayedOrders:
    """The figures over `orders` of one currency, or of all.

    Rates are shares of the orders, 0..1. `conversion`: paid at the first press. `extra_attempts`:
    attempts after the first, per order. `time_to_result_ms`: the 95th percentile. `fees_minor`:
    all fees, at today's prices, in minor units; None over several currencies and where a fee is
    not known. `firsts`: by provider, the share of orders that it was and would be tried first for.
    """

    orders: int
    first_approval: ReplayedFigure
    conversion: ReplayedFigure
    extra_attempts: ReplayedFigure
    time_to_result_ms: ReplayedFigure
    fees_minor: ReplayedFigure | None
    evidence: Evidence
    firsts: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PolicyReplay:
    """`total` None: there were no finished orders. `selection`: how much the orders differ.

    `selection` is the standard deviation, in log-odds, of how readily orders are approved
    whoever asks; 0 would mean that a decline says nothing about the next provider's chances.
    `explored`: orders whose first provider was left to chance.
    """

    total: ReplayedOrders | None
    by_currency: Mapping[str, ReplayedOrders]
    explored: int
    selection: float
