"""Which parts of a window are read from days of the rollup, from hours and from minutes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.application.metrics_window import DAY, HOUR, MetricsWindow, floor_to_day, floor_to_hour

MAX_STALE_HOURS = 200
"""With more than these the minutes are read: each may become a condition of its own."""

Stretch = tuple[datetime, datetime]
"""[start, end), aware UTC."""


@dataclass(frozen=True, slots=True)
class RolledStretches:
    """Together they cover the window once. `stale_hours` are not read as hours, and the days
    `left_out` not at all.
    """

    days: tuple[Stretch, ...]
    hours: tuple[Stretch, ...]
    stale_hours: tuple[datetime, ...]
    minutes: tuple[Stretch, ...]
    left_out: tuple[datetime, ...] = ()


def rolled_stretches(
    window: MetricsWindow,
    changed_minutes: Sequence[datetime],
    added_up: Collection[datetime],
    *,
    by_bucket: bool,
    known: Collection[datetime] = (),
) -> RolledStretches:
    """`changed_minutes` (sorted) are counted elsewhere, so that their hours would count twice.

    `added_up` are days (sorted) that may be read as such, all of them within the window. Those
    of them that are `known` from elsewhere are left out where their points allow it.
    """
    first, last = _next_hour(window.start), floor_to_hour(window.end)
    stale = sorted({floor_to_hour(minute) for minute in changed_minutes})
    if (
        not _fits(window, HOUR, by_bucket=by_bucket)
        or first >= last
        or len(stale) > MAX_STALE_HOURS
    ):
        return RolledStretches((), (), (), ((window.start, window.end),))
    stale = [hour for hour in stale if first <= hour < last]
    changed_days = {floor_to_day(hour) for hour in stale}
    unchanged = [day for day in added_up if day not in changed_days]
    left_out = [day for day in unchanged if day in known]
    days = unchanged if _fits(window, DAY, by_bucket=by_bucket) else left_out
    whole = [(day, day + DAY) for day in days]
    edges = [(window.start, first), *((hour, hour + HOUR) for hour in stale), (last, window.end)]
    return RolledStretches(
        days=tuple(_joined([(start, end) for start, end in whole if start not in known])),
        hours=tuple(_between(whole, first, last)),
        stale_hours=tuple(stale),
        minutes=tuple(_joined(edges)),
        left_out=tuple(left_out),
    )


def _fits(window: MetricsWindow, part: timedelta, *, by_bucket: bool) -> bool:
    """Buckets that start on the hour, or at midnight, do so in UTC, as the rollup's do."""
    return not by_bucket or window.bucket % part == timedelta(0)


def _next_hour(moment: datetime) -> datetime:
    start = floor_to_hour(moment)
    return start if start == moment else start + HOUR


def _between(taken: Sequence[Stretch], start: datetime, end: datetime) -> Iterator[Stretch]:
    """What the sorted stretches leave of [start, end)."""
    for next_start, next_end in taken:
        if start < next_start:
            yield start, next_start
        start = next_end
    if start < end:
        yield start, end


def _joined(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Sorted stretches without the empty ones, neighbors as one."""
    start: datetime | None = None
    end: datetime | None = None
    for next_start, next_end in stretches:
        if next_start == next_end:
            continue
        if start is not None and end is not None:
            if end == next_start:
                end = next_end
                continue
            yield start, end
        start, end = next_start, next_end
    if start is not None and end is not None:
        yield start, end
