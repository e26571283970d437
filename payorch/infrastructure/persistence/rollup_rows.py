"""Rows of the rollup: minutes as they are counted, and the hours that they add up to."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from payorch.application.attempt_counts import (
    COUNTERS,
    AttemptKind,
    Cell,
    CellKey,
)
from payorch.application.metrics_window import HOUR, MINUTE, floor_to_hour
from payorch.infrastructure.persistence.latency_blobs import packed
from payorch.infrastructure.persistence.rollup_names import name_of
from payorch.infrastructure.persistence.tables import (
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
)
from payorch.infrastructure.persistence.tables.provider_metrics import CELL_COLUMNS

Row = dict[str, Any]

NO_NAME = b""
"""Of hours that were counted before they were given names."""


def minute_row(key: CellKey, cell: Cell) -> Row:
    """The bins are sorted, so that a rerun gives the same bytes."""
    return {
        "minute": key.at,
        "provider_code": key.provider_code,
        "attempt_kind": key.kind.value,
        "currency": key.currency,
        "place": key.place,
        "after_provider": key.after,
        **cell.counts.by_name(),
        "latency": {str(number): count for number, count in cell.latency.bins.items()},
        "declines": dict(sorted(cell.declines.items())),
    }


def key_of(row: RowMapping) -> CellKey:
    """Of a row of a minute."""
    return CellKey(
        row["minute"],
        row["provider_code"],
        AttemptKind(row["attempt_kind"]),
        row["currency"],
        row["place"],
        row["after_provider"],
    )


def replace_hours(connection: Connection, start: datetime, end: datetime) -> None:
    """Add up every hour that [start, end) touches from its minutes, which are right already."""
    start, end = _hours_around(start, end)
    hours, spreads = _added_up(connection, start, end)
    for table, rows in ((ProviderHourRow, hours), (ProviderHourSpreadRow, spreads)):
        connection.execute(delete(table).where(table.hour >= start, table.hour < end))
        if rows:
            connection.execute(insert(table), rows)


def differing_hours(connection: Connection, start: datetime, end: datetime) -> set[datetime]:
    """Hours that start in [start, end) and whose rows are not the sum of their minutes' rows."""
    if start != floor_to_hour(start):
        start = floor_to_hour(start) + HOUR
    _, end = _hours_around(start, end)
    hours, spreads = _added_up(connection, start, end)
    differing: set[datetime] = set()
    for table, expected in ((ProviderHourRow, hours), (ProviderHourSpreadRow, spreads)):
        within = select(table.__table__).where(table.hour >= start, table.hour < end)
        stored = [dict(row) for row in connection.execute(within).mappings()]
        wanted = _named_as(stored, expected)
        differing.update(row["hour"] for row in stored if row not in wanted)
        differing.update(row["hour"] for row in wanted if row not in stored)
    return differing


def _named_as(stored: Sequence[Row], expected: Sequence[Row]) -> Sequence[Row]:
    """`expected`, without the names that hours of an earlier version do not have."""
    unnamed = {row["hour"] for row in stored if row.get("of_minutes") == NO_NAME}
    return [row | {"of_minutes": NO_NAME} if row["hour"] in unnamed else row for row in expected]


def hours_within(connection: Connection, start: datetime, end: datetime) -> dict[datetime, bytes]:
    """The hours that lie wholly in [start, end) and name their minutes, with that name."""
    hour, of_minutes = ProviderHourSpreadRow.hour, ProviderHourSpreadRow.of_minutes
    first, last = floor_to_hour(start - MINUTE) + HOUR, floor_to_hour(end)
    within = (hour >= first, hour < last, of_minutes != NO_NAME)
    found = connection.execute(select(hour, of_minutes).where(*within).distinct())
    return {one.hour: one.of_minutes for one in found}


def _hours_around(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    last = floor_to_hour(end)
    return floor_to_hour(start), last if last == end else last + HOUR


def _added_up(
    connection: Connection, start: datetime, end: datetime
) -> tuple[Sequence[Row], Sequence[Row]]:
    """Rows of ProviderHourRow and of ProviderHourSpreadRow, sorted by their keys."""
    counts: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    spreads: dict[tuple[datetime, str, str], tuple[Counter[str], Counter[str]]] = defaultdict(
        lambda: (Counter(), Counter())
    )
    minutes = select(ProviderMinuteRow.__table__).where(
        ProviderMinuteRow.minute >= start, ProviderMinuteRow.minute < end
    )
    rows: dict[datetime, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(minutes).mappings():
        hour = floor_to_hour(row["minute"])
        rows[hour].append(row)
        sums = counts[(hour, *(row[name] for name in CELL_COLUMNS))]
        for place, name in enumerate(COUNTERS):
            sums[place] += row[name]
        latency, declines = spreads[hour, row["provider_code"], row["currency"]]
        latency.update(row["latency"])
        declines.update(row["declines"])
    names = {hour: name_of(of_hour) for hour, of_hour in rows.items()}
    return (
        [
            dict(zip(("hour", *CELL_COLUMNS, *COUNTERS), (*key, *sums), strict=True))
            for key, sums in sorted(counts.items())
        ],
        [
            {
                "hour": hour,
                "provider_code": provider,
                "currency": currency,
                "latency": packed({int(number): n for number, n in latency.items()}),
                "declines": dict(sorted(declines.items())),
                "of_minutes": names[hour],
            }
            for (hour, provider, currency), (latency, declines) in sorted(spreads.items())
        ],
    )
