"""When a rate changed: the one moment that explains a line of counts best.

A hint for people, not a proof: it says "since 14:20", so that they look at what happened then.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log

from payorch.domain.attempt_stats import Tally

MIN_LIKELIHOOD_RATIO = 8.0
"""Log likelihood that two rates explain the line rather than one. The best of some dozens of
moments is looked for, so more is asked than for one that was named beforehand (Wilks 1938: 1.92;
Worsley 1983, "The power of likelihood ratio and cumulative sum tests for a change in a binomial
probability", gives 5 to 7 for lines of up to 100 points).
"""

MIN_SIDE = 10
"""Attempts that each side has at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBucket:
    at: datetime
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """The rate was that of `before` until `at`, and that of `after` since."""

    at: datetime
    before: Tally
    after: Tally


def change_point(buckets: Sequence[RateBucket]) -> ChangePoint | None:
    """The moment that splits `buckets` (in order of time) best; None without a clear one."""
    total = _sum(bucket.tally for bucket in buckets)
    best: tuple[float, ChangePoint] | None = None
    before = Tally()
    for bucket, following in itertools.pairwise(buckets):
        before = before.merged(bucket.tally)
        after = Tally(
            approved=total.approved - before.approved, finished=total.finished - before.finished
        )
        if min(before.finished, after.finished) < MIN_SIDE or not following.tally.finished:
            continue
        ratio = _log_likelihood(before) + _log_likelihood(after) - _log_likelihood(total)
        if best is None or ratio > best[0]:
            best = (ratio, ChangePoint(at=following.at, before=before, after=after))
    if best is None or best[0] < MIN_LIKELIHOOD_RATIO:
        return None
    return best[1]


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total = total.merged(tally)
    return total


def _log_likelihood(tally: Tally) -> float:
    """Of the binomial counts at their own rate."""
    approved, declined = tally.approved, tally.finished - tally.approved
    return sum(part * log(part / tally.finished) for part in (approved, declined) if part)
