"""Rates with their uncertainty: every share payorch shows carries n and a 95 % interval.

Never compare two providers by their rates alone: `difference_interval` says whether the data
can tell them apart. First attempts and fallback attempts must never be put into one tally.
"""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist

from payorch.domain.errors import PayorchError

# The 95 % interval of a rate near one half is 34 percentage points wide at 30 attempts, and wider
# below: a chart of it invites conclusions that the next day refutes.
MIN_ATTEMPTS = 30

# Quantile of the standard normal distribution for a two-sided 95 % interval (1.959964).
_Z_95 = NormalDist().inv_cdf(0.975)


class EmptySample(PayorchError):
    """A number was asked of no attempts: the chart shows a gap, never a zero."""

    code = "empty_sample"


@dataclass(frozen=True, slots=True)
class Interval:
    """Closed range of plausible values."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of the finished attempts were approved."""

    approved: int = 0
    finished: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.approved <= self.finished:
            raise ValueError(f"approved {self.approved} must be within 0..{self.finished}")

    @property
    def rate(self) -> float:
        """Share of approved attempts, 0..1. Raises EmptySample for no attempts."""
        if self.finished == 0:
            raise EmptySample("a rate needs at least one finished attempt")
        return self.approved / self.finished

    def merged(self, other: "Tally") -> "Tally":
        return Tally(
            approved=self.approved + other.approved, finished=self.finished + other.finished
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEstimate:
    """A rate that may be shown, with the interval and the n that have to stand beside it."""

    rate: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnoughData:
    """Stands in for a rate below the minimum n; screens say so instead of showing a number."""

    n: int
    min_n: int


def wilson_interval(tally: Tally) -> Interval:
    """95 % score interval of the rate, within 0..1; it always contains the rate itself.

    Raises EmptySample for no attempts.
    Source: Wilson 1927; Brown, Cai & DasGupta 2001 recommend it for small and large n.
    """
    rate, n = tally.rate, tally.finished
    z_squared = _Z_95 * _Z_95
    center = (rate + z_squared / (2 * n)) / (1 + z_squared / n)
    half_width = _Z_95 * sqrt(rate * (1 - rate) / n + z_squared / (4 * n * n)) / (1 + z_squared / n)
    # Rounding may push a bound past the rate when it is 0 or 1, where they coincide exactly.
    return Interval(
        low=max(0.0, min(center - half_width, rate)), high=min(1.0, max(center + half_width, rate))
    )


def difference_interval(first: Tally, second: Tally) -> Interval:
    """95 % interval of rate(first) - rate(second), within -1..1.

    Raises EmptySample when either has no attempts.
    Source: Newcombe 1998, "Interval estimation for the difference between independent
    proportions", method 10 (hybrid score, without continuity correction).
    """
    one, two = wilson_interval(first), wilson_interval(second)
    difference = first.rate - second.rate
    return Interval(
        low=difference - hypot(first.rate - one.low, two.high - second.rate),
        high=difference + hypot(one.high - first.rate, second.rate - two.low),
    )


def estimate_rate(tally: Tally, *, min_n: int = MIN_ATTEMPTS) -> RateEstimate | NotEnoughData:
    """The rate with its interval, or NotEnoughData below `min_n` finished attempts."""
    if tally.finished < max(min_n, 1):
        return NotEnoughData(n=tally.finished, min_n=min_n)
    return RateEstimate(rate=tally.rate, interval=wilson_interval(tally), n=tally.finished)


def is_clearly_better(first: Tally, second: Tally, *, min_n: int = MIN_ATTEMPTS) -> bool:
    """Whether `first` may be named the winner: enough data, and a difference that excludes zero."""
    if min(first.finished, second.finished) < max(min_n, 1):
        return False
    return difference_interval(first, second).low > 0
