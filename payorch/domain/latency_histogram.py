"""Latencies of many attempts in few numbers: mergeable, and percentiles true to 1 %.

Bins grow by a constant factor, so the *relative* error is bounded (the mapping of DDSketch).
Percentiles must never be averaged: merge the histograms and ask the result.
Source: Masson, Rim & Lee 2019, "DDSketch", section 2.1.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import accumulate
from math import ceil, log
from types import MappingProxyType

from payorch.domain.attempt_stats import EmptySample
from payorch.domain.errors import PayorchError

# Largest relative error of a percentile. Part of the stored form: another value would make every
# stored histogram mean something else, so it never changes without a migration of the rollups.
ALPHA = 0.01
_GAMMA = (1 + ALPHA) / (1 - ALPHA)
_LOG_GAMMA = log(_GAMMA)
# 1 ms falls into bin 0, so an answer within the same millisecond gets the bin below it.
_ZERO_BIN = -1


class InvalidHistogram(PayorchError):
    """A stored histogram cannot be read; rebuild the rollup from the transactions."""

    code = "invalid_histogram"


def bin_of(latency_ms: int) -> int:
    """The bin that counts a latency. Raises ValueError for a negative one."""
    if latency_ms < 0:
        raise ValueError(f"a latency cannot be {latency_ms} ms")
    return ceil(log(latency_ms) / _LOG_GAMMA) if latency_ms else _ZERO_BIN


def nearest_rank(n: int, share: float) -> int:
    """Position (1..n) of the percentile `share` (0..1) among n sorted values.

    Raises EmptySample for n = 0 and ValueError for a share outside 0..1.
    Source: Hyndman & Fan 1996, definition 1 (inverse of the empirical CDF).
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share must be within 0..1, not {share}")
    if n < 1:
        raise EmptySample("a percentile needs at least one attempt")
    # The decimal that was meant, exactly: as floats, 0.07 * 100 is more than 7.
    return max(1, ceil(exact_share(share) * n))


@cache
def exact_share(share: float) -> Fraction:
    return Fraction(str(share))


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """Counts by bin; empty bins are absent. Two with the same attempts are equal."""

    bins: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bins and (min(self.bins.values()) < 1 or min(self.bins) < _ZERO_BIN):
            raise InvalidHistogram("bins start at -1 and hold at least one attempt each")
        object.__setattr__(self, "bins", MappingProxyType(dict(sorted(self.bins.items()))))

    @classmethod
    def of(cls, latencies_ms: Iterable[int]) -> "LatencyHistogram":
        return cls(Counter(bin_of(latency_ms) for latency_ms in latencies_ms))

    @property
    def n(self) -> int:
        return sum(self.bins.values())

    def merged(self, other: "LatencyHistogram") -> "LatencyHistogram":
        return merge_histograms((self, other))

    def percentile(self, share: float) -> float:
        """Latency that `share` (0..1) of the attempts did not exceed, in ms, within 1 %.

        Raises EmptySample for no attempts.
        """
        return self.percentiles((share,))[0]

    def percentiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """Several at once; see `percentile`."""
        numbers, reached = tuple(self.bins), tuple(accumulate(self.bins.values()))
        n = reached[-1] if reached else 0
        return tuple(
            middle_of(numbers[bisect_left(reached, nearest_rank(n, share))]) for share in shares
        )

    def to_json(self) -> str:
        bins = {str(number): count for number, count in self.bins.items()}
        return json.dumps({"alpha": ALPHA, "bins": bins}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "LatencyHistogram":
        """Raises InvalidHistogram when the text is none of `to_json`, or has another alpha."""
        try:
            stored = json.loads(text)
            if stored["alpha"] != ALPHA:
                raise InvalidHistogram(f"alpha is {stored['alpha']!r}, expected {ALPHA}")
            bins = {int(number): _count(count) for number, count in stored["bins"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidHistogram(f"not a latency histogram: {error!r}") from error
        return cls(bins)


def merge_histograms(histograms: Iterable[LatencyHistogram]) -> LatencyHistogram:
    """All attempts of all histograms; the order does not matter."""
    every = list(histograms)
    if len(every) == 1:
        return every[0]
    total: Counter[int] = Counter()
    for histogram in every:
        total.update(histogram.bins)
    return LatencyHistogram(total)


@cache
def middle_of(number: int) -> float:
    """The value whose relative distance to both ends of the bin is the same, ALPHA."""
    return 0.0 if number == _ZERO_BIN else 2 * _GAMMA**number / (_GAMMA + 1)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"a count must be a whole number, not {value!r}")
    return value
