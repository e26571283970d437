"""A tier list: providers in tiers, weights inside each tier, and how an order of trying is drawn.

Choosing is pure: randomness comes in as numbers in [0, 1). The probability with which a provider
comes first is computed beside the draw and never estimated, because replays divide by it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from payorch.domain.errors import InvalidRoutingPolicy

MAX_WEIGHT = 1000


class ChosenBecause(StrEnum):
    CUSTOMER_CHOICE = "customer_choice"
    POLICY_ORDER = "policy_order"
    WEIGHT = "weight_in_tier"
    EXPLORATION = "exploration"
    ADAPTIVE = "adaptive"
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
    ones by chance (weights, exploration, adaptive shares); 1.0 or 0.0 where chance played no part.
    """

    provider_code: str
    because: ChosenBecause
    propensity: float


def check_entries(entries: Iterable[PolicyEntry], where: str) -> None:
    """Raises InvalidRoutingPolicy for a provider named twice, a tier or a weight off limits."""
    seen: set[str] = set()
    for entry in entries:
        if entry.provider_code in seen:
            raise InvalidRoutingPolicy(f"{entry.provider_code} stands twice in {where}.")
        seen.add(entry.provider_code)
        if entry.tier < 1 or not 0 <= entry.weight <= MAX_WEIGHT:
            raise InvalidRoutingPolicy(
                f"{entry.provider_code} in {where}: "
                f"a tier is at least 1, a weight 0 to {MAX_WEIGHT}."
            )


def followed_by(
    entries: Sequence[PolicyEntry], others: Sequence[PolicyEntry]
) -> tuple[PolicyEntry, ...]:
    """`entries`, and after their last tier those of `others` that they do not name."""
    named = {entry.provider_code for entry in entries}
    last = max((entry.tier for entry in entries), default=0)
    return (
        *entries,
        *(replace(e, tier=last + e.tier) for e in others if e.provider_code not in named),
    )


def draw_order(
    entries: Sequence[PolicyEntry],
    eligible: Collection[str],
    *,
    preferred: str | None,
    exploration_share: float,
    random: Callable[[], float],
    first_shares: Mapping[str, float] | None = None,
) -> list[Ranked]:
    """The `eligible` providers of the list in the order in which to try them.

    The customer's own choice comes first; then, for the explored share of orders, one picked
    evenly at random; then, with `first_shares`, one drawn by these; then tiers, weights deciding
    inside each.
    """
    taking_part = [entry for entry in entries if entry.provider_code in eligible]
    by_share = shares_among(taking_part, first_shares)
    propensities = first_place_propensities(taking_part, exploration_share, first_shares)
    ordered = _by_tier_and_weight(taking_part, random)
    moved_because: dict[str, ChosenBecause] = {}
    if preferred in propensities:
        ordered = _moved_to_front(ordered, preferred)
        moved_because[preferred] = ChosenBecause.CUSTOMER_CHOICE
        propensities = {code: float(code == preferred) for code in propensities}
    elif ordered and exploration_share and random() < exploration_share:
        explored = ordered[min(int(random() * len(ordered)), len(ordered) - 1)]
        ordered = _moved_to_front(ordered, explored)
        moved_because[explored] = ChosenBecause.EXPLORATION
    elif by_share:
        drawn = _drawn(by_share, random())
        ordered = _moved_to_front(ordered, drawn)
        moved_because[drawn] = ChosenBecause.ADAPTIVE
    usual = _usual_reasons(taking_part)
    return [
        Ranked(code, moved_because.get(code, usual[code]), propensities[code]) for code in ordered
    ]


def shares_among(
    entries: Sequence[PolicyEntry], first_shares: Mapping[str, float] | None
) -> dict[str, float]:
    """The shares of these providers, summing to 1; none when they do not tell between them."""
    if not first_shares:
        return {}
    shares = {entry.provider_code: first_shares.get(entry.provider_code, 0.0) for entry in entries}
    total = sum(shares.values())
    return {code: share / total for code, share in shares.items()} if total > 0 else {}


def first_place_propensities(
    entries: Sequence[PolicyEntry],
    exploration_share: float,
    first_shares: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The probability of each to be drawn first: by exploration, and else by `first_shares` or
    the weights. Their sum is 1.
    """
    if not entries:
        return {}
    by_share = shares_among(entries, first_shares)
    first_tier = min(entry.tier for entry in entries)
    in_first = [entry for entry in entries if entry.tier == first_tier]
    total = sum(entry.weight for entry in in_first)
    even = exploration_share / len(entries)
    result = {}
    for entry in entries:
        by_weight = 0.0
        if by_share:
            by_weight = by_share[entry.provider_code]
        elif entry.tier == first_tier:
            by_weight = entry.weight / total if total else float(entry is in_first[0])
        result[entry.provider_code] = (1 - exploration_share) * by_weight + even
    return result


def _by_tier_and_weight(entries: Sequence[PolicyEntry], random: Callable[[], float]) -> list[str]:
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


def _drawn(shares: Mapping[str, float], mark: float) -> str:
    """The provider on whose stretch of 0..1 the mark lies."""
    for code, share in shares.items():
        mark -= share
        if mark < 0:
            return code
    # Rounding may leave a crumb above the last stretch.
    return next(code for code in reversed(list(shares)) if shares[code] > 0)


def _moved_to_front(codes: list[str], code: str) -> list[str]:
    return [code, *(other for other in codes if other != code)]


def _usual_reasons(entries: Sequence[PolicyEntry]) -> dict[str, ChosenBecause]:
    """The weight where a tier is shared, else the order of the policy."""
    tiers = [entry.tier for entry in entries]
    return {
        entry.provider_code: ChosenBecause.WEIGHT
        if tiers.count(entry.tier) > 1
        else ChosenBecause.POLICY_ORDER
        for entry in entries
    }
