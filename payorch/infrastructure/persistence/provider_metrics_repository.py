"""The per-minute rollup in the database, and the reads that the metrics are computed from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from payorch.application.attempt_counts import AttemptKind, Cell, CellKey, count_attempts
from payorch.application.metrics_rollup import (
    CountedCells,
    OpenUnknowns,
    RollupState,
    SubmittedOrders,
)
from payorch.application.metrics_window import MetricsWindow, floor_to_minute
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.infrastructure.persistence.attempt_facts import (
    attempt_facts,
    matching,
    minutes_changed,
    started_within,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    ProviderMinuteRow,
    RollupStateRow,
    TransactionRow,
)
from payorch.infrastructure.persistence.window_counts import (
    ROLLUP_NAME,
    counted_cells,
    minutes_after_watermark,
    rollup_state,
)

ROLLUP_LOCK_KEY = 7_204_117_001
"""PostgreSQL's advisory lock of whoever replaces rollup rows; any number nobody else uses."""


class SqlAlchemyProviderMetricsRepository:
    """ProviderMetricsRepository on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rollup_state(self) -> RollupState | None:
        with self._database.read() as connection:
            return rollup_state(connection)

    def changed_minutes(self, *, since: datetime) -> Sequence[datetime]:
        with self._database.read() as connection:
            return sorted(connection.scalars(minutes_changed(connection, since=since)))

    def next_minute_with_data(self, *, after: datetime) -> datetime | None:
        with self._database.read() as connection:
            started = connection.scalar(
                select(func.min(TransactionRow.started_at)).where(
                    TransactionRow.started_at >= after
                )
            )
            rolled = connection.scalar(
                select(func.min(ProviderMinuteRow.minute)).where(ProviderMinuteRow.minute >= after)
            )
        found = [moment for moment in (started, rolled) if moment is not None]
        return floor_to_minute(min(found)) if found else None

    def replace(self, start: datetime, end: datetime) -> bool:
        with self._database.tx() as connection:
            if not _may_write_rollup(connection):
                return False
            cells = count_attempts(attempt_facts(connection, started_within(start, end)))
            connection.execute(delete(ProviderMinuteRow).where(*_rolled_within(start, end)))
            if cells:
                connection.execute(
                    insert(ProviderMinuteRow),
                    [_row_of(key, cell) for key, cell in sorted(cells.items())],
                )
        return True

    def advance(self, state: RollupState) -> None:
        values = {"watermark": state.watermark, "ran_at": state.ran_at}
        with self._database.tx() as connection:
            _wait_for_rollup(connection)
            stored = rollup_state(connection)
            if stored is None:
                connection.execute(insert(RollupStateRow).values(name=ROLLUP_NAME, **values))
            elif stored.watermark <= state.watermark:
                connection.execute(
                    update(RollupStateRow)
                    .where(RollupStateRow.name == ROLLUP_NAME)
                    .values(**values)
                )

    def differing_minutes(self, start: datetime, end: datetime) -> Sequence[datetime]:
        with self._snapshot() as connection:
            state = rollup_state(connection)
            pending = minutes_after_watermark(connection, state, start, end)
            recount = count_attempts(attempt_facts(connection, started_within(start, end)))
            expected = {key: _row_of(key, cell) for key, cell in recount.items()}
            rows = connection.execute(
                select(ProviderMinuteRow.__table__).where(*_rolled_within(start, end))
            ).mappings()
            stored = {_key_of(row): dict(row) for row in rows}
        differing = {
            key.at
            for key in expected.keys() | stored.keys()
            if expected.get(key) != stored.get(key)
        }
        return sorted(differing.difference(pending))

    def counts(
        self,
        window: MetricsWindow,
        *,
        providers: frozenset[str],
        currency: str | None,
        by_bucket: bool = True,
    ) -> CountedCells:
        with self._snapshot() as connection:
            return counted_cells(
                connection, window, providers=providers, currency=currency, by_bucket=by_bucket
            )

    def submitted_orders(
        self, window: MetricsWindow, *, providers: frozenset[str], currency: str | None
    ) -> SubmittedOrders:
        tried_first = select(TransactionRow.order_id).where(
            started_within(window.start, window.end),
            TransactionRow.attempt_number == 1,
            *matching(TransactionRow, providers, currency),
        )
        is_paid = case((OrderRow.status == PaymentStatus.PAID, 1), else_=0)
        statement = select(func.count(), func.coalesce(func.sum(is_paid), 0)).where(
            OrderRow.id.in_(tried_first)
        )
        with self._database.read() as connection:
            submitted, paid = connection.execute(statement).one()
        return SubmittedOrders(submitted=int(submitted), paid=int(paid))

    def open_unknowns(self, *, providers: frozenset[str], currency: str | None) -> OpenUnknowns:
        statement = select(func.count(), func.min(TransactionRow.started_at)).where(
            TransactionRow.status == TransactionStatus.UNKNOWN,
            *matching(TransactionRow, providers, currency),
        )
        with self._database.read() as connection:
            attempts, oldest = connection.execute(statement).one()
        return OpenUnknowns(attempts=int(attempts), oldest_started_at=oldest)

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        """A read in which all statements see the same instant.

        Without it a minute that is rolled up between two of them is counted twice or never.
        """
        with self._database.read() as connection:
            if not self._database.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection


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


def _row_of(key: CellKey, cell: Cell) -> dict[str, object]:
    """A rollup row; the bins are sorted, so that a rerun gives the same bytes."""
    return {
        "minute": key.at,
        "provider_code": key.provider_code,
        "attempt_kind": key.kind.value,
        "currency": key.currency,
        "place": key.place,
        "after_provider": key.after,
        **asdict(cell.counts),
        "latency": {str(number): count for number, count in cell.latency.bins.items()},
        "declines": dict(sorted(cell.declines.items())),
    }


def _key_of(row: RowMapping) -> CellKey:
    return CellKey(
        row["minute"],
        row["provider_code"],
        AttemptKind(row["attempt_kind"]),
        row["currency"],
        row["place"],
        row["after_provider"],
    )
