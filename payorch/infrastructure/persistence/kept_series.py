"""Points of a chart that are over, kept in the memory of this process.

A chart consists of the same points as a minute ago, but for the newest; reading them again from
some thousand rows is most of what a dashboard costs. What a day's points are follows from its
hours, and what an hour's points are from its minutes; and days and hours of the rollup name the
rows they were added up from (rollup_names.py). So what is kept under that name is what reading
again would give, whatever process has counted the rows.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from payorch.application.attempt_counts import AttemptCounts, CellKey
from payorch.application.metrics_rollup import CountedCells, LatencyPercentiles
from payorch.infrastructure.persistence.rolled_stretches import floor_to_part

MOST_POINTS_KEPT = 100_000
"""Of all filters together, some 40 MB. A month of five providers has about 2,000."""


class SeriesKey(NamedTuple):
    """`of_rows` is the name of the rows of the part at `start`; what follows is how they are
    read.
    """

    start: datetime
    of_rows: bytes
    providers: frozenset[str]
    currency: str | None
    bucket: timedelta
    tells_currencies: bool


@dataclass(frozen=True, slots=True)
class PartSeries:
    """What CountedCells.series and .series_latencies have of one part."""

    series: dict[CellKey, AttemptCounts] = field(default_factory=dict)
    latencies: dict[tuple[datetime, str], LatencyPercentiles] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """At least one, so that parts without any are not kept without end."""
        return 1 + len(self.series) + len(self.latencies)


class KeptSeries:
    """Of the parts that were read last. Safe to use from several threads."""

    def __init__(self, most_points: int = MOST_POINTS_KEPT) -> None:
        self._most_points = most_points
        self._points = 0
        self._kept: OrderedDict[SeriesKey, PartSeries] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, keys: Iterable[SeriesKey]) -> dict[datetime, PartSeries]:
        """Those of `keys` that are kept, by their start."""
        found = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key.start] = self._kept[key]
        return found

    def keep(self, read: Mapping[SeriesKey, PartSeries]) -> None:
        with self._lock:
            for key, part in read.items():
                if (former := self._kept.pop(key, None)) is not None:
                    self._points -= former.points
                self._kept[key] = part
                self._points += part.points
            while self._points > self._most_points:
                _, oldest = self._kept.popitem(last=False)
                self._points -= oldest.points


def parts_of(
    counted: CountedCells, keys: Iterable[SeriesKey], length: timedelta
) -> dict[SeriesKey, PartSeries]:
    """The points of the parts in `keys`, each of which is so long and in `counted` as a whole."""
    parts = {key: PartSeries() for key in keys}
    by_start = {key.start: part for key, part in parts.items()}
    for cell, counts in counted.series.items():
        if (part := by_start.get(floor_to_part(cell.at, length))) is not None:
            part.series[cell] = counts
    for (at, provider), latency in counted.series_latencies.items():
        if (part := by_start.get(floor_to_part(at, length))) is not None:
            part.latencies[at, provider] = latency
    return parts


def with_parts(counted: CountedCells, parts: Iterable[PartSeries]) -> CountedCells:
    """`counted`, which has no points of these parts, with them."""
    series, latencies = dict(counted.series), dict(counted.series_latencies)
    for part in parts:
        series |= part.series
        latencies |= part.latencies
    return replace(counted, series=series, series_latencies=latencies)
