"""Exact counts of a window at any moment: the rollup, and the attempts themselves after it."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import CompoundSelect, Connection, select

from payorch.application.attempt_counts import (
    AttemptCounts,
    Cell,
    CellKey,
    count_attempts,
    merge_counts,
)
from payorch.application.metrics_rollup import (
    SHOWN_SHARES,
    WATERMARK_MARGIN,
    CountedCells,
    RollupState,
)
from payorch.application.metrics_window import DAY, MetricsWindow
from payorch.application.rollup_spans import spans_of
from payorch.domain.segment import Segment
from payorch.infrastructure.persistence.attempt_facts import (
    attempt_facts,
    matching,
    minute_started,
    minutes_changed,
    started_within,
)
from payorch.infrastructure.persistence.kept_series import (
    KeptSeries,
    SeriesKey,
    parts_of,
    with_parts,
)
from payorch.infrastructure.persistence.latency_blobs import merged, packed, percentiles_of
from payorch.infrastructure.persistence.rolled_counts import RolledCounts, RollupFilters
from payorch.infrastructure.persistence.rolled_stretches import (
    KnownParts,
    floor_to_part,
    length_of_parts,
    rolled_stretches,
)
from payorch.infrastructure.persistence.rollup_days import days_within
from payorch.infrastructure.persistence.rollup_rows import hours_within
from payorch.infrastructure.persistence.segment_reads import segment_cells
from payorch.infrastructure.persistence.tables import (
    RollupStateRow,
    TransactionRow,
)

ROLLUP_NAME = "provider_minutes"
SEGMENTS_NAME = "segment_hours"

MAX_NAMED_MINUTES = 500
"""More than these are left out by asking for them once more in each statement."""


def rollup_state(connection: Connection, name: str = ROLLUP_NAME) -> RollupState | None:
    row = connection.execute(
        select(RollupStateRow.watermark, RollupStateRow.ran_at).where(RollupStateRow.name == name)
    ).one_or_none()
    return None if row is None else RollupState(watermark=row.watermark, ran_at=row.ran_at)


def minutes_after_watermark(
    connection: Connection, state: RollupState | None, start: datetime, end: datetime
) -> list[datetime]:
    """Minutes of [start, end) that the rollup may not hold as they are now, sorted.

    Without a state nothing is rolled up yet, so these are all minutes with transactions.
    """
    if state is None:
        within = started_within(start, end)
        every = select(minute_started(connection)).where(within).distinct()
        return sorted(connection.scalars(every))
    # Not only those within: few have changed, and a database that looks for both at once may
    # well go through all attempts of the window.
    since = state.watermark - WATERMARK_MARGIN
    changed = connection.scalars(minutes_changed(connection, since=since))
    return sorted(minute for minute in changed if start <= minute < end)


class SeriesCut(NamedTuple):
    """How the window is cut into its buckets."""

    tells_currencies: bool

    def key(self, at: datetime, key: CellKey) -> CellKey:
        currency = key.currency if self.tells_currencies else ""
        return CellKey(at, key.provider_code, key.kind, currency)


def counted_cells(
    connection: Connection,
    window: MetricsWindow,
    filters: RollupFilters,
    cut: SeriesCut | None,
    kept: KeptSeries,
) -> CountedCells:
    """`connection` must show one instant to all statements.

    Otherwise a minute that is rolled up between two of them is counted twice or never.
    """
    state = rollup_state(connection)
    changed = minutes_after_watermark(connection, state, window.start, window.end)
    sums = _CellSums(window, cut)
    for start, end in spans_of(changed):
        within = started_within(start, end)
        facts = attempt_facts(connection, within, *matching(TransactionRow, *filters))
        sums.add_minutes(count_attempts(facts))
    if state is None:
        return sums.counted(state, minutes_read_directly=len(changed))
    added_up = days_within(connection, window.start, window.end)
    left_out = _left_out(connection, window, state, changed)
    stretches = rolled_stretches(window, changed, added_up, by_bucket=False)
    whole = RolledCounts(connection, window, stretches, left_out, filters, by_bucket=False)
    sums.add_whole(whole)
    if cut is None:
        sums.add_latencies(whole.latencies_of_minutes())
        return sums.counted(state, minutes_read_directly=len(changed))
    length, keys = _parts(connection, window, added_up, filters, cut)
    known = kept.known(keys)
    of_series = rolled_stretches(
        window, changed, added_up, by_bucket=True, known=KnownParts(known, length)
    )
    buckets = RolledCounts(connection, window, of_series, left_out, filters, by_bucket=True)
    sums.add_buckets(whole, buckets, cut)
    minutes = buckets.latencies_of_minutes()
    sums.add_series_latencies(minutes)
    # Most often they are the same minutes, which take long to read.
    is_same = of_series.minutes == stretches.minutes
    sums.add_latencies(minutes if is_same else whole.latencies_of_minutes())
    read = sums.counted(state, minutes_read_directly=len(changed))
    passing = known.keys() | {floor_to_part(minute, length) for minute in changed}
    kept.keep(parts_of(read, [key for key in keys if key.start not in passing], length))
    return with_parts(read, [known[start] for start in of_series.left_out])


def _left_out(
    connection: Connection, window: MetricsWindow, state: RollupState, changed: list[datetime]
) -> list[datetime] | CompoundSelect[datetime]:
    """The changed minutes, or how to find them where they are too many to be named."""
    if len(changed) <= MAX_NAMED_MINUTES:
        return changed
    within = started_within(window.start, window.end)
    return minutes_changed(connection, within, since=state.watermark - WATERMARK_MARGIN)


def _parts(
    connection: Connection,
    window: MetricsWindow,
    added_up: Mapping[datetime, bytes],
    filters: RollupFilters,
    cut: SeriesCut,
) -> tuple[timedelta, list[SeriesKey]]:
    """The parts of the window whose points may be kept, and their length."""
    length = length_of_parts(window.bucket)
    if length is None:
        return DAY, []
    named = added_up if length == DAY else hours_within(connection, window.start, window.end)
    how = (*filters, window.bucket, cut.tells_currencies)
    return length, [SeriesKey(start, of_rows, *how) for start, of_rows in named.items()]


def counted_segment(
    connection: Connection,
    window: MetricsWindow,
    segment: Segment,
    filters: RollupFilters,
    cut: SeriesCut | None,
) -> CountedCells:
    cells = segment_cells(
        connection, window, segment, providers=filters.providers, currency=filters.currency
    )
    sums = _CellSums(window, cut)
    sums.add_counts(cells)
    return sums.counted(rollup_state(connection, SEGMENTS_NAME), minutes_read_directly=0)


class _CellSums:
    """Adds up cells of minutes, of buckets and of the whole window."""

    def __init__(self, window: MetricsWindow, cut: SeriesCut | None) -> None:
        self._window = window
        self._cut = cut
        self._counts: dict[CellKey, list[AttemptCounts]] = defaultdict(list)
        self._series: dict[CellKey, list[AttemptCounts]] = defaultdict(list)
        self._latencies: dict[str, list[bytes]] = defaultdict(list)
        self._series_latencies: dict[tuple[datetime, str], list[bytes]] = defaultdict(list)
        self._declines: dict[str, Counter[str]] = defaultdict(Counter)

    def add_minutes(self, cells: Mapping[CellKey, Cell]) -> None:
        self.add_counts({key: cell.counts for key, cell in cells.items()})
        for key, cell in cells.items():
            latency = packed(cell.latency.bins)
            self._latencies[key.provider_code].append(latency)
            if self._cut is not None:
                at = self._window.bucket_of(key.at)
                self._series_latencies[at, key.provider_code].append(latency)
                self._declines[key.provider_code].update(cell.declines)

    def add_counts(self, counts: Mapping[CellKey, AttemptCounts]) -> None:
        """Of minutes or hours, each of which lies in one bucket."""
        for key, one in counts.items():
            self._counts[key._replace(at=self._window.start)].append(one)
            if self._cut is not None:
                at = self._window.bucket_of(key.at)
                self._series[self._cut.key(at, key)].append(one)

    def add_whole(self, rolled: RolledCounts) -> None:
        for key, one in rolled.counts().items():
            self._counts[key].append(one)
        for (_, provider), blobs in rolled.latencies_of_longer_parts().items():
            self._latencies[provider] += blobs

    def add_latencies(self, blobs: Mapping[tuple[datetime, str], bytes]) -> None:
        for (_, provider), blob in blobs.items():
            self._latencies[provider].append(blob)

    def add_buckets(self, whole: RolledCounts, buckets: RolledCounts, cut: SeriesCut) -> None:
        for key, one in buckets.series(tells_currencies=cut.tells_currencies).items():
            self._series[key].append(one)
        for place, blobs in buckets.latencies_of_longer_parts().items():
            self._series_latencies[place] += blobs
        for provider, reasons in whole.declines().items():
            self._declines[provider].update(reasons)

    def add_series_latencies(self, blobs: Mapping[tuple[datetime, str], bytes]) -> None:
        for place, blob in blobs.items():
            self._series_latencies[place].append(blob)

    def counted(self, state: RollupState | None, *, minutes_read_directly: int) -> CountedCells:
        return CountedCells(
            counts={key: merge_counts(parts) for key, parts in self._counts.items()},
            latencies={provider: merged(blobs) for provider, blobs in self._latencies.items()},
            state=state,
            minutes_read_directly=minutes_read_directly,
            series={key: merge_counts(parts) for key, parts in self._series.items()},
            series_latencies=percentiles_of(self._series_latencies, SHOWN_SHARES),
            declines={
                provider: dict(reasons) for provider, reasons in self._declines.items() if reasons
            },
        )
