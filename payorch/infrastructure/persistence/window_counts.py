"""Exact counts of a window at any moment: the rollup, and the attempts themselves after it."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from payorch.application.attempt_counts import (
    AttemptCounts,
    Cell,
    CellKey,
    count_attempts,
    merge_counts,
)
from payorch.application.metrics_rollup import (
    WATERMARK_MARGIN,
    CountedCells,
    RollupState,
    spans_of,
)
from payorch.application.metrics_window import MetricsWindow
from payorch.domain.latency_histogram import LatencyHistogram, merge_histograms
from payorch.infrastructure.persistence.attempt_facts import (
    attempt_facts,
    matching,
    minute_started,
    minutes_changed,
    started_within,
)
from payorch.infrastructure.persistence.rolled_counts import RolledCounts, RollupFilters
from payorch.infrastructure.persistence.rolled_stretches import rolled_stretches
from payorch.infrastructure.persistence.tables import (
    RollupStateRow,
    TransactionRow,
)

ROLLUP_NAME = "provider_minutes"
SEGMENTS_NAME = "segment_hours"


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
    within = started_within(start, end)
    if state is None:
        every = select(minute_started(connection)).where(within).distinct()
        return sorted(connection.scalars(every))
    since = state.watermark - WATERMARK_MARGIN
    return sorted(connection.scalars(minutes_changed(connection, within, since=since)))


def counted_cells(
    connection: Connection,
    window: MetricsWindow,
    *,
    providers: frozenset[str],
    currency: str | None,
    by_bucket: bool,
) -> CountedCells:
    """`connection` must show one instant to all statements.

    Otherwise a minute that is rolled up between two of them is counted twice or never.
    """
    state = rollup_state(connection)
    changed = minutes_after_watermark(connection, state, window.start, window.end)
    sums = _CellSums(window, by_bucket=by_bucket)
    for start, end in spans_of(changed):
        facts = attempt_facts(
            connection,
            started_within(start, end),
            *matching(TransactionRow, providers, currency),
        )
        sums.add_minutes(count_attempts(facts))
    if state is not None:
        rolled, as_a_whole = (
            RolledCounts(
                connection,
                window,
                rolled_stretches(window, changed, by_bucket=is_cut),
                minutes_changed(
                    connection,
                    started_within(window.start, window.end),
                    since=state.watermark - WATERMARK_MARGIN,
                ),
                RollupFilters(providers, currency),
                by_bucket=is_cut,
            )
            for is_cut in (by_bucket, False)
        )
        sums.add(rolled.counts(), rolled.latencies())
        if by_bucket:
            sums.add_declines(as_a_whole.declines())
    return CountedCells(
        counts=sums.counts(),
        latencies=sums.latencies(),
        declines=sums.declines(),
        state=state,
        minutes_read_directly=len(changed),
    )


class _CellSums:
    """Adds up cells of minutes and of buckets, as buckets of the window."""

    def __init__(self, window: MetricsWindow, *, by_bucket: bool) -> None:
        self._window = window
        self._by_bucket = by_bucket
        self._counts: dict[CellKey, list[AttemptCounts]] = defaultdict(list)
        self._latencies: dict[tuple[datetime, str], list[LatencyHistogram]] = defaultdict(list)
        self._declines: dict[str, Counter[str]] = defaultdict(Counter)

    def add_minutes(self, cells: Mapping[CellKey, Cell]) -> None:
        for key, cell in cells.items():
            at = self._window.bucket_of(key.at) if self._by_bucket else self._window.start
            self._counts[key._replace(at=at)].append(cell.counts)
            self._latencies[at, key.provider_code].append(cell.latency)
            self._declines[key.provider_code].update(cell.declines)

    def add(
        self,
        counts: Mapping[CellKey, AttemptCounts],
        latencies: Mapping[tuple[datetime, str], LatencyHistogram],
    ) -> None:
        for key, one in counts.items():
            self._counts[key].append(one)
        for place, histogram in latencies.items():
            self._latencies[place].append(histogram)

    def add_declines(self, declines: Mapping[str, Mapping[str, int]]) -> None:
        for provider, reasons in declines.items():
            self._declines[provider].update(reasons)

    def counts(self) -> dict[CellKey, AttemptCounts]:
        return {key: merge_counts(parts) for key, parts in self._counts.items()}

    def declines(self) -> dict[str, dict[str, int]]:
        return {provider: dict(reasons) for provider, reasons in self._declines.items() if reasons}

    def latencies(self) -> dict[tuple[datetime, str], LatencyHistogram]:
        return {place: merge_histograms(parts) for place, parts in self._latencies.items()}
