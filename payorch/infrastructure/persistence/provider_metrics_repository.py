"""The rollup in the database, and the reads that the metrics are computed from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from payorch.application.attempt_counts import count_attempts
from payorch.application.metrics_rollup import (
    CountedCells,
    OpenUnknowns,
    RollupState,
)
from payorch.application.metrics_window import (
    DAY,
    MINUTE,
    MetricsWindow,
    floor_to_day,
    floor_to_hour,
)
from payorch.application.rollup_spans import Span
from payorch.application.segment_counts import SegmentTally, SegmentTotal
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.segment import Segment
from payorch.infrastructure.persistence.attempt_facts import (
    attempt_facts,
    matching,
    minutes_changed,
    started_within,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.kept_series import KeptSeries
from payorch.infrastructure.persistence.rolled_counts import RollupFilters
from payorch.infrastructure.persistence.rollup_days import (
    add_up_day,
    days_to_add_up,
    differs_from_hours,
    forget_days,
)
from payorch.infrastructure.persistence.rollup_rows import (
    differing_hours,
    key_of,
    minute_row,
    replace_hours,
)
from payorch.infrastructure.persistence.rollup_spans import next_span_with_data
from payorch.infrastructure.persistence.segment_reads import segment_totals
from payorch.infrastructure.persistence.segment_rows import (
    differing_segments,
    replace_segment_hours,
)
from payorch.infrastructure.persistence.tables import (
    ProviderHourRow,
    ProviderMinuteRow,
    RollupStateRow,
    TransactionRow,
)
from payorch.infrastructure.persistence.tables.conditions import in_segment
from payorch.infrastructure.persistence.window_counts import (
    ROLLUP_NAME,
    SEGMENTS_NAME,
    SeriesCut,
    counted_cells,
    counted_segment,
    minutes_after_watermark,
    rollup_state,
)

ROLLUP_LOCK_KEY = 7_204_117_001
"""PostgreSQL's advisory lock of whoever replaces rollup rows; any number nobody else uses."""


class SqlAlchemyProviderMetricsRepository:
    """ProviderMetricsRepository on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = KeptSeries()

    def rollup_state(self) -> RollupState | None:
        with self._database.read() as connection:
            return rollup_state(connection)

    def changed_minutes(self, *, since: datetime) -> Sequence[datetime]:
        with self._database.read() as connection:
            return sorted(connection.scalars(minutes_changed(connection, since=since)))

    def next_span_with_data(self, *, after: datetime) -> Span | None:
        with self._database.read() as connection:
            return next_span_with_data(connection, after=after)

    def replace(self, start: datetime, end: datetime) -> bool:
        with self._database.tx() as connection:
            if not _may_write_rollup(connection):
                return False
            segments = SegmentTally()
            facts = attempt_facts(connection, started_within(start, end))
            cells = count_attempts(segments.noting(facts))
            connection.execute(delete(ProviderMinuteRow).where(*_rolled_within(start, end)))
            if cells:
                connection.execute(
                    insert(ProviderMinuteRow),
                    [minute_row(key, cell) for key, cell in sorted(cells.items())],
                )
            replace_hours(connection, start, end)
            forget_days(connection, start, end)
            if floor_to_hour(start) == start and floor_to_hour(end) == end:
                replace_segment_hours(connection, start, end, segments.counts())
        return True

    def days_to_add_up(self, *, since: datetime, until: datetime) -> Sequence[datetime]:
        with self._database.read() as connection:
            return days_to_add_up(connection, since=since, until=until)

    def add_up_day(self, day: datetime) -> bool:
        with self._database.tx() as connection:
            if not _may_write_rollup(connection):
                return False
            add_up_day(connection, day)
        return True

    def advance(self, state: RollupState) -> None:
        self._advance(ROLLUP_NAME, state)

    def segment_state(self) -> RollupState | None:
        with self._database.read() as connection:
            return rollup_state(connection, SEGMENTS_NAME)

    def advance_segments(self, state: RollupState) -> None:
        self._advance(SEGMENTS_NAME, state)

    def _advance(self, name: str, state: RollupState) -> None:
        values = {"watermark": state.watermark, "ran_at": state.ran_at}
        with self._database.tx() as connection:
            _wait_for_rollup(connection)
            stored = rollup_state(connection, name)
            if stored is None:
                connection.execute(insert(RollupStateRow).values(name=name, **values))
            elif stored.watermark <= state.watermark:
                connection.execute(
                    update(RollupStateRow).where(RollupStateRow.name == name).values(**values)
                )

    def differing_minutes(self, start: datetime, end: datetime) -> Sequence[datetime]:
        with self._snapshot() as connection:
            state = rollup_state(connection)
            pending = minutes_after_watermark(connection, state, start, end)
            segments = SegmentTally()
            facts = attempt_facts(connection, started_within(start, end))
            recount = count_attempts(segments.noting(facts))
            expected = {key: minute_row(key, cell) for key, cell in recount.items()}
            rows = connection.execute(
                select(ProviderMinuteRow.__table__).where(*_rolled_within(start, end))
            ).mappings()
            stored = {key_of(row): dict(row) for row in rows}
            hours = differing_hours(connection, start, end)
            hours |= self._differing_segments(connection, start, end, segments)
            hours |= _differing_days(connection, start, end)
        differing = {
            key.at
            for key in expected.keys() | stored.keys()
            if expected.get(key) != stored.get(key)
        }
        return sorted(differing.difference(pending) | hours)

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
        filters = RollupFilters(providers, currency)
        cut = None if not by_bucket else SeriesCut(tells_currencies=tells_currencies)
        with self._snapshot() as connection:
            if segment is None:
                return counted_cells(connection, window, filters, cut, self._kept)
            return counted_segment(connection, window, segment, filters, cut)

    def segment_totals(
        self, window: MetricsWindow, *, providers: frozenset[str], currency: str | None
    ) -> Sequence[SegmentTotal]:
        with self._snapshot() as connection:
            return list(
                segment_totals(
                    connection, window.in_whole_hours(), providers=providers, currency=currency
                )
            )

    def open_unknowns(
        self,
        *,
        providers: frozenset[str],
        currency: str | None,
        segment: Segment | None = None,
    ) -> OpenUnknowns:
        statement = select(func.count(), func.min(TransactionRow.started_at)).where(
            # Not a parameter: only so is the index of unknown outcomes used in each plan.
            TransactionRow.status == literal_column(f"'{TransactionStatus.UNKNOWN.value}'"),
            *matching(TransactionRow, providers, currency),
            *([] if segment is None else [in_segment(segment)]),
        )
        with self._database.read() as connection:
            attempts, oldest = connection.execute(statement).one()
        return OpenUnknowns(attempts=int(attempts), oldest_started_at=oldest)

    def _differing_segments(
        self, connection: Connection, start: datetime, end: datetime, segments: SegmentTally
    ) -> set[datetime]:
        """Of hours that have not changed since the segments were counted."""
        state = rollup_state(connection, SEGMENTS_NAME)
        if state is None or (floor_to_hour(start), floor_to_hour(end)) != (start, end):
            return set()
        hours, days = differing_segments(connection, start, end, segments.counts())
        pending = minutes_after_watermark(connection, state, start, end)
        return hours.difference(floor_to_hour(minute) for minute in pending) | days

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        """A read in which all statements see the same instant.

        Without it a minute that is rolled up between two of them is counted twice or never.
        """
        with self._database.read() as connection:
            if not self._database.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection


def _differing_days(connection: Connection, start: datetime, end: datetime) -> set[datetime]:
    """Looked at once, with the first hour that a day has rows of, or else with its first hour."""
    found = set()
    for day in {floor_to_day(start), floor_to_day(end - MINUTE)}:
        within = (ProviderHourRow.hour >= day, ProviderHourRow.hour < day + DAY)
        first = connection.scalar(select(func.min(ProviderHourRow.hour)).where(*within))
        is_looked_at_here = floor_to_hour(start) <= (first or day) < end
        if is_looked_at_here and differs_from_hours(connection, day):
            found.add(day)
    return found


def _may_write_rollup(connection: Connection) -> bool:
    """Whether this transaction is now the only one that replaces rows.

    On SQLite every write transaction is the only one.
    """
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(ROLLUP_LOCK_KEY))))


def _wait_for_rollup(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(ROLLUP_LOCK_KEY)))


def _rolled_within(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return ProviderMinuteRow.minute >= start, ProviderMinuteRow.minute < end
