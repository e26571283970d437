"""Reading the rollup, added up by the database: a chart of a month needs few rows in Python."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    Subquery,
    TableValuedAlias,
    and_,
    cast,
    extract,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import QueryableAttribute

from payorch.application.attempt_counts import COUNTERS, AttemptCounts, AttemptKind, CellKey
from payorch.application.metrics_window import BUCKET_EPOCH, MetricsWindow
from payorch.infrastructure.persistence.attempt_facts import matching
from payorch.infrastructure.persistence.latency_blobs import packed
from payorch.infrastructure.persistence.rolled_stretches import RolledStretches, Stretch
from payorch.infrastructure.persistence.tables import (
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
)
from payorch.infrastructure.persistence.tables.provider_metrics import CELL_COLUMNS

_LATENCY = ("provider_code", "latency")
_SERIES_KEY = ("provider_code", "attempt_kind")

_Table = (
    type[ProviderMinuteRow]
    | type[ProviderHourRow]
    | type[ProviderHourSpreadRow]
    | type[ProviderDayRow]
    | type[ProviderDaySpreadRow]
)

_Rows = Select[Any] | CompoundSelect[Any]


class _Grain(NamedTuple):
    """Tables that hold the same columns, by the hour and by the day."""

    hours: type[ProviderHourRow] | type[ProviderHourSpreadRow]
    days: type[ProviderDayRow] | type[ProviderDaySpreadRow]


_COUNTS = _Grain(ProviderHourRow, ProviderDayRow)
_SPREADS = _Grain(ProviderHourSpreadRow, ProviderDaySpreadRow)


class RollupFilters(NamedTuple):
    """No provider and no currency filter nothing."""

    providers: frozenset[str]
    currency: str | None


class RolledCounts:
    """The rollup of one window by bucket, or all at the window's start, but for the minutes in
    `changed`.
    """

    def __init__(
        self,
        connection: Connection,
        window: MetricsWindow,
        stretches: RolledStretches,
        changed: Sequence[datetime] | CompoundSelect[datetime],
        filters: RollupFilters,
        *,
        by_bucket: bool,
    ) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._window = window
        self._stretches = stretches
        self._unchanged = ProviderMinuteRow.minute.not_in(changed)
        self._filters = filters
        self._by_bucket = by_bucket

    def counts(self) -> dict[CellKey, AttemptCounts]:
        return {
            CellKey(self._at(bucket), provider, AttemptKind(kind), *rest): counts
            for (bucket, provider, kind, *rest), counts in self._summed(CELL_COLUMNS)
        }

    def series(self, *, tells_currencies: bool) -> dict[CellKey, AttemptCounts]:
        """Without place and predecessor, and perhaps all currencies together: far fewer rows."""
        names = (*_SERIES_KEY, "currency") if tells_currencies else _SERIES_KEY
        return {
            CellKey(self._at(bucket), provider, AttemptKind(kind), *(rest or [""])): counts
            for (bucket, provider, kind, *rest), counts in self._summed(names)
        }

    def _summed(self, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], AttemptCounts]]:
        """By bucket and the columns `names`."""
        rows = self._rows((*names, *COUNTERS), _COUNTS).subquery("cells")
        keys = [rows.c[name] for name in ("bucket", *names)]
        sums = [func.sum(rows.c[name]) for name in COUNTERS]
        added = self._connection.execute(select(*keys, *sums).group_by(*keys)).all()
        for row in added:
            values = map(int, row[len(keys) :])
            yield row[: len(keys)], AttemptCounts(**dict(zip(COUNTERS, values, strict=True)))

    def latencies_of_minutes(self) -> dict[tuple[datetime, str], bytes]:
        """By bucket and provider. They are folded into one JSON object for each by the database:
        minutes have very many bins, which as rows would cost more than the rest.
        """
        added = self._added_up(self._minutes(_LATENCY), "latency")
        return {
            place: packed({int(number): count for number, count in bins.items()})
            for place, bins in added.items()
        }

    def latencies_of_longer_parts(self) -> dict[tuple[datetime, str], list[bytes]]:
        """By bucket and provider, in blobs to be added up."""
        blobs: dict[tuple[datetime, str], list[bytes]] = defaultdict(list)
        if parts := self._longer_parts(_LATENCY, _SPREADS):
            statement: _Rows = union_all(*parts)
            if not self._is_sqlite:
                statement = _in_one_blob(statement.subquery("cells"))
            # All at once: psycopg takes as long for each row it is asked for as the query does.
            rows: Sequence[Any] = self._connection.execute(statement).all()
            for bucket, provider, latency in rows:
                blobs[self._at(bucket), provider].append(latency)
        return blobs

    def declines(self) -> dict[str, dict[str, int]]:
        """Declined attempts by reason, per provider."""
        names = ("provider_code", "declines")
        added = self._added_up(self._rows(names, _SPREADS), "declines")
        return {provider: reasons for (_, provider), reasons in added.items()}

    def _added_up(self, cells: _Rows, column: str) -> dict[tuple[datetime, str], dict[str, int]]:
        """The JSON objects of one bucket and provider as one, their members added up."""
        # Found first, or PostgreSQL computes the bucket for each member.
        rows = cells.cte("cells").prefix_with("MATERIALIZED", dialect="postgresql")
        parts = self._parts(rows.c[column])
        keys = (rows.c.bucket, rows.c.provider_code, parts.c.key)
        attempts = func.sum(cast(parts.c.value, Integer)).label("attempts")
        added = select(*keys, attempts).group_by(*keys).subquery("added")
        fold = func.json_group_object if self._is_sqlite else func.json_object_agg
        places = (added.c.bucket, added.c.provider_code)
        folded = fold(added.c.key, added.c.attempts, type_=JSON())
        return {
            (self._at(bucket), provider): counts
            for bucket, provider, counts in self._connection.execute(
                select(*places, folded).group_by(*places)
            )
        }

    def _rows(self, names: Sequence[str], grain: _Grain) -> CompoundSelect[Any]:
        """Rows of days, hours and the minutes around them, with the number of their bucket."""
        return union_all(*self._longer_parts(names, grain), self._minutes(names))

    def _longer_parts(self, names: Sequence[str], grain: _Grain) -> list[Select[Any]]:
        parts = []
        if self._stretches.days:
            day = grain.days.day
            parts.append(self._part(names, grain.days, day, self._stretches.days))
        if self._stretches.hours:
            hour = grain.hours.hour
            fresh = hour.not_in(self._stretches.stale_hours)
            hours = self._part(names, grain.hours, hour, self._stretches.hours)
            parts.append(hours.where(fresh))
        return parts

    def _minutes(self, names: Sequence[str]) -> Select[Any]:
        minute = ProviderMinuteRow.minute
        minutes = self._part(names, ProviderMinuteRow, minute, self._stretches.minutes)
        return minutes.where(self._unchanged)

    def _part(
        self,
        names: Sequence[str],
        table: _Table,
        started: QueryableAttribute[datetime],
        stretches: Sequence[Stretch],
    ) -> Select[Any]:
        # In a subquery, because the bucket's expression holds parameters, and PostgreSQL does
        # not see that the same expression with other placeholders is the one it groups by.
        bucket = self._bucket_number(started) if self._by_bucket else literal(0, Integer)
        columns = [getattr(table, name) for name in names]
        within = [and_(started >= start, started < end) for start, end in stretches]
        return select(bucket.label("bucket"), *columns).where(
            or_(false(), *within),
            *matching(table, self._filters.providers, self._filters.currency),
        )

    def _bucket_number(self, started: QueryableAttribute[datetime]) -> ColumnElement[int]:
        if self._is_sqlite:
            seconds = cast(func.strftime("%s", started), Integer)
        else:
            seconds = cast(extract("epoch", started), Integer)
        since = seconds - int(BUCKET_EPOCH.timestamp())
        return since // int(self._window.bucket.total_seconds())

    def _parts(self, column: ColumnElement[Any]) -> TableValuedAlias:
        """The members of a JSON object as rows of `key` and `value`."""
        each = func.json_each if self._is_sqlite else func.json_each_text
        return each(column).table_valued("key", "value", joins_implicitly=True)

    def _at(self, bucket: int) -> datetime:
        if not self._by_bucket:
            return self._window.start
        return max(self._window.start, BUCKET_EPOCH + bucket * self._window.bucket)


def _in_one_blob(cells: Subquery) -> Select[Any]:
    """One row for each bucket and provider: thousands of rows cost more than what is in them."""
    places = (cells.c.bucket, cells.c.provider_code)
    return select(*places, func.string_agg(cells.c.latency, literal(b""))).group_by(*places)
