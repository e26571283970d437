"""Adaptive routing: shares of first attempts that follow what providers approve, on a leash.

A discounted Thompson sampler in batches. Each provider's approval rate has a Beta posterior over
its discounted first attempts; its target share is the probability that its rate is the highest.
That probability is integrated, not sampled, so that the share which draws an order is known
exactly and can be logged as its propensity. Guard rails then decide how far and how fast the
shares may move towards the target.

Sources: Thompson 1933; Chapelle & Li 2011 (batches and delay); Garivier & Moulines 2011
(discounting where rates drift).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log, prod, sqrt

from payorch.domain.attempt_stats import Tally
from payorch.domain.errors import InvalidRoutingPolicy

Shares = Mapping[str, float]
"""By provider code; they sum to 1."""

_POINTS = 512
_REACH_SD = 8.0

OUTAGE_SAMPLE = 10
"""Fewer finished attempts say nothing about an outage."""

OUTAGE_CHANCE = 1e-6
"""How unlikely the latest attempts must be at the usual rate. It is asked every minute, of each
provider and currency: at a thousandth of that a week would not pass without a false alarm."""

_USUAL_LOW_SD = 3.0


class AdaptiveMode(StrEnum):
    """SHADOW works the shares out and shows them; only ON routes orders by them."""

    OFF = "off"
    SHADOW = "shadow"
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveSettings:
    """The guard rails.

    `floor` is the least share of each provider, `max_shift_per_h` the most that any provider's
    share may change within an hour, both of 0..1. A provider with fewer than `min_sample`
    discounted first attempts keeps the share it has. Evidence counts half after `half_life_h`.
    """

    mode: AdaptiveMode = AdaptiveMode.OFF
    floor: float = 0.03
    max_shift_per_h: float = 0.25
    min_sample: int = 100
    half_life_h: int = 12

    def __post_init__(self) -> None:
        if not 0.005 <= self.floor <= 0.2:
            raise InvalidRoutingPolicy("The floor of adaptive routing lies between 0.5 and 20 %.")
        if not 0.01 <= self.max_shift_per_h <= 1.0:
            raise InvalidRoutingPolicy("Adaptive routing shifts 1 to 100 % an hour at most.")
        if not 50 <= self.min_sample <= 100_000:
            raise InvalidRoutingPolicy("The minimum sample lies between 50 and 100,000 attempts.")
        if not 1 <= self.half_life_h <= 14 * 24:
            raise InvalidRoutingPolicy("The half-life lies between 1 hour and 14 days.")


ADAPTIVE_OFF = AdaptiveSettings()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Discounted first attempts: how many count, and how many of them were approved."""

    approved: float = 0.0
    finished: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.approved <= self.finished + 1e-9:
            raise ValueError(f"approved {self.approved} must be within 0..{self.finished}")

    @property
    def mean(self) -> float:
        """Of the posterior, from an even prior."""
        return (1 + self.approved) / (2 + self.finished)

    @property
    def deviation(self) -> float:
        return sqrt(self.mean * (1 - self.mean) / (3 + self.finished))


NO_EVIDENCE = Evidence()


def discounted(counts: Sequence[tuple[float, Tally]], *, half_life_h: float) -> Evidence:
    """`counts` by their age in hours."""
    approved = finished = 0.0
    for age_h, tally in counts:
        weight = 0.5 ** (max(age_h, 0.0) / half_life_h)
        approved += weight * tally.approved
        finished += weight * tally.finished
    return Evidence(min(approved, finished), finished)


def chances_of_best(evidence: Mapping[str, Evidence]) -> dict[str, float]:
    """The probability of each to have the highest approval rate; their sum is 1."""
    if len(evidence) < 2:
        return dict.fromkeys(evidence, 1.0)
    low = max(0.0, min(e.mean - _REACH_SD * e.deviation for e in evidence.values()))
    high = min(1.0, max(e.mean + _REACH_SD * e.deviation for e in evidence.values()))
    rates = [low + (point + 0.5) * (high - low) / _POINTS for point in range(_POINTS)]
    densities = {code: _densities(e, rates) for code, e in evidence.items()}
    below = {code: _cumulated(values) for code, values in densities.items()}
    chances = {}
    for code, density in densities.items():
        others = [values for other, values in below.items() if other != code]
        chance = 0.0
        for point, mass in enumerate(density):
            if mass:
                chance += mass * prod(values[point] for values in others)
        chances[code] = chance
    total = sum(chances.values())
    return {code: chance / total for code, chance in chances.items()}


def next_shares(
    current: Shares,
    evidence: Mapping[str, Evidence],
    settings: AdaptiveSettings,
    *,
    hours: float,
    demoted: Collection[str] = (),
) -> dict[str, float]:
    """The shares after `hours` more, from the `current` ones of the same providers.

    Who is `demoted` has no more than the floor, at once and whatever the leash says; when all
    are, none is, as an order has to go somewhere.
    """
    floor = min(settings.floor, 1 / len(current))
    out = set(demoted) & current.keys()
    if len(out) == len(current):
        out = set()
    start = _without(_with_floor(current, floor), out, floor)
    target = _target(start, evidence, settings, floor, out)
    widest = max(abs(target[code] - share) for code, share in start.items())
    leash = settings.max_shift_per_h * max(hours, 0.0)
    pace = 1.0 if widest <= leash else leash / widest
    return {code: share + pace * (target[code] - share) for code, share in start.items()}


def is_in_outage(latest: Sequence[Tally], usual: Evidence, *, was: bool) -> bool:
    """Whether the latest attempts cannot be chance at the usual approval rate.

    `latest` are the provider's tallies of the last minutes, the shortest time first; the first
    one that says anything decides. When none does, it stays as it `was`: a demoted provider sees
    few orders, and silence is no recovery.
    """
    for tally in latest:
        if tally.finished >= OUTAGE_SAMPLE:
            usually_at_least = max(usual.mean - _USUAL_LOW_SD * usual.deviation, 0.0)
            return _chance_of_at_most(tally, usually_at_least) < OUTAGE_CHANCE
    return was


def _target(
    start: Shares,
    evidence: Mapping[str, Evidence],
    settings: AdaptiveSettings,
    floor: float,
    out: Collection[str],
) -> dict[str, float]:
    """Who is known shares what the others leave, by the chance to be the best of the known."""
    known = {
        code: evidence[code]
        for code in start
        if code not in out and code in evidence and evidence[code].finished >= settings.min_sample
    }
    if len(known) < 2:
        return dict(start)
    left = sum(start[code] for code in known) - floor * len(known)
    chances = chances_of_best(known)
    return {
        code: floor + left * chances[code] if code in known else share
        for code, share in start.items()
    }


def _with_floor(shares: Shares, floor: float) -> dict[str, float]:
    """Who lies below the floor is lifted to it, at the cost of what the others have above it."""
    total = sum(shares.values())
    above = {code: max(share / total - floor, 0.0) for code, share in shares.items()}
    room, wanted = 1 - floor * len(shares), sum(above.values())
    if wanted == 0:
        return dict.fromkeys(shares, 1 / len(shares))
    return {code: floor + room * extra / wanted for code, extra in above.items()}


def _without(shares: dict[str, float], out: Collection[str], floor: float) -> dict[str, float]:
    if not out:
        return shares
    rest = sum(share for code, share in shares.items() if code not in out)
    factor = (1 - floor * len(out)) / rest
    return {code: floor if code in out else share * factor for code, share in shares.items()}


def _densities(evidence: Evidence, rates: Sequence[float]) -> list[float]:
    """Of the Beta posterior at `rates`, scaled to sum up to 1."""
    a = evidence.approved
    b = evidence.finished - evidence.approved
    logs = [a * log(rate) + b * log(1 - rate) for rate in rates]
    top = max(logs)
    values = [exp(value - top) for value in logs]
    total = sum(values)
    return [value / total for value in values]


def _cumulated(values: Sequence[float]) -> list[float]:
    """The mass below the middle of each point."""
    result, below = [], 0.0
    for value in values:
        result.append(below + value / 2)
        below += value
    return result


def _chance_of_at_most(tally: Tally, rate: float) -> float:
    """The binomial probability of no more approvals than these."""
    if rate <= 0:
        return 1.0
    n = tally.finished
    total = 0.0
    for k in range(tally.approved + 1):
        choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        total += exp(choose + k * log(rate) + (n - k) * log(1 - rate))
    return min(total, 1.0)
