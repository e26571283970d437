"""The points of days that are over, kept in the memory of this process.

A chart of a month consists of the same points as a minute ago, but for those of today; reading
them again from some thousand hours is most of what a dashboard costs. A day's points are a
function of its hours, and a day of the rollup names the hours it was added up from
(rollup_days.py). So what is kept under that name is what reading again would give, in whatever
process the hours are counted anew.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from payorch.application.attempt_counts import AttemptCounts, CellKey
from payorch.application.metrics_rollup import CountedCells, LatencyPercentiles
from payorch.application.metrics_window import floor_to_day

MOST_DAYS_KEPT = 1_000
"""Of all filters together; one takes some 30 kB."""


class DaySeriesKey(NamedTuple):
    """`of_hours` is the name of the day's hours; what follows is how they are read."""

    day: datetime
    of_hours: bytes
    providers: frozenset[str]
    currency: str | None
    bucket: timedelta
    tells_currencies: bool


@dataclass(frozen=True, slots=True)
class DaySeries:
    """The parts of CountedCells.series and .series_latencies that lie in one day."""

    series: dict[CellKey, AttemptCounts] = field(default_factory=dict)
    latencies: dict[tuple[datetime, str], LatencyPercentiles] = field(default_factory=dict)


class SeriesOfDays:
    """Of the days that were read last. Safe to use from several threads."""

    def __init__(self, most: int = MOST_DAYS_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[DaySeriesKey, DaySeries] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, keys: Mapping[datetime, DaySeriesKey]) -> dict[datetime, DaySeries]:
        """Those of `keys` that are kept, by day."""
        found = {}
        with self._lock:
            for day, key in keys.items():
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[day] = self._kept[key]
        return found

    def keep(self, read: Mapping[DaySeriesKey, DaySeries]) -> None:
        with self._lock:
            self._kept.update(read)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def days_of(
    counted: CountedCells, keys: Mapping[datetime, DaySeriesKey]
) -> dict[DaySeriesKey, DaySeries]:
    """The points of the days in `keys`, each of which `counted` has whole."""
    days = {day: DaySeries() for day in keys}
    for key, counts in counted.series.items():
        if (day := days.get(floor_to_day(key.at))) is not None:
            day.series[key] = counts
    for (at, provider), latency in counted.series_latencies.items():
        if (day := days.get(floor_to_day(at))) is not None:
            day.latencies[at, provider] = latency
    return {keys[day]: series for day, series in days.items()}


def with_days(counted: CountedCells, days: Iterable[DaySeries]) -> CountedCells:
    """`counted`, which has no points of these days, with them."""
    series, latencies = dict(counted.series), dict(counted.series_latencies)
    for day in days:
        series |= day.series
        latencies |= day.latencies
    return replace(counted, series=series, series_latencies=latencies)
