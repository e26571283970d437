"""Keeps the rollup: recounts the minutes that changed, replaces their rows, and adds up hours.

A rollup is a cache of the transactions, never a source: it can be rebuilt at any time, and no
payment waits for it. Rows are replaced by a recount, never incremented, so a run may be
repeated, or happen in two processes, without counting anything twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from payorch.application.attempt_counts import AttemptCounts, CellKey
from payorch.application.metrics_window import HOUR, MINUTE, MetricsWindow, floor_to_hour
from payorch.application.ports import Clock
from payorch.application.rollup_spans import Span, spans_of
from payorch.application.segment_counts import SegmentTotal
from payorch.domain.latency_histogram import LatencyHistogram
from payorch.domain.segment import Segment

EVER = datetime.min.replace(tzinfo=UTC)

WATERMARK_MARGIN = timedelta(seconds=60)
"""A row's `changed_at` is set before its commit is visible, and by another host's clock: what
changed this long before the watermark is looked at again."""

SEGMENTS_EVERY_S = 60.0
SEGMENTS_PAUSE_FACTOR = 20.0
"""The rollup of segments waits this many times as long as it took: a twentieth of one core."""

DAYS_EVERY_S = 60.0
"""How often days whose hours have changed are added up anew. Until then their hours are read."""


@dataclass(frozen=True, slots=True)
class RollupState:
    """Everything that changed before `watermark` is in the rollup."""

    watermark: datetime
    ran_at: datetime


SHOWN_SHARES = (0.5, 0.95, 0.99)


class LatencyPercentiles(NamedTuple):
    """`values_ms` at SHOWN_SHARES of `n` attempts, at least one, as LatencyHistogram has them."""

    n: int
    values_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CountedCells:
    """What a window holds, exact at the moment of reading.

    `counts` and `latencies` (by provider) are of the whole window, at whose start the cells are.
    Where buckets are asked for, `series` is of each bucket, without place and predecessor,
    `series_latencies` of each by its start and the provider, and `declines` are the declined
    attempts of the whole window by provider and normalised reason.
    `minutes_read_directly` changed after the watermark and were counted from the transactions.
    """

    counts: Mapping[CellKey, AttemptCounts]
    latencies: Mapping[str, LatencyHistogram]
    state: RollupState | None
    minutes_read_directly: int
    series: Mapping[CellKey, AttemptCounts] = field(default_factory=dict)
    series_latencies: Mapping[tuple[datetime, str], LatencyPercentiles] = field(
        default_factory=dict
    )
    declines: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenUnknowns:
    attempts: int
    oldest_started_at: datetime | None


@dataclass(frozen=True, slots=True)
class RollupReport:
    """What a run did. `is_complete` is False when another process was at the rollup."""

    is_complete: bool
    minutes: int
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class RollupCheck:
    """The result of `verify`: minutes whose rollup is not what a recount gives."""

    differing: tuple[datetime, ...]


class ProviderMetricsRepository(Protocol):
    """The rollup's rows and the transactions they are counted from. One method, one transaction.

    `providers` empty and `currency` None mean all.
    """

    def rollup_state(self) -> RollupState | None: ...

    def changed_minutes(self, *, since: datetime) -> Sequence[datetime]:
        """Minutes whose counts changed at or after `since`, sorted.

        Those in which a transaction started that changed since, and those in which its order
        was tried first: that order may be paid now.
        """

    def next_span_with_data(self, *, after: datetime) -> Span | None:
        """Whole hours from the first at or after `after` that has transactions or rollup rows.

        Not more than a day, nor than the hours with MAX_SPAN_ATTEMPTS transactions, but at least
        one.
        """

    def replace(self, start: datetime, end: datetime) -> bool:
        """Recount [start, end) from the transactions and put the result in place of its rows.

        Of whole hours the segments, too. False, and nothing done, when another process is at the
        rollup.
        """

    def advance(self, state: RollupState) -> None:
        """Store how far the rollup has come; a watermark never goes back."""

    def days_to_add_up(self, *, since: datetime, until: datetime) -> Sequence[datetime]:
        """Days from that of `since` on that are over at `until` and have hours, but are not
        added up yet.
        """

    def add_up_day(self, day: datetime) -> bool:
        """False, and nothing done, when another process is at the rollup."""

    def segment_state(self) -> RollupState | None:
        """How far the rollup of segments has come, which runs less often."""

    def advance_segments(self, state: RollupState) -> None: ...

    def differing_minutes(self, start: datetime, end: datetime) -> Sequence[datetime]:
        """Minutes of [start, end) whose rows are not what a recount gives, and the starts of
        hours in it and of their days whose rows are not the sum of what they consist of.

        Minutes that changed after the watermark are left out: they are recounted anyway.
        """

    def counts(
        self,
        window: MetricsWindow,
        *,
        providers: frozenset[str],
        currency: str | None,
        segment: Segment | None = None,
        by_bucket: bool = True,
        tells_currencies: bool = False,
    ) -> CountedCells:
        """All attempts that started in the window, also `by_bucket`, which `tells_currencies`
        apart or has them together (as "").

        Rollup rows up to the watermark, and a recount instead of them for each minute that
        changed since. Of a segment, for which the window is whole hours, the rollup rows alone.
        """

    def segment_totals(
        self, window: MetricsWindow, *, providers: frozenset[str], currency: str | None
    ) -> Sequence[SegmentTotal]:
        """First attempts by segment and provider, of the hours that the window touches."""

    def open_unknowns(
        self,
        *,
        providers: frozenset[str],
        currency: str | None,
        segment: Segment | None = None,
    ) -> OpenUnknowns: ...


class MetricsRollup:
    """The runs: of what changed (every few seconds), of everything, and the check."""

    def __init__(self, repository: ProviderMetricsRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._segments_took_s = 0.0
        self._days_due_s = 0.0
        # Since when days may lack their rows. Ever: what ran before may have ended too early.
        self._days_since = EVER

    def run_once(self) -> RollupReport:
        """Recount the minutes that changed since the last run. The first run counts everything."""
        state = self._repository.rollup_state()
        if state is None:
            return self.rebuild()
        started_at = self._clock.now()
        changed = self._repository.changed_minutes(since=state.watermark - WATERMARK_MARGIN)
        for start, end in spans_of(changed):
            if not self._repository.replace(start, end):
                return RollupReport(is_complete=False, minutes=0, watermark=state.watermark)
        report = self._finished(started_at, minutes=len(changed))
        self._run_segments_if_due()
        self._add_up_days_if_due(changed)
        return report

    def _run_segments_if_due(self) -> None:
        """Hours are counted as a whole, so they take their time: not more than a part of it."""
        state = self._repository.segment_state()
        pause_s = max(SEGMENTS_EVERY_S, SEGMENTS_PAUSE_FACTOR * self._segments_took_s)
        now = self._clock.now()
        if state is not None and timedelta(0) <= now - state.ran_at < timedelta(seconds=pause_s):
            return
        began_s = self._clock.monotonic()
        if state is None:
            self.rebuild()
            return
        minutes = self._repository.changed_minutes(since=state.watermark - WATERMARK_MARGIN)
        # Whose days lose their rows once more.
        self._days_since = min([self._days_since, *minutes[:1]])
        for hour in sorted({floor_to_hour(minute) for minute in minutes}):
            if not self._repository.replace(hour, hour + HOUR):
                return
        self._repository.advance_segments(RollupState(now, ran_at=self._clock.now()))
        self._segments_took_s = self._clock.monotonic() - began_s

    def _add_up_days_if_due(self, changed: Sequence[datetime]) -> None:
        self._days_since = min([self._days_since, *changed[:1]])
        if self._clock.monotonic() >= self._days_due_s:
            self._add_up_days(self._days_since)

    def _add_up_days(self, since: datetime) -> None:
        self._days_due_s = self._clock.monotonic() + DAYS_EVERY_S
        self._days_since, now = since, self._clock.now()
        for day in self._repository.days_to_add_up(since=since, until=now):
            if not self._repository.add_up_day(day):
                return
        # The day of now is left, until it is over.
        self._days_since = now

    def run_if_older_than(self, age: timedelta) -> RollupReport | None:
        """`run_once`, unless a run ended less than `age` ago, perhaps in another process."""
        state = self._repository.rollup_state()
        if state is not None and timedelta(0) <= self._clock.now() - state.ran_at < age:
            return None
        return self.run_once()

    def rebuild(self) -> RollupReport:
        """Recount everything, span by span; what is read meanwhile stays right.

        Rows are never emptied first: each span goes from its old to its new count in one
        transaction, and spans without transactions lose rows that should not be there.
        """
        started_at = self._clock.now()
        minutes = 0
        for start, end in self._spans_with_data():
            if not self._repository.replace(start, end):
                return RollupReport(is_complete=False, minutes=minutes, watermark=None)
            minutes += (end - start) // MINUTE
        self._repository.advance_segments(RollupState(started_at, ran_at=self._clock.now()))
        self._add_up_days(EVER)
        return self._finished(started_at, minutes=minutes)

    def verify(self) -> RollupCheck:
        """Compare the whole rollup with a recount of the transactions."""
        # A day may be told of by several of its spans.
        differing: set[datetime] = set()
        for start, end in self._spans_with_data():
            differing.update(self._repository.differing_minutes(start, end))
        return RollupCheck(tuple(sorted(differing)))

    def _spans_with_data(self) -> Iterator[Span]:
        span = self._repository.next_span_with_data(after=EVER)
        while span is not None:
            yield span
            span = self._repository.next_span_with_data(after=span[1])

    def _finished(self, started_at: datetime, *, minutes: int) -> RollupReport:
        # The time before the changes were looked up: later ones belong to the next run.
        self._repository.advance(RollupState(watermark=started_at, ran_at=self._clock.now()))
        return RollupReport(is_complete=True, minutes=minutes, watermark=started_at)
