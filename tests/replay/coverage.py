"""How often the 95 % intervals hold the truth, and whether the estimates are off on average.

`python -m tests.replay --runs 400` prints the table that docs/proofs.md shows.
"""

from dataclasses import dataclass, field

import numpy as np

from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.replay.replayer import Replayer
from payorch.infrastructure.replay.traffic import traffic_of
from tests.replay.world import (
    MOST,
    World,
    log_of,
    naive_change,
    ordered,
    truth_of,
    two_kinds_of_people,
    weighted,
)

FIGURES = ("first", "conversion", "attempts")


def apart_in_time(code: str, at: np.ndarray) -> np.ndarray:
    """Alpha gets worse during the window while beta gets better."""
    return {"alpha": -0.8, "beta": 0.8}.get(code, 0.0) * (at - 0.5)


def together_in_time(_code: str, at: np.ndarray) -> np.ndarray:
    """All issuers get stricter, whoever asks."""
    return -1.2 * (at - 0.5)


@dataclass(frozen=True)
class Scenario:
    """A world, how its orders were routed, and the draft that puts beta first."""

    name: str
    world: World
    logged: RoutingPolicy
    draft: RoutingPolicy = field(default_factory=lambda: ordered("beta", "alpha", "gamma"))
    orders: int = 10_000


BY_WEIGHT = weighted(alpha=70, beta=30)
EXPLORED = ordered("alpha", "beta", "gamma", exploration=0.2)
FIXED = ordered("alpha", "beta", "gamma")

SCENARIOS = (
    Scenario("weights", World(), BY_WEIGHT),
    Scenario("exploration", World(), EXPLORED),
    Scenario("fixed order: beta sees only what alpha lost", World(), FIXED),
    Scenario("fixed order, issuers get stricter", World(drift=together_in_time), FIXED),
    Scenario("weights, providers drift apart", World(drift=apart_in_time), BY_WEIGHT),
    Scenario(
        "exploration, not the model's kind of world",
        World(readiness=two_kinds_of_people),
        EXPLORED,
    ),
    Scenario("weights, nothing to choose", World(), BY_WEIGHT, weighted(alpha=20, beta=80)),
)


@dataclass(frozen=True)
class Coverage:
    """By figure: the share of intervals that hold the truth, and the mean error in its standard
    errors. `naive` and `truth` are changes of the first approval rate.
    """

    runs: int
    covered: dict[str, float]
    bias_in_errors: dict[str, float]
    truth: float
    estimate: float
    half_width: float
    naive: float


def coverage_of(scenario: Scenario, runs: int, *, seed: int = 0) -> Coverage:
    before, after = (
        truth_of(scenario.world, policy) for policy in (scenario.logged, scenario.draft)
    )
    truth = {name: after[name] - before[name] for name in FIGURES}
    hits = dict.fromkeys(FIGURES, 0)
    errors: dict[str, list[float]] = {name: [] for name in FIGURES}
    naive, widths = [], []
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        logged = log_of(scenario.world, scenario.logged, scenario.orders, rng)
        replayer = Replayer(traffic_of(logged), most=MOST)
        total = replayer.replay(scenario.draft, shares={}, fees={}).total
        assert total is not None
        figures = {
            "first": total.first_approval,
            "conversion": total.conversion,
            "attempts": total.extra_attempts,
        }
        for name, figure in figures.items():
            hits[name] += truth[name] in figure.change
            errors[name].append(figure.difference - truth[name])
        naive.append(naive_change(logged, "beta", "alpha"))
        widths.append((figures["first"].change.high - figures["first"].change.low) / 2)
    return Coverage(
        runs,
        {name: hits[name] / runs for name in FIGURES},
        {name: _in_errors(values) for name, values in errors.items()},
        truth["first"],
        truth["first"] + float(np.mean(errors["first"])),
        float(np.mean(widths)),
        float(np.mean(naive)),
    )


def _in_errors(values: list[float]) -> float:
    return float(np.mean(values) / (np.std(values, ddof=1) / np.sqrt(len(values))))
