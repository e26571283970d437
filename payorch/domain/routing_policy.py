"""The routing policy: the versioned document that says in which order providers are tried.

Tiers are tried in order; inside a tier, weights split the traffic. A policy is immutable;
publishing makes a new version. Choosing is pure: randomness comes in as numbers in [0, 1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from payorch.domain.errors import InvalidRoutingPolicy

MAX_WEIGHT = 1000


class ChosenBecause(StrEnum):
    CUSTOMER_CHOICE = "customer_choice"
    POLICY_ORDER = "policy_order"
    WEIGHT = "weight_in_tier"
    EXPLORATION = "exploration"
    BEST_OF_BAD = "all_circuits_open"


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """A provider's place: tier 1 is tried first; weights count among its tier only."""

    provider_code: str
    tier: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Ranked:
    """A provider in the order of trying, with the reason and the probability of being first.

    `propensity` is the probability with which this provider was put first among the eligible
    ones by chance (weights and exploration); 1.0 or 0.0 where chance played no part.
    """

    provider_code: str
    because: ChosenBecause
    propensity: float


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    version: int
    entries: tuple[PolicyEntry, ...]
    exploration_share: float = 0.0

    def __post_init__(self) -> None:
        codes = [entry.provider_code for entry in self.entries]
        if len(set(codes)) != len(codes):
            raise InvalidRoutingPolicy("A provider stands twice in the policy.")
        for entry in self.entries:
            if entry.tier < 1 or not 0 <= entry.weight <= MAX_WEIGHT:
                raise InvalidRoutingPolicy(
                    f"{entry.provider_code}: a tier is at least 1, a weight 0 to {MAX_WEIGHT}."
                )
        if not 0.0 <= self.exploration_share <= 1.0:
            raise InvalidRoutingPolicy("The exploration share lies between 0 and 1.")

    def place_of(self, provider_code: str) -> PolicyEntry | None:
        for entry in self.entries:
            if entry.provider_code == provider_code:
                return entry
        return None

    def rank(
        self,
        eligible: Sequence[str],
        *,
        preferred: str | None,
        random: Callable[[], float],
    ) -> list[Ranked]:
        """All `eligible` providers of this policy in the order in which to try them.

        The customer's own choice comes first; then, for the explored share of orders, one
        picked evenly at random; then tiers, weights deciding inside each.
        """
        entries = [entry for entry in self.entries if entry.provider_code in set(eligible)]
        propensities = self._first_place_propensities(entries)
        ordered = self._by_tier_and_weight(entries, random)
        chosen_because: dict[str, ChosenBecause] = {}
        if preferred in propensities:
            ordered = _moved_to_front(ordered, preferred)
            chosen_because[preferred] = ChosenBecause.CUSTOMER_CHOICE
            propensities = {code: float(code == preferred) for code in propensities}
        elif ordered and self.exploration_share and random() < self.exploration_share:
            explored = ordered[min(int(random() * len(ordered)), len(ordered) - 1)]
            ordered = _moved_to_front(ordered, explored)
            chosen_because[explored] = ChosenBecause.EXPLORATION
        shared_tiers = _tiers_with_several(entries)
        tier_of = {entry.provider_code: entry.tier for entry in entries}
        return [
            Ranked(
                code,
                chosen_because.get(
                    code,
                    ChosenBecause.WEIGHT
                    if tier_of[code] in shared_tiers
                    else ChosenBecause.POLICY_ORDER,
                ),
                propensities[code],
            )
            for code in ordered
        ]

    def _first_place_propensities(self, entries: Sequence[PolicyEntry]) -> dict[str, float]:
        if not entries:
            return {}
        first_tier = min(entry.tier for entry in entries)
        in_first = [entry for entry in entries if entry.tier == first_tier]
        total = sum(entry.weight for entry in in_first)
        even = self.exploration_share / len(entries)
        result = {}
        for entry in entries:
            by_weight = 0.0
            if entry.tier == first_tier:
                by_weight = entry.weight / total if total else float(entry is in_first[0])
            result[entry.provider_code] = (1 - self.exploration_share) * by_weight + even
        return result

    def _by_tier_and_weight(
        self, entries: Sequence[PolicyEntry], random: Callable[[], float]
    ) -> list[str]:
        ordered: list[str] = []
        for tier in sorted({entry.tier for entry in entries}):
            ordered += _weighted_order([e for e in entries if e.tier == tier], random)
        return ordered


def _weighted_order(entries: list[PolicyEntry], random: Callable[[], float]) -> list[str]:
    """Draw without replacement in proportion to the weights; weight 0 comes last, as listed."""
    remaining = list(entries)
    ordered: list[str] = []
    while remaining:
        total = sum(entry.weight for entry in remaining)
        picked = remaining[0]
        if total and len(remaining) > 1:
            mark = random() * total
            for entry in remaining:
                mark -= entry.weight
                if mark < 0:
                    picked = entry
                    break
        remaining.remove(picked)
        ordered.append(picked.provider_code)
    return ordered


def _moved_to_front(codes: list[str], code: str) -> list[str]:
    return [code, *(other for other in codes if other != code)]


def _tiers_with_several(entries: Sequence[PolicyEntry]) -> frozenset[int]:
    tiers = [entry.tier for entry in entries]
    return frozenset(tier for tier in tiers if tiers.count(tier) > 1)
