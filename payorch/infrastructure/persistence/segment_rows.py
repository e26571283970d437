"""Rows of the rollup of segments: hours as they are counted, and the days that they add up to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from payorch.application.attempt_counts import COUNTERS, AttemptCounts
from payorch.application.metrics_window import DAY, floor_to_day
from payorch.application.segment_counts import SegmentKey
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.tables import SegmentDayRow, SegmentHourRow

Row = dict[str, Any]

SEGMENT_KEY = ("dimension", "value", "provider_code", "attempt_kind", "currency")

_KEYS = [getattr(SegmentHourRow, name) for name in SEGMENT_KEY]
_DAY = (
    select(
        bindparam("of_day", type_=UtcDateTime()).label("day"),
        *_KEYS,
        *(func.sum(getattr(SegmentHourRow, name)).label(name) for name in COUNTERS),
    )
    .where(
        SegmentHourRow.hour >= bindparam("of_day", type_=UtcDateTime()),
        SegmentHourRow.hour < bindparam("next_day", type_=UtcDateTime()),
    )
    .group_by(*_KEYS)
)
_ADD_DAY_UP = insert(SegmentDayRow).from_select(["day", *SEGMENT_KEY, *COUNTERS], _DAY)


def replace_segment_hours(
    connection: Connection,
    start: datetime,
    end: datetime,
    counts: Mapping[SegmentKey, AttemptCounts],
) -> None:
    """Put `counts` in place of the hours of [start, end), and add their days up anew."""
    hour = SegmentHourRow.hour
    connection.execute(delete(SegmentHourRow).where(hour >= start, hour < end))
    if counts:
        connection.execute(
            insert(SegmentHourRow), [_hour_row(key, one) for key, one in sorted(counts.items())]
        )
    day = floor_to_day(start)
    while day < end:
        connection.execute(delete(SegmentDayRow).where(SegmentDayRow.day == day))
        connection.execute(_ADD_DAY_UP, {"of_day": day, "next_day": day + DAY})
        day += DAY


def differing_segments(
    connection: Connection,
    start: datetime,
    end: datetime,
    counts: Mapping[SegmentKey, AttemptCounts],
) -> tuple[set[datetime], set[datetime]]:
    """Hours of [start, end) whose rows are not `counts`, and days whose rows are not their sum."""
    hour = SegmentHourRow.hour
    within = select(SegmentHourRow.__table__).where(hour >= start, hour < end)
    stored = [dict(row) for row in connection.execute(within).mappings()]
    expected = [_hour_row(key, one) for key, one in counts.items()]
    hours = {row["hour"] for row in _only_one_has(stored, expected)}
    differing_days = set()
    day = floor_to_day(start)
    while day < end:
        days = select(SegmentDayRow.__table__).where(SegmentDayRow.day == day)
        kept = [dict(row) for row in connection.execute(days).mappings()]
        if any(_only_one_has(kept, _added_up(connection, day))):
            differing_days.add(day)
        day += DAY
    return hours, differing_days


def _hour_row(key: SegmentKey, counts: AttemptCounts) -> Row:
    return {
        "hour": key.at,
        "dimension": key.dimension.value,
        "value": key.value,
        "provider_code": key.provider_code,
        "attempt_kind": key.kind.value,
        "currency": key.currency,
        **counts.by_name(),
    }


def _added_up(connection: Connection, day: datetime) -> Sequence[Row]:
    rows = connection.execute(_DAY, {"of_day": day, "next_day": day + DAY}).mappings()
    # PostgreSQL sums whole numbers into decimals.
    return [{**row, "day": day, **{name: int(row[name]) for name in COUNTERS}} for row in rows]


def _only_one_has(some: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    def frozen(rows: Sequence[Row]) -> set[tuple[tuple[str, Any], ...]]:
        return {tuple(sorted(row.items())) for row in rows}

    return [dict(row) for row in frozen(some) ^ frozen(others)]
