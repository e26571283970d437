"""Traffic of which the truth is known: how every order would have gone at every provider.

Orders differ in a readiness that no log shows, so a provider which only ever sees what another one
has declined looks worse than it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from payorch.domain.payment_method import MethodKind
from payorch.domain.policy_replay import LoggedDecision, LoggedOrder, OrderShape, Step
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.tier_list import PolicyEntry, first_place_propensities

MOST = 3
PROVIDERS = ("alpha", "beta", "gamma")
START = datetime(2026, 3, 2, tzinfo=UTC)
WINDOW = timedelta(days=7)

SHAPES = tuple(
    OrderShape("EUR", country, MethodKind.CARD, brand, None)
    for country in ("DE", "FR", "ES")
    for brand in ("visa", "mastercard")
)


def normal_readiness(rng: np.random.Generator, n: int, spread: float) -> np.ndarray:
    return rng.normal(0.0, spread, n)


def two_kinds_of_people(rng: np.random.Generator, n: int, spread: float) -> np.ndarray:
    """Not what the model supposes: a fifth of the orders hardly ever goes through."""
    return np.where(rng.random(n) < 0.2, -2.0 * spread, 0.5 * spread)


@dataclass(frozen=True)
class World:
    """Log-odds of approval are the provider's, the segment's, both together's, and readiness."""

    provider: Mapping[str, float] = field(
        default_factory=lambda: {"alpha": 2.0, "beta": 2.4, "gamma": 1.6}
    )
    segment: Sequence[float] = (0.3, 0.1, -0.2, 0.2, -0.3, -0.1)
    peculiar_spread: float = 0.2
    spread: float = 1.5
    readiness: Callable[[np.random.Generator, int, float], np.ndarray] = normal_readiness
    technical: Mapping[str, float] = field(
        default_factory=lambda: {"alpha": 0.06, "beta": 0.03, "gamma": 0.02}
    )
    unsent: float = 0.8
    goes_on: float = 0.75
    drift: Callable[[str, np.ndarray], np.ndarray] = lambda _code, at: 0.0 * at
    """Added log-odds of a provider, by the share of the window that has passed."""

    def log_odds(self, code: str, segment: np.ndarray, at: np.ndarray) -> np.ndarray:
        number = PROVIDERS.index(code)
        own = np.random.default_rng(77).normal(0, self.peculiar_spread, (3, len(SHAPES)))
        return (
            self.provider[code]
            + np.asarray(self.segment)[segment]
            + own[number, segment]
            + self.drift(code, at)
        )


@dataclass(frozen=True)
class Orders:
    """What is drawn before anybody routes: kind, time, readiness, amount."""

    segment: np.ndarray
    at: np.ndarray
    readiness: np.ndarray
    amount: np.ndarray


def draw_orders(world: World, n: int, rng: np.random.Generator) -> Orders:
    shares = np.array([0.3, 0.15, 0.2, 0.1, 0.15, 0.1])
    return Orders(
        rng.choice(len(SHAPES), n, p=shares),
        rng.random(n),
        world.readiness(rng, n, world.spread),
        rng.integers(500, 20_000, n),
    )


def orderings(policy: RoutingPolicy) -> list[tuple[tuple[str, ...], float]]:
    """All orders of trying of the default list, with their chances."""
    found: list[tuple[tuple[str, ...], float]] = []

    def follow(tried: tuple[str, ...], chance: float) -> None:
        left = [e for e in policy.entries if e.provider_code not in tried]
        if not left or len(tried) == MOST:
            found.append((tried, chance))
            return
        share = policy.exploration_share if not tried else 0.0
        for code, part in first_place_propensities(left, share).items():
            if part > 0:
                follow((*tried, code), chance * part)

    follow((), 1.0)
    return found


def log_of(
    world: World, policy: RoutingPolicy, n: int, rng: np.random.Generator
) -> list[LoggedOrder]:
    """Orders routed by `policy`, as payorch would have logged them."""
    orders = draw_orders(world, n, rng)
    ways = orderings(policy)
    drawn = rng.choice(len(ways), n, p=[chance for _, chance in ways])
    chances = {code: _step_chances(world, code, orders) for code in PROVIDERS}
    dice = {code: rng.random(n) for code in PROVIDERS}
    steps = {code: _drawn_steps(chances[code], dice[code]) for code in PROVIDERS}
    latencies = {code: rng.gamma(4.0, 80.0, n).astype(int) for code in PROVIDERS}
    decisions = {
        way: LoggedDecision(
            tuple(first_place_propensities(policy.entries, policy.exploration_share).items()),
            frozenset(PROVIDERS),
            None,
            policy.entries,
        )
        for way, _ in ways
    }
    logged = []
    for i in range(n):
        way = ways[drawn[i]][0]
        path, times = [], []
        for code in way:
            step = Step(int(steps[code][i]))
            path.append((code, step))
            times.append(int(latencies[code][i]))
            if not step.goes_on:
                break
        logged.append(
            LoggedOrder(
                START + float(orders.at[i]) * WINDOW,
                SHAPES[orders.segment[i]],
                int(orders.amount[i]),
                decisions[way],
                tuple(path),
                tuple(times),
            )
        )
    return logged


def truth_of(world: World, policy: RoutingPolicy, n: int = 400_000) -> dict[str, float]:
    """Expected first approvals, conversion and attempts per order, whatever was logged."""
    orders = draw_orders(world, n, np.random.default_rng(5))
    total = {"first": 0.0, "conversion": 0.0, "attempts": 0.0}
    chances = {code: _step_chances(world, code, orders) for code in PROVIDERS}
    for way, chance in orderings(policy):
        reached = np.full(n, chance)
        for place, code in enumerate(way):
            approved = chances[code][Step.APPROVED]
            total["attempts"] += reached.mean()
            total["conversion"] += (reached * approved).mean()
            if place == 0:
                total["first"] += (reached * approved).mean()
            reached = reached * (chances[code][Step.FALLS_BACK] + chances[code][Step.NOT_SENT])
    return total


def naive_change(logged: Sequence[LoggedOrder], code: str, instead_of: str) -> float:
    """What bare approval rates of all attempts would promise for putting `code` first."""

    def rate(wanted: str) -> float:
        steps = [step for order in logged for who, step in order.path if who == wanted]
        return sum(step is Step.APPROVED for step in steps) / max(len(steps), 1)

    return rate(code) - rate(instead_of)


def ordered(*codes: str, exploration: float = 0.0) -> RoutingPolicy:
    return RoutingPolicy(
        1, tuple(PolicyEntry(code, tier) for tier, code in enumerate(codes, 1)), exploration
    )


def weighted(**weights: int) -> RoutingPolicy:
    """One tier; who has no weight stands in a second one."""
    return RoutingPolicy(
        1,
        tuple(
            PolicyEntry(code, 1, weights[code]) if code in weights else PolicyEntry(code, 2)
            for code in PROVIDERS
        ),
    )


def _step_chances(world: World, code: str, orders: Orders) -> dict[Step, np.ndarray]:
    odds = world.log_odds(code, orders.segment, orders.at) + orders.readiness
    yes = 1 / (1 + np.exp(-odds))
    technical = world.technical[code]
    decided = 1 - technical
    return {
        Step.APPROVED: decided * yes,
        Step.FALLS_BACK: decided * (1 - yes) * world.goes_on,
        Step.REFUSED: decided * (1 - yes) * (1 - world.goes_on),
        Step.NOT_SENT: np.full_like(yes, technical * world.unsent),
        Step.LOST: np.full_like(yes, technical * (1 - world.unsent)),
    }


def _drawn_steps(chances: Mapping[Step, np.ndarray], dice: np.ndarray) -> np.ndarray:
    borders = np.cumsum(np.stack([chances[step] for step in Step]), axis=0)
    return np.minimum((dice > borders).sum(axis=0), len(Step) - 1)
