"""Reading the rollup, added up by the database: a chart of a month needs few rows in Python."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Integer,
    Subquery,
    TableValuedAlias,
    cast,
    extract,
    func,
    literal,
    select,
)

from payorch.application.attempt_counts import COUNTERS, AttemptCounts, AttemptKind, CellKey
from payorch.application.metrics_window import BUCKET_EPOCH, MetricsWindow
from payorch.domain.latency_histogram import LatencyHistogram
from payorch.infrastructure.persistence.tables import ProviderMinuteRow


class RolledCounts:
    """The rows of one window that meet `conditions`, by bucket or all at the window's start."""

    def __init__(
        self,
        connection: Connection,
        window: MetricsWindow,
        conditions: list[ColumnElement[bool]],
        *,
        by_bucket: bool,
    ) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._window = window
        self._rows = self._rows_with_bucket(conditions, by_bucket=by_bucket)
        self._by_bucket = by_bucket

    def counts(self) -> dict[CellKey, AttemptCounts]:
        columns = self._rows.c
        keys = (
            columns.bucket,
            columns.provider_code,
            columns.attempt_kind,
            columns.currency,
            columns.place,
            columns.after_provider,
        )
        sums = [func.sum(columns[name]) for name in COUNTERS]
        rows = self._connection.execute(select(*keys, *sums).group_by(*keys))
        return {
            CellKey(
                self._at(bucket), provider, AttemptKind(kind), currency, place, after
            ): AttemptCounts(
                **{name: int(value) for name, value in zip(COUNTERS, values, strict=True)}
            )
            for bucket, provider, kind, currency, place, after, *values in rows
        }

    def latencies(self) -> dict[tuple[datetime, str], LatencyHistogram]:
        return {
            place: LatencyHistogram({int(number): count for number, count in bins.items()})
            for place, bins in self._added_up("latency").items()
        }

    def declines(self) -> dict[tuple[datetime, str], dict[str, int]]:
        """Declined attempts by reason, per bucket and provider."""
        return self._added_up("declines")

    def _added_up(self, column: str) -> dict[tuple[datetime, str], dict[str, int]]:
        """Added up and folded into one JSON object per bucket and provider by the database.

        A month has few of these, but very many bins: as rows they cost more than all the rest.
        """
        parts = self._parts(column)
        keys = (self._rows.c.bucket, self._rows.c.provider_code, parts.c.key)
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

    def _rows_with_bucket(
        self, conditions: list[ColumnElement[bool]], *, by_bucket: bool
    ) -> Subquery:
        # A subquery, because the bucket's expression holds parameters, and PostgreSQL does not
        # see that the same expression with other placeholders is the one it groups by.
        bucket = self._bucket_number() if by_bucket else literal(0, Integer)
        return (
            select(
                bucket.label("bucket"),
                ProviderMinuteRow.provider_code,
                ProviderMinuteRow.attempt_kind,
                ProviderMinuteRow.currency,
                ProviderMinuteRow.place,
                ProviderMinuteRow.after_provider,
                ProviderMinuteRow.latency,
                ProviderMinuteRow.declines,
                *(getattr(ProviderMinuteRow, name) for name in COUNTERS),
            )
            .where(
                ProviderMinuteRow.minute >= self._window.start,
                ProviderMinuteRow.minute < self._window.end,
                *conditions,
            )
            .subquery("cells")
        )

    def _bucket_number(self) -> ColumnElement[int]:
        if self._is_sqlite:
            seconds = cast(func.strftime("%s", ProviderMinuteRow.minute), Integer)
        else:
            seconds = cast(extract("epoch", ProviderMinuteRow.minute), Integer)
        since = seconds - int(BUCKET_EPOCH.timestamp())
        return since // int(self._window.bucket.total_seconds())

    def _parts(self, column: str) -> TableValuedAlias:
        """The members of a JSON object as rows of `key` and `value`."""
        each = func.json_each if self._is_sqlite else func.json_each_text
        return each(self._rows.c[column]).table_valued("key", "value", joins_implicitly=True)

    def _at(self, bucket: int) -> datetime:
        if not self._by_bucket:
            return self._window.start
        return max(self._window.start, BUCKET_EPOCH + bucket * self._window.bucket)
