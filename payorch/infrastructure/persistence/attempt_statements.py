"""SQL of the attempts that are still open, built once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Insert,
    Integer,
    Select,
    String,
    Update,
    bindparam,
    cast,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.functions import coalesce

from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.payment_statements import (
    OPEN_STATUSES,
    ORDER_COLUMNS,
    LeaseClock,
)
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    JobRow,
    OrderRow,
    TransactionRow,
)

insert_evidence: Insert = insert(EvidenceRow)

first_evidence = (
    select(EvidenceRow.created_at)
    .join(TransactionRow, TransactionRow.id == EvidenceRow.transaction_id)
    .where(
        TransactionRow.public_id == bindparam("public_id"),
        EvidenceRow.outcome == bindparam("wanted"),
    )
    .order_by(EvidenceRow.id)
    .limit(1)
)

flag_order: Update = (
    update(OrderRow)
    .where(
        OrderRow.id
        == select(TransactionRow.order_id)
        .where(TransactionRow.public_id == bindparam("transaction"))
        .scalar_subquery()
    )
    # What was dealt with was the flag before this one.
    .values(flag=bindparam("new_flag"), flag_dealt_at=None, version=OrderRow.version + 1)
)

transaction_key = select(TransactionRow.id).where(
    TransactionRow.public_id == bindparam("public_id")
)

# The table, not the entity: a bare entity would be loaded as one through the ORM.
transaction_by_id = select(TransactionRow.__table__).where(
    TransactionRow.public_id == bindparam("public_id")
)

_open_join = (
    select(TransactionRow, *ORDER_COLUMNS)
    .join(OrderRow, OrderRow.id == TransactionRow.order_id)
    .where(TransactionRow.status.in_(OPEN_STATUSES))
)
open_by_id = _open_join.where(TransactionRow.public_id == bindparam("public_id"))
open_by_order = _open_join.where(OrderRow.public_id == bindparam("public_id"))


@dataclass(frozen=True, slots=True)
class LeasedStatements:
    """The statements that write or compare leases, for one kind of clock."""

    take_over: Update
    schedule_check: Update
    due: Select[Any]
    due_without_job: Select[Any]


def leased_statements(clock: LeaseClock) -> LeasedStatements:
    return LeasedStatements(
        take_over=update(TransactionRow)
        .where(
            TransactionRow.public_id == bindparam("transaction"),
            TransactionRow.token == bindparam("expected_token"),
            TransactionRow.version == bindparam("expected_version"),
            TransactionRow.lease_until <= clock.now,
        )
        .values(token=TransactionRow.token + 1, lease_until=clock.lease_end),
        schedule_check=_schedule_check(clock),
        due=_due(clock, TransactionRow.public_id),
        due_without_job=_due(
            clock, TransactionRow.public_id, TransactionRow.provider_code, TransactionRow.token
        ).where(~_has_job),
    )


CHECK_KEY = "check"
"""Keys of the jobs that check a transaction: {CHECK_KEY}:{transaction}:{token}:{hour}."""

_check_key = (
    literal(f"{CHECK_KEY}:")
    + TransactionRow.public_id
    + literal(":")
    + cast(TransactionRow.token, String)
    + literal(":")
)
_has_job = or_(
    *(
        exists().where(JobRow.dedup_key == _check_key + bindparam(name, type_=String()))
        for name in ("this_hour", "last_hour")
    )
)


def _due(clock: LeaseClock, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .where(
            TransactionRow.status.in_(OPEN_STATUSES),
            TransactionRow.lease_until <= clock.now,
            coalesce(TransactionRow.next_check_at, TransactionRow.lease_until) <= clock.now,
        )
        .order_by(coalesce(TransactionRow.next_check_at, TransactionRow.lease_until))
        .limit(bindparam("limit", type_=None))
    )


def _schedule_check(clock: LeaseClock) -> Update:
    return (
        update(TransactionRow)
        .where(
            TransactionRow.public_id == bindparam("transaction"),
            TransactionRow.token == bindparam("expected_token"),
        )
        .values(
            checks=TransactionRow.checks + bindparam("counted", type_=Integer()),
            next_check_at=coalesce(
                bindparam("at", type_=UtcDateTime()), TransactionRow.next_check_at
            ),
            lease_until=clock.now,
            review_since=coalesce(
                TransactionRow.review_since, bindparam("review_at", type_=UtcDateTime())
            ),
        )
    )
