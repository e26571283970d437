"""Trials with a known truth: orders come and settle day by day, and each day somebody looks.

The policies' conversions may drift together; an order that is not paid settles a day later, as it
expires, so that the counts of a day never hold the same orders in all four places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sin

import numpy as np

from payorch.domain.trial_evidence import ArmCounts, TrialCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`conversion` of the control by day; the candidate's is `difference` above it."""

    name: str
    share: float
    orders_per_day: int
    conversion: Callable[[int], float]
    difference: float = 0.0
    days: int = 60


def steady(_day: int) -> float:
    return 0.82


def drifting(day: int) -> float:
    """Down by 15 points over 60 days, with a week's rhythm and a bad weekend."""
    bad_weekend = 0.2 if day in {20, 21} else 0.0
    return 0.88 - 0.15 * day / 60 + 0.04 * sin(2 * pi * day / 7) - bad_weekend


def play(world: World, seed: int) -> list[TrialCounts]:
    """What was counted at each daily look of one trial."""
    random = np.random.default_rng(seed)
    # Rows: control, candidate. Columns: paid, unpaid.
    settled = np.zeros((2, 2), dtype=np.int64)
    expiring = np.zeros(2, dtype=np.int64)
    looks = []
    for day in range(world.days):
        orders = random.poisson(world.orders_per_day)
        candidate = random.binomial(orders, world.share)
        entered = np.array([orders - candidate, candidate])
        rate = world.conversion(day)
        paid = random.binomial(entered, [rate, rate + world.difference])
        settled[:, 0] += paid
        settled[:, 1] += expiring
        expiring = entered - paid
        arms = [ArmCounts(paid=int(settled[arm, 0]), unpaid=int(settled[arm, 1])) for arm in (0, 1)]
        looks.append(TrialCounts(*arms))
    return looks
