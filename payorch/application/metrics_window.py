"""The stretch of time a chart shows, and the buckets it is cut into.

Windows start and end on the minute, because the rollup counts by the minute an attempt started
in: so every number equals SQL with `started_at >= start AND started_at < end`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from payorch.domain.errors import PayorchError

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AUTOMATIC = timedelta(0)
MAX_WINDOW = timedelta(days=400)
MAX_BUCKETS = 170
"""A line of more points than this is no more readable on a screen, only slower."""

_BUCKETS_MIN = (1, 5, 15, 60, 180, 360, 1440, 7 * 1440)
BUCKET_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, so that buckets of a week start on Mondays, and those of a day at midnight UTC."""


class InvalidWindow(PayorchError):
    """The window ends before it starts, or is longer than `MAX_WINDOW`."""

    code = "invalid_window"


def floor_to_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def floor_to_hour(moment: datetime) -> datetime:
    """Hours of UTC; `moment` is in UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)


def floor_to_day(moment: datetime) -> datetime:
    """Days of UTC; `moment` is in UTC."""
    return floor_to_hour(moment).replace(hour=0)


def ceil_to_day(moment: datetime) -> datetime:
    day = floor_to_day(moment)
    return day if day == moment else day + DAY


@dataclass(frozen=True, slots=True)
class MetricsWindow:
    """[start, end), aware UTC, both on the minute. Raises InvalidWindow.

    Without a given `bucket` it is the smallest one that makes at most MAX_BUCKETS of them.
    """

    start: datetime
    end: datetime
    bucket: timedelta = AUTOMATIC

    def __post_init__(self) -> None:
        if any(moment != floor_to_minute(moment) for moment in (self.start, self.end)):
            raise InvalidWindow("A window starts and ends on the minute.")
        if self.end <= self.start:
            raise InvalidWindow("The window must end after it starts.")
        if self.length > MAX_WINDOW:
            raise InvalidWindow(f"A window is at most {MAX_WINDOW.days} days long.")
        if self.bucket == AUTOMATIC:
            object.__setattr__(self, "bucket", _bucket_for(self.length))

    @classmethod
    def until(
        cls, now: datetime, length: timedelta, bucket: timedelta = AUTOMATIC
    ) -> "MetricsWindow":
        """The last `length` up to and including the minute of `now`."""
        end = floor_to_minute(now) + MINUTE
        return cls(end - length, end, bucket)

    def in_whole_hours(self) -> "MetricsWindow":
        """The hours that it touches, in buckets of at least one."""
        start, end = floor_to_hour(self.start), floor_to_hour(self.end)
        if end < self.end:
            end += HOUR
        automatic = MetricsWindow(start, end)
        return replace(automatic, bucket=max(HOUR, automatic.bucket))

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def previous(self) -> "MetricsWindow":
        """The window of the same length right before this one."""
        return MetricsWindow(self.start - self.length, self.start, self.bucket)

    def bucket_of(self, moment: datetime) -> datetime:
        """Start of the bucket that `moment` falls into.

        Buckets start at round times; the first one is cut off by the window's start.
        """
        return max(self.start, self._round_down(moment))

    def buckets(self) -> Iterator[datetime]:
        """The start of every bucket, in order."""
        at = self.start
        while at < self.end:
            yield at
            at = self._round_down(at) + self.bucket

    def bucket_end(self, bucket_start: datetime) -> datetime:
        """Where the bucket ends: at the next round time, or with the window."""
        return min(self.end, self._round_down(bucket_start) + self.bucket)

    def _round_down(self, moment: datetime) -> datetime:
        return moment - (moment - BUCKET_EPOCH) % self.bucket


def _bucket_for(length: timedelta) -> timedelta:
    # The longest bucket is enough for MAX_WINDOW, so one is always found.
    sizes = (minutes * MINUTE for minutes in _BUCKETS_MIN)
    return next(size for size in sizes if length <= size * MAX_BUCKETS)
