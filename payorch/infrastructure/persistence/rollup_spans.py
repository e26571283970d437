"""The stretches in which the whole rollup is recounted."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from payorch.application.metrics_window import DAY, HOUR, floor_to_hour
from payorch.application.rollup_spans import MAX_SPAN_ATTEMPTS, Span
from payorch.infrastructure.persistence.tables import (
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    SegmentHourRow,
    TransactionRow,
)

_TIMES = (
    TransactionRow.started_at,
    ProviderMinuteRow.minute,
    ProviderHourRow.hour,
    ProviderHourSpreadRow.hour,
    ProviderDayRow.day,
    ProviderDaySpreadRow.day,
    SegmentHourRow.hour,
)


def next_span_with_data(connection: Connection, *, after: datetime) -> Span | None:
    """As ProviderMetricsRepository has it."""
    firsts = [connection.scalar(select(func.min(time)).where(time >= after)) for time in _TIMES]
    found = [first for first in firsts if first is not None]
    if not found:
        return None
    start = floor_to_hour(min(found))
    return start, _end_of_span(connection, start)


def _end_of_span(connection: Connection, start: datetime) -> datetime:
    one_too_many = connection.scalar(
        select(TransactionRow.started_at)
        .where(TransactionRow.started_at >= start, TransactionRow.started_at < start + DAY)
        .order_by(TransactionRow.started_at)
        .offset(MAX_SPAN_ATTEMPTS)
        .limit(1)
    )
    if one_too_many is None:
        return start + DAY
    return max(floor_to_hour(one_too_many), start + HOUR)
