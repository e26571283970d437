"""What changed when a policy came into force: the same figures before and after, side by side.

Two windows of the same length meet at the publication. Neither reaches into the time of a third
policy. It is no experiment: whatever else changed at that time is in the difference, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from payorch.application.configuration import PublishedPolicy
from payorch.application.metrics_window import MINUTE, MetricsWindow, floor_to_minute
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.provider_figures import ComparedRate

MOST = timedelta(days=7)
"""Whole weeks compare weekdays with weekdays; more than one mixes in last month's news."""


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """`length` is that of each of the two windows, to the minute."""

    length: timedelta
    first_approval: ComparedRate
    order_conversion: ComparedRate


def effects_of(
    published: Sequence[PublishedPolicy], metrics: PaymentMetricsService, *, until: datetime
) -> dict[int, PolicyEffect]:
    """By version. `published` is newest first without gaps, and `until` ends the newest one's time.

    A version without another one before it in `published`, or without a whole minute on either
    side, has none.
    """
    effects = {}
    end = until
    for policy, earlier in pairwise(published):
        windows = _windows(earlier.published_at, policy.published_at, end)
        if windows is not None:
            before, after = windows
            approval, conversion = metrics.before_and_after(before, after)
            effects[policy.version] = PolicyEffect(after.length, approval, conversion)
        end = policy.published_at
    return effects


def _windows(
    earlier: datetime, changed_at: datetime, end: datetime
) -> tuple[MetricsWindow, MetricsWindow] | None:
    """The minute of the change belongs to neither: orders of both policies are in it."""
    ends, starts = floor_to_minute(changed_at), floor_to_minute(changed_at) + MINUTE
    length = min(ends - (floor_to_minute(earlier) + MINUTE), floor_to_minute(end) - starts, MOST)
    if length < MINUTE:
        return None
    return MetricsWindow(ends - length, ends), MetricsWindow(starts, starts + length)
