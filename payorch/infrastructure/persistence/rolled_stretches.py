"""Which parts of a window are read from days of the rollup, from hours and from minutes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from payorch.application.metrics_window import DAY, HOUR, MetricsWindow, floor_to_day, floor_to_hour

MAX_STALE_HOURS = 200
"""With more than these the minutes are read: each may become a condition of its own."""

Stretch = tuple[datetime, datetime]
"""[start, end), aware UTC."""


@dataclass(frozen=True, slots=True)
class RolledStretches:
    """Together they cover the window once. `stale_hours` are not read as hours, and the parts
    that start at `left_out` not at all.
    """

    days: tuple[Stretch, ...]
    hours: tuple[Stretch, ...]
    stale_hours: tuple[datetime, ...]
    minutes: tuple[Stretch, ...]
    left_out: tuple[datetime, ...]


class KnownParts(NamedTuple):
    """Days or hours, as `length_of_parts` has them, wholly in the window, whose points need no
    reading unless they have changed.
    """

    starts: Collection[datetime] = ()
    length: timedelta = DAY


NOTHING_KNOWN = KnownParts()


def rolled_stretches(
    window: MetricsWindow,
    changed_minutes: Sequence[datetime],
    added_up: Collection[datetime],
    *,
    by_bucket: bool,
    known: KnownParts = NOTHING_KNOWN,
) -> RolledStretches:
    """`changed_minutes` (sorted) are counted elsewhere, so that their hours would count twice.

    `added_up` are days (sorted) that may be read as such, all of them within the window.
    """
    first, last = _next_hour(window.start), floor_to_hour(window.end)
    stale = sorted({floor_to_hour(minute) for minute in changed_minutes})
    changed_parts = {floor_to_part(hour, known.length) for hour in stale}
    left_out = sorted(start for start in known.starts if start not in changed_parts)
    apart = [(start, start + known.length) for start in left_out]
    if (
        not _fits(window, HOUR, by_bucket=by_bucket)
        or first >= last
        or len(stale) > MAX_STALE_HOURS
    ):
        minutes = _between(apart, window.start, window.end)
        return RolledStretches((), (), (), tuple(minutes), tuple(left_out))
    stale = [hour for hour in stale if first <= hour < last]
    days: list[Stretch] = []
    if _fits(window, DAY, by_bucket=by_bucket):
        changed_days = {floor_to_day(hour) for hour in stale}
        unread = [day for day in added_up if day not in changed_days and day not in known.starts]
        days = [(day, day + DAY) for day in unread]
    edges = [(window.start, first), *((hour, hour + HOUR) for hour in stale), (last, window.end)]
    return RolledStretches(
        days=tuple(_joined(days)),
        hours=tuple(_between(sorted([*days, *apart]), first, last)),
        stale_hours=tuple(stale),
        minutes=tuple(_joined(edges)),
        left_out=tuple(left_out),
    )


def length_of_parts(bucket: timedelta) -> timedelta | None:
    """Days or hours, whichever hold whole buckets and consist of rows that lie in one each."""
    if bucket % HOUR == timedelta(0):
        return DAY if DAY % bucket == timedelta(0) else None
    return HOUR if HOUR % bucket == timedelta(0) else None


def floor_to_part(moment: datetime, length: timedelta) -> datetime:
    return floor_to_day(moment) if length == DAY else floor_to_hour(moment)


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
