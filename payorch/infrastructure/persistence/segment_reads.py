"""Reading the rollup of segments: one segment's window, and all segments of a window together."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    or_,
    select,
    union_all,
)

from payorch.application.attempt_counts import (
    COUNTERS,
    AttemptCounts,
    AttemptKind,
    CellKey,
)
from payorch.application.metrics_window import MetricsWindow, ceil_to_day, floor_to_day
from payorch.application.segment_counts import SegmentTotal
from payorch.domain.segment import Segment, SegmentDimension
from payorch.infrastructure.persistence.tables import (
    SegmentDayRow,
    SegmentHourRow,
)

_Table = type[SegmentHourRow] | type[SegmentDayRow]


def segment_cells(
    connection: Connection,
    window: MetricsWindow,
    segment: Segment,
    *,
    providers: frozenset[str],
    currency: str | None,
) -> dict[CellKey, AttemptCounts]:
    """Counts of one segment by the hour."""
    hour = SegmentHourRow.hour
    statement = select(
        hour,
        SegmentHourRow.provider_code,
        SegmentHourRow.attempt_kind,
        SegmentHourRow.currency,
        *(getattr(SegmentHourRow, name) for name in COUNTERS),
    ).where(
        SegmentHourRow.dimension == segment.dimension.value,
        SegmentHourRow.value == segment.value,
        hour >= window.start,
        hour < window.end,
        *_matching(SegmentHourRow, providers, currency),
    )
    return {
        CellKey(at, provider, AttemptKind(kind), money): AttemptCounts(
            **dict(zip(COUNTERS, values, strict=True))
        )
        for at, provider, kind, money, *values in connection.execute(statement).all()
    }


def segment_totals(
    connection: Connection,
    window: MetricsWindow,
    *,
    providers: frozenset[str],
    currency: str | None,
) -> Iterator[SegmentTotal]:
    """First attempts of the whole window by segment and provider: days, and hours at its ends."""
    days = ceil_to_day(window.start), floor_to_day(window.end)
    if days[0] >= days[1]:
        stretches = [_part(SegmentHourRow, [(window.start, window.end)], providers, currency)]
    else:
        ends = [(window.start, days[0]), (days[1], window.end)]
        stretches = [
            _part(SegmentDayRow, [days], providers, currency),
            _part(SegmentHourRow, ends, providers, currency),
        ]
    rows = union_all(*stretches).subquery("segments")
    keys = (rows.c.dimension, rows.c.value, rows.c.provider_code)
    sums = (func.sum(rows.c[name]) for name in COUNTERS)
    for dimension, value, provider, *values in connection.execute(
        select(*keys, *sums).group_by(*keys)
    ).all():
        counts = {name: int(one) for name, one in zip(COUNTERS, values, strict=True)}
        yield SegmentTotal(
            Segment(SegmentDimension(dimension), value), provider, AttemptCounts(**counts)
        )


def _part(
    table: _Table,
    stretches: list[tuple[datetime, datetime]],
    providers: frozenset[str],
    currency: str | None,
) -> Select[Any]:
    at = SegmentHourRow.hour if table is SegmentHourRow else SegmentDayRow.day
    within = [and_(at >= start, at < end) for start, end in stretches if start < end]
    return select(
        table.dimension,
        table.value,
        table.provider_code,
        *(getattr(table, name) for name in COUNTERS),
    ).where(
        or_(*within) if within else table.dimension.is_(None),
        table.attempt_kind == AttemptKind.FIRST.value,
        *_matching(table, providers, currency),
    )


def _matching(
    table: _Table, providers: frozenset[str], currency: str | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if providers:
        conditions.append(table.provider_code.in_(sorted(providers)))
    if currency is not None:
        conditions.append(table.currency == currency)
    return conditions
