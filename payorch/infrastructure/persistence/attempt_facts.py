"""Reading the attempts themselves: what the rollup is counted from, and the tail after it."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    case,
    func,
    select,
    type_coerce,
    union,
)
from sqlalchemy.orm import aliased

from payorch.application.attempt_counts import AttemptFact
from payorch.application.metrics_window import floor_to_minute
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    TransactionRow,
)

ROWS_AT_A_TIME = 5_000

FIRST = 1
"""`sequence` of an order's very first attempt."""


def minute_started(connection: Connection) -> ColumnElement[datetime]:
    """SQL for the minute a transaction started in, comparable with the rollup's `minute`."""
    if connection.dialect.name == "sqlite":
        # Times are texts such as "2026-11-22 21:58:46.123456".
        cut = func.substr(TransactionRow.started_at, 1, 16).concat(":00.000000")
        return type_coerce(cut, UtcDateTime())
    return func.date_trunc("minute", TransactionRow.started_at, type_=UtcDateTime())


def started_within(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(TransactionRow.started_at >= start, TransactionRow.started_at < end)


def matching(
    table: type[
        TransactionRow
        | ProviderMinuteRow
        | ProviderHourRow
        | ProviderHourSpreadRow
        | ProviderDayRow
        | ProviderDaySpreadRow
    ],
    providers: frozenset[str],
    currency: str | None,
) -> list[ColumnElement[bool]]:
    """The filters of a query; no provider and no currency filter nothing."""
    conditions: list[ColumnElement[bool]] = []
    if providers:
        conditions.append(table.provider_code.in_(sorted(providers)))
    if currency is not None:
        conditions.append(table.currency == currency)
    return conditions


_before = aliased(TransactionRow)
_after = case(
    (
        TransactionRow.attempt_number > 1,
        func.coalesce(
            select(_before.provider_code)
            .where(
                _before.submission_id == TransactionRow.submission_id,
                _before.attempt_number == TransactionRow.attempt_number - 1,
            )
            .scalar_subquery(),
            "",
        ),
    ),
    else_="",
)
"""The provider that was tried just before. It never changes, so neither does the rollup for it."""


def minutes_changed(
    connection: Connection, *conditions: ColumnElement[bool], since: datetime
) -> CompoundSelect[datetime]:
    """Minutes (of transactions that meet the conditions) whose counts changed at or after `since`.

    A later attempt changes those of the minute in which its order was tried first, too: there it
    is counted as paid or not.
    """
    minutes = select(minute_started(connection)).where(*conditions)
    retried = aliased(TransactionRow)
    orders_retried = select(retried.order_id).where(
        retried.changed_at >= since, retried.sequence > FIRST
    )
    return union(
        minutes.where(TransactionRow.changed_at >= since),
        minutes.where(
            TransactionRow.sequence == FIRST, TransactionRow.order_id.in_(orders_retried)
        ),
    )


def attempt_facts(
    connection: Connection, *conditions: ColumnElement[bool]
) -> Iterator[AttemptFact]:
    """The transactions that meet the conditions, streamed, in no particular order.

    Needs a transaction: PostgreSQL streams from a cursor, which lives in one.
    """
    statement = select(
        TransactionRow.started_at,
        TransactionRow.provider_code,
        TransactionRow.attempt_number,
        TransactionRow.currency,
        TransactionRow.status,
        TransactionRow.decline_class,
        TransactionRow.decline_reason,
        TransactionRow.amount_minor,
        TransactionRow.latency_ms,
        _after,
        TransactionRow.sequence == FIRST,
        OrderRow.status == PaymentStatus.PAID,
        OrderRow.country,
        TransactionRow.card_brand,
    ).where(TransactionRow.order_id == OrderRow.id, *conditions)
    with connection.execute(statement, execution_options={"yield_per": ROWS_AT_A_TIME}) as rows:
        for row in rows:
            yield AttemptFact(floor_to_minute(row[0]), *row[1:])
