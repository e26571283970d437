"""Which part of a window is read from hours of the rollup, and which from its minutes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.application.metrics_window import HOUR, MetricsWindow, floor_to_hour

MAX_STALE_HOURS = 200
"""With more than these the minutes are read: each may become a condition of its own."""

Stretch = tuple[datetime, datetime]
"""[start, end), aware UTC."""


@dataclass(frozen=True, slots=True)
class RolledStretches:
    """Together they cover the window once. `stale_hours` are not read as hours."""

    hours: Stretch | None
    stale_hours: tuple[datetime, ...]
    minutes: tuple[Stretch, ...]


def rolled_stretches(
    window: MetricsWindow, changed_minutes: Sequence[datetime], *, by_bucket: bool
) -> RolledStretches:
    """`changed_minutes` (sorted) are counted elsewhere, so that their hours would count twice."""
    first, last = _next_hour(window.start), floor_to_hour(window.end)
    # Buckets that start on the hour do so in UTC, as the rollup's hours do.
    fits = not by_bucket or window.bucket % HOUR == timedelta(0)
    stale = sorted({floor_to_hour(minute) for minute in changed_minutes})
    if not fits or first >= last or len(stale) > MAX_STALE_HOURS:
        return RolledStretches(None, (), ((window.start, window.end),))
    stale = [hour for hour in stale if first <= hour < last]
    apart = [(window.start, first), *((hour, hour + HOUR) for hour in stale), (last, window.end)]
    return RolledStretches((first, last), tuple(stale), tuple(_joined(apart)))


def _next_hour(moment: datetime) -> datetime:
    start = floor_to_hour(moment)
    return start if start == moment else start + HOUR


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
