"""Days of the rollup: what the hours of a day that is over add up to.

They only make reading cheaper. Who changes an hour takes the rows of its day away in the same
transaction, and a day without rows is read from its hours.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select

from payorch.application.attempt_counts import COUNTERS
from payorch.application.metrics_window import DAY, ceil_to_day, floor_to_day
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.latency_blobs import merged, packed
from payorch.infrastructure.persistence.rollup_names import name_of
from payorch.infrastructure.persistence.tables import (
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
)
from payorch.infrastructure.persistence.tables.provider_metrics import CELL_COLUMNS

Row = dict[str, Any]

_KEYS = [getattr(ProviderHourRow, name) for name in CELL_COLUMNS]
_ADDED_UP = (
    select(
        bindparam("of_day", type_=UtcDateTime()).label("day"),
        *_KEYS,
        *(func.sum(getattr(ProviderHourRow, name)).label(name) for name in COUNTERS),
    )
    .where(
        ProviderHourRow.hour >= bindparam("of_day", type_=UtcDateTime()),
        ProviderHourRow.hour < bindparam("next_day", type_=UtcDateTime()),
    )
    .group_by(*_KEYS)
)
_ADD_UP = insert(ProviderDayRow).from_select(["day", *CELL_COLUMNS, *COUNTERS], _ADDED_UP)


def days_within(connection: Connection, start: datetime, end: datetime) -> dict[datetime, bytes]:
    """The days that lie wholly in [start, end) and have rows, sorted, and what their hours are
    called.
    """
    day, of_hours = ProviderDaySpreadRow.day, ProviderDaySpreadRow.of_hours
    within = (day >= ceil_to_day(start), day < floor_to_day(end))
    found = connection.execute(select(day, of_hours).where(*within).distinct().order_by(day))
    return {one.day: one.of_hours for one in found}


def days_to_add_up(
    connection: Connection, *, since: datetime, until: datetime
) -> Sequence[datetime]:
    """Days from that of `since` on that end by `until` and have hours, but no rows of their own,
    sorted.
    """
    first, last = floor_to_day(since), floor_to_day(until)
    hour, day = ProviderHourSpreadRow.hour, ProviderDaySpreadRow.day
    hours = connection.scalars(select(hour).where(hour >= first, hour < last).distinct())
    done = connection.scalars(select(day).where(day >= first, day < last).distinct())
    return sorted({floor_to_day(hour) for hour in hours}.difference(done))


def forget_days(connection: Connection, start: datetime, end: datetime) -> None:
    """Take the rows of all days away that [start, end) touches."""
    for table in (ProviderDayRow, ProviderDaySpreadRow):
        connection.execute(delete(table).where(table.day >= floor_to_day(start), table.day < end))


def add_up_day(connection: Connection, day: datetime) -> None:
    forget_days(connection, day, day + DAY)
    connection.execute(_ADD_UP, {"of_day": day, "next_day": day + DAY})
    if spreads := _spreads(connection, day):
        connection.execute(insert(ProviderDaySpreadRow), spreads)


def differs_from_hours(connection: Connection, day: datetime) -> bool:
    """Whether the day has rows, and they are not the sum of its hours."""
    of_day = (
        select(table.__table__).where(table.day == day)
        for table in (ProviderDayRow, ProviderDaySpreadRow)
    )
    counts, spreads = ([dict(row) for row in connection.execute(it).mappings()] for it in of_day)
    if not counts and not spreads:
        return False
    rows = connection.execute(_ADDED_UP, {"of_day": day, "next_day": day + DAY}).mappings()
    # PostgreSQL sums whole numbers into decimals.
    expected = [{**row, "day": day, **{name: int(row[name]) for name in COUNTERS}} for row in rows]
    return _in_turn(counts) != _in_turn(expected) or _in_turn(spreads) != _spreads(connection, day)


def _spreads(connection: Connection, day: datetime) -> list[Row]:
    """Rows of ProviderDaySpreadRow, sorted by their keys."""
    latencies: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    declines: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    spreads = _of_day(connection, ProviderHourSpreadRow, day)
    of_hours = name_of(_of_day(connection, ProviderHourRow, day), spreads)
    for row in spreads:
        key = row["provider_code"], row["currency"]
        latencies[key].append(row["latency"])
        declines[key].update(row["declines"])
    return [
        {
            "day": day,
            "provider_code": provider,
            "currency": currency,
            "latency": packed(merged(latencies[provider, currency]).bins),
            "declines": dict(sorted(declines[provider, currency].items())),
            "of_hours": of_hours,
        }
        for provider, currency in sorted(latencies)
    ]


def _of_day(
    connection: Connection, table: type[ProviderHourRow | ProviderHourSpreadRow], day: datetime
) -> Sequence[RowMapping]:
    within = select(table.__table__).where(table.hour >= day, table.hour < day + DAY)
    return connection.execute(within).mappings().all()


def _in_turn(rows: Sequence[Row]) -> list[Row]:
    names = ("provider_code", "currency", "attempt_kind", "place", "after_provider")
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in names])
