"""What the log can bear witness to: whom chance has put first, and who was seen at all."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from payorch.domain.policy_replay import Evidence
from payorch.infrastructure.replay.attempts import Attempts
from payorch.infrastructure.replay.plan import Plan
from payorch.infrastructure.replay.traffic import Rows, Traffic
from payorch.infrastructure.replay.weighing import Group, logged_chance

TRUSTED_FROM = 30
"""A provider that chance put first less often than this is judged by the model alone."""

SEEN_FROM = 50
"""Attempts in a currency below which a provider is as good as unknown there."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Witness:
    """`trusted`: providers that chance has put first often enough to be weighted by it.

    `explored`: the orders whose first provider chance decided. `seen`: attempts by provider and
    currency.
    """

    traffic: Traffic
    trusted: frozenset[str]
    explored: int
    seen: Counter[tuple[str, str]]

    @classmethod
    def of(cls, traffic: Traffic, rows: Rows, attempts: Attempts) -> "Witness":
        firsts = _left_to_chance(traffic, rows)
        trusted = frozenset(code for code, count in firsts.items() if count >= TRUSTED_FROM)
        return cls(traffic, trusted, firsts.total(), _seen(traffic, attempts))

    def evidence(self, plan: Plan, among: NDArray[np.bool_]) -> Evidence:
        by_chance = by_model = orders = 0.0
        for group in plan.groups:
            count = float(plan.n[group.rows[among[group.rows]]].sum())
            orders += count
            if not count:
                continue
            currency = self.traffic.segments[plan.cell_segment[group.cells[0]]][0]
            for code, chance in plan.treatments[group.treatment].first_chances:
                if self._has_chance(group, code):
                    by_chance += count * chance
                elif self.seen[(code, currency)] >= SEEN_FROM:
                    by_model += count * chance
        none = max(1 - (by_chance + by_model) / orders, 0.0)
        return Evidence(by_chance / orders, by_model / orders, none)

    def _has_chance(self, group: Group, code: str) -> bool:
        """Whether the log had a chance of its own for this provider to be first."""
        logged = dict(group.decision.first_chances)
        if code == group.path[0][0] and logged.get(code, 1.0) >= 1:
            return True
        unlogged = 1 - sum(logged.values()) > _ROUNDING
        return code in self.trusted and logged.get(code, float(unlogged)) > 0

    def firsts(self, plan: Plan, among: NDArray[np.bool_]) -> dict[str, tuple[float, float]]:
        """By provider: the share of the orders that it was first for, and would be."""
        was: dict[str, float] = {}
        will: dict[str, float] = {}
        orders = 0.0
        for group in plan.groups:
            count = float(plan.n[group.rows[among[group.rows]]].sum())
            orders += count
            first = group.path[0][0]
            was[first] = was.get(first, 0.0) + count
            for code, chance in plan.treatments[group.treatment].first_chances:
                will[code] = will.get(code, 0.0) + count * chance
        return {
            code: (was.get(code, 0.0) / orders, will.get(code, 0.0) / orders)
            for code in sorted({*was, *will})
        }


def _left_to_chance(traffic: Traffic, rows: Rows) -> Counter[str]:
    firsts: Counter[str] = Counter()
    pairs = np.unique(np.stack([rows.decision, rows.path]), axis=1, return_inverse=True)
    counts = np.bincount(pairs[1].ravel(), rows.n)
    for (decision, path), count in zip(pairs[0].T.tolist(), counts.tolist(), strict=True):
        code = traffic.paths[path][0][0]
        if logged_chance(traffic.decisions[decision], (), code) < 1:
            firsts[code] += round(count)
    return firsts


def _seen(traffic: Traffic, attempts: Attempts) -> Counter[tuple[str, str]]:
    seen: Counter[tuple[str, str]] = Counter()
    providers, segments = len(traffic.providers), len(traffic.segments)
    valid = attempts.step >= 0
    counts = np.bincount(
        (attempts.provider * segments + attempts.segment).ravel(),
        (attempts.n[:, None] * valid).ravel(),
        minlength=providers * segments,
    ).reshape(providers, segments)
    for number, code in enumerate(traffic.providers):
        for segment, key in enumerate(traffic.segments):
            seen[(code, key[0])] += round(float(counts[number, segment]))
    return seen
