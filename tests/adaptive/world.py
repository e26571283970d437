"""Traffic with known approval rates, minute by minute, and what a way of routing makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import pi, sin
from random import Random
from typing import Protocol

MINUTES_A_DAY = 1440
ORDERS_PER_MINUTE = 10

Rates = Callable[[int], Mapping[str, float]]
"""The true approval rates of a minute, by provider."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`outage` is the minute in which the leader stops approving, if it does."""

    name: str
    rates: Rates
    days: int = 5
    outage: int | None = None
    failing: str = "alpha"

    @property
    def minutes(self) -> int:
        return self.days * MINUTES_A_DAY


class Strategy(Protocol):
    """Says which share of a minute's first attempts goes to whom, and learns what came of it."""

    name: str

    def shares(self, minute: int) -> Mapping[str, float]: ...

    def learn(self, minute: int, provider: str, outcomes: Sequence[bool]) -> None: ...


@dataclass(slots=True)
class Score:
    """`regret`: approvals missed for each 1,000 orders, against always asking the best one.

    `wrong_leader`: share of the minutes in which another provider than the best led.
    `reaction_min`: minutes until the failing provider led no more; None if it always did.
    """

    regret: float
    wrong_leader: float
    reaction_min: int | None = None
    history: list[Mapping[str, float]] = field(default_factory=list)


def play(scenario: Scenario, strategy: Strategy, seed: int) -> Score:
    """The regret is counted in expected approvals, so that luck is not taken for skill."""
    dice = Random(seed)
    missed = 0.0
    wrong = orders = 0
    history = []
    for minute in range(scenario.minutes):
        shares = strategy.shares(minute)
        rates = scenario.rates(minute)
        best = max(rates, key=lambda code: rates[code])
        wrong += max(shares, key=lambda code: shares[code]) != best
        codes = list(shares)
        drawn = dice.choices(codes, [shares[code] for code in codes], k=ORDERS_PER_MINUTE)
        for code in codes:
            n = drawn.count(code)
            if n:
                missed += n * (rates[best] - rates[code])
                outcomes = [dice.random() < rates[code] for _ in range(n)]
                strategy.learn(minute, code, outcomes)
        orders += ORDERS_PER_MINUTE
        history.append(shares)
    return Score(
        1000 * missed / orders,
        wrong / scenario.minutes,
        _reaction(scenario, history),
        history,
    )


def _reaction(scenario: Scenario, history: Sequence[Mapping[str, float]]) -> int | None:
    if scenario.outage is None:
        return None
    for passed, shares in enumerate(history[scenario.outage :]):
        if max(shares, key=lambda code: shares[code]) != scenario.failing:
            return passed
    return None


def best_in_hindsight(scenario: Scenario) -> str:
    totals: dict[str, float] = {}
    for minute in range(scenario.minutes):
        for code, rate in scenario.rates(minute).items():
            totals[code] = totals.get(code, 0.0) + rate
    return max(totals, key=lambda code: totals[code])


def _steady(**rates: float) -> Rates:
    return lambda _minute: rates


def _drifting(minute: int) -> Mapping[str, float]:
    """Alpha and Beta change places twice in the five days; Gamma stays behind."""
    swing = 0.03 * sin(2 * pi * minute / (2.5 * MINUTES_A_DAY))
    return {"alpha": 0.88 - swing, "beta": 0.88 + swing, "gamma": 0.84}


OUTAGE_STARTS, OUTAGE_LASTS = 3 * MINUTES_A_DAY + 500, 180


def _with_outage(minute: int) -> Mapping[str, float]:
    is_out = OUTAGE_STARTS <= minute < OUTAGE_STARTS + OUTAGE_LASTS
    return {"alpha": 0.03 if is_out else 0.90, "beta": 0.87, "gamma": 0.84}


SCENARIOS = (
    Scenario("close", _steady(alpha=0.880, beta=0.895, gamma=0.870)),
    Scenario("apart", _steady(alpha=0.84, beta=0.90, gamma=0.80)),
    Scenario("as ordered", _steady(alpha=0.90, beta=0.87, gamma=0.84)),
    Scenario("drift", _drifting),
    Scenario("outage", _with_outage, outage=OUTAGE_STARTS),
)
