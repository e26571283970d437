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
from payorch.domain.latency_histogram import LatencyHistogram, merge_histograms
from payorch.infrastructure.persistence.attempt_facts import matching
from payorch.infrastructure.persistence.latency_blobs import merged
from payorch.infrastructure.persistence.rolled_stretches import RolledStretches
from payorch.infrastructure.persistence.tables import (
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
)
from payorch.infrastructure.persistence.tables.provider_metrics import CELL_COLUMNS

_LATENCY = ("provider_code", "latency")


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
        changed: Select[datetime] | CompoundSelect[datetime],
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
        rows = self._rows((*CELL_COLUMNS, *COUNTERS), ProviderHourRow)
        keys = [rows.c[name] for name in ("bucket", *CELL_COLUMNS)]
        sums = [func.sum(rows.c[name]) for name in COUNTERS]
        added = self._connection.execute(select(*keys, *sums).group_by(*keys))
        return {
            CellKey(
                self._at(bucket), provider, AttemptKind(kind), currency, place, after
            ): AttemptCounts(
                **{name: int(value) for name, value in zip(COUNTERS, values, strict=True)}
            )
            for bucket, provider, kind, currency, place, after, *values in added
        }

    def latencies(self) -> dict[tuple[datetime, str], LatencyHistogram]:
        """By bucket and provider. Minutes are added up and folded into one JSON object for each
        by the database: they have very many bins, which as rows would cost more than the rest.
        """
        parts = [
            (place, LatencyHistogram({int(number): count for number, count in bins.items()}))
            for place, bins in self._added_up(self._minutes(_LATENCY), "latency").items()
        ]
        found: dict[tuple[datetime, str], list[LatencyHistogram]] = defaultdict(list)
        for place, histogram in [*parts, *self._latencies_of_hours()]:
            found[place].append(histogram)
        return {place: merge_histograms(histograms) for place, histograms in found.items()}

    def declines(self) -> dict[str, dict[str, int]]:
        """Declined attempts by reason, per provider."""
        names = ("provider_code", "declines")
        added = self._added_up(self._rows(names, ProviderHourSpreadRow), "declines")
        return {provider: reasons for (_, provider), reasons in added.items()}

    def _latencies_of_hours(self) -> Iterator[tuple[tuple[datetime, str], LatencyHistogram]]:
        whole = self._hours(_LATENCY, ProviderHourSpreadRow)
        if whole is None:
            return
        blobs: dict[tuple[int, str], list[bytes]] = defaultdict(list)
        # All at once: psycopg takes as long for each row it is asked for as the query does.
        for bucket, provider, latency in self._connection.execute(whole).all():
            blobs[bucket, provider].append(latency)
        for (bucket, provider), parts in blobs.items():
            yield (self._at(bucket), provider), merged(parts)

    def _added_up(self, rows: Subquery, column: str) -> dict[tuple[datetime, str], dict[str, int]]:
        """The JSON objects of one bucket and provider as one, their members added up."""
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

    def _rows(
        self, names: Sequence[str], hours: type[ProviderHourRow | ProviderHourSpreadRow]
    ) -> Subquery:
        """Rows of whole hours and of the minutes around them, with the number of their bucket."""
        whole = self._hours(names, hours)
        minutes = self._minutes_select(names)
        return (minutes if whole is None else union_all(whole, minutes)).subquery("cells")

    def _minutes(self, names: Sequence[str]) -> Subquery:
        return self._minutes_select(names).subquery("cells")

    def _minutes_select(self, names: Sequence[str]) -> Select[Any]:
        minute = ProviderMinuteRow.minute
        within = [and_(minute >= start, minute < end) for start, end in self._stretches.minutes]
        return self._part(names, ProviderMinuteRow, minute).where(
            or_(false(), *within), self._unchanged
        )

    def _hours(
        self, names: Sequence[str], table: type[ProviderHourRow | ProviderHourSpreadRow]
    ) -> Select[Any] | None:
        if self._stretches.hours is None:
            return None
        first, last = self._stretches.hours
        return self._part(names, table, table.hour).where(
            table.hour >= first,
            table.hour < last,
            table.hour.not_in(self._stretches.stale_hours),
        )

    def _part(
        self,
        names: Sequence[str],
        table: type[ProviderMinuteRow | ProviderHourRow | ProviderHourSpreadRow],
        started: QueryableAttribute[datetime],
    ) -> Select[Any]:
        # In a subquery, because the bucket's expression holds parameters, and PostgreSQL does
        # not see that the same expression with other placeholders is the one it groups by.
        bucket = self._bucket_number(started) if self._by_bucket else literal(0, Integer)
        columns = [getattr(table, name) for name in names]
        return select(bucket.label("bucket"), *columns).where(
            *matching(table, self._filters.providers, self._filters.currency)
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
