"""SQL of the refunds, built once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Insert,
    Integer,
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.functions import coalesce

from payorch.application.refund_jobs import SEND_KEY
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundKind, RefundStatus
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.payment_statements import LeaseClock
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    JobRow,
    OrderRow,
    RefundRow,
    TransactionRow,
)
from payorch.infrastructure.persistence.tables.jobs import JobState

OPEN_STATUSES = tuple(sorted(OPEN_REFUND_STATUSES))

lock_order = (
    select(OrderRow.id)
    .where(OrderRow.public_id == bindparam("order_id"))
    .with_for_update(key_share=True)
)
"""Two refunds of one order wait for each other; rows that only point at the order do not."""

_of_order = and_(RefundRow.order_id == OrderRow.id, ~RefundRow.is_guard)


may_go_back = or_(
    RefundRow.status.in_(OPEN_STATUSES),
    and_(RefundRow.status == RefundStatus.FAILED, RefundRow.contradicted_at.is_not(None)),
)
"""Refunds that are under way; one that failed by our books alone may have gone back as well."""

has_gone_back = RefundRow.status == RefundStatus.SUCCEEDED


def sum_of_refunds(which: ColumnElement[bool]) -> Any:
    """Minor units of the order of the statement around it; without what the guard gave back."""
    return (
        select(coalesce(func.sum(RefundRow.amount_minor), 0))
        .where(_of_order, which)
        .correlate(OrderRow)
        .scalar_subquery()
    )


refundable: Select[Any] = (
    select(
        OrderRow.id.label("order_key"),
        OrderRow.public_id.label("order_public_id"),
        TransactionRow.id.label("transaction_key"),
        TransactionRow.public_id,
        TransactionRow.provider_code,
        TransactionRow.provider_reference,
        TransactionRow.amount_minor,
        TransactionRow.currency,
        sum_of_refunds(has_gone_back).label("refunded_minor"),
        sum_of_refunds(may_go_back).label("open_minor"),
        select(func.count())
        .select_from(RefundRow)
        .where(
            _of_order,
            RefundRow.kind == RefundKind.VOID,
            RefundRow.status == RefundStatus.FAILED,
        )
        .scalar_subquery()
        .label("refused_voids"),
    )
    .select_from(OrderRow)
    .outerjoin(TransactionRow, TransactionRow.id == OrderRow.paid_transaction_id)
    .where(OrderRow.public_id == bindparam("order_id"))
)

# The tables, not the entities: a bare entity would be loaded as one through the ORM.
refunds: Select[Any] = (
    select(
        RefundRow.__table__,
        OrderRow.public_id.label("order_public_id"),
        TransactionRow.public_id.label("transaction_public_id"),
    )
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .join(TransactionRow, TransactionRow.id == RefundRow.transaction_id)
)
by_id = refunds.where(RefundRow.public_id == bindparam("refund_id"))
by_key = refunds.where(RefundRow.idempotency_key == bindparam("key"))

insert_refund: Insert = insert(RefundRow)

_GUARDED: dict[str, Any] = {
    "index_elements": ["provider_code", "payment_reference", "kind"],
    "index_where": RefundRow.is_guard,
}
insert_guard_refund: dict[str, Any] = {
    "sqlite": sqlite_insert(RefundRow).on_conflict_do_nothing(**_GUARDED).returning(RefundRow.id),
    "postgresql": postgresql_insert(RefundRow)
    .on_conflict_do_nothing(**_GUARDED)
    .returning(RefundRow.id),
}

# Decided on the row as it is when it is written: the provider's word may come in that moment.
_is_contradicted = RefundRow.contradicted_at.is_not(None)
_keeps_trace = or_(bindparam("keeps_trace", type_=Boolean()), _is_contradicted)

reopen: Update = (
    update(RefundRow)
    .where(
        RefundRow.public_id == bindparam("refund_id"),
        RefundRow.status == RefundStatus.FAILED,
        RefundRow.version == bindparam("expected_version"),
    )
    .values(
        status=RefundStatus.STARTED,
        version=RefundRow.version + 1,
        token=RefundRow.token + 1,
        lease_until=bindparam("free_since", type_=UtcDateTime()),
        changed_at=bindparam("at", type_=UtcDateTime()),
        next_check_at=bindparam("at", type_=UtcDateTime()),
        sent_at=case((_keeps_trace, RefundRow.sent_at), else_=None),
        checks=0,
        retries=RefundRow.retries + 1,
        failure_code=None,
        technical_reason=None,
        provider_reference=case((_keeps_trace, RefundRow.provider_reference), else_=None),
        review_since=None,
        may_send_once_more=and_(
            bindparam("may_send_once_more", type_=Boolean()), ~_is_contradicted
        ),
        one_person_limit_minor=case(
            (bindparam("keeps_limit", type_=Boolean()), RefundRow.one_person_limit_minor),
            else_=bindparam("new_limit", type_=RefundRow.one_person_limit_minor.type),
        ),
    )
)

contradict: Update = (
    update(RefundRow)
    .where(
        RefundRow.public_id == bindparam("refund_id"),
        RefundRow.status == RefundStatus.FAILED,
        RefundRow.contradicted_at.is_(None),
    )
    .values(contradicted_at=bindparam("at", type_=UtcDateTime()))
)

void_transaction: Update = (
    update(TransactionRow)
    .where(
        TransactionRow.id
        == select(RefundRow.transaction_id)
        .where(RefundRow.public_id == bindparam("refund_id"))
        .scalar_subquery(),
        TransactionRow.status == TransactionStatus.APPROVED,
    )
    .values(
        status=TransactionStatus.VOIDED,
        version=TransactionRow.version + 1,
        changed_at=bindparam("at", type_=UtcDateTime()),
    )
)

evidence_of: Select[Any] = (
    select(EvidenceRow.outcome, EvidenceRow.detail)
    .join(TransactionRow, TransactionRow.id == EvidenceRow.transaction_id)
    .where(
        TransactionRow.public_id == bindparam("transaction"),
        EvidenceRow.source == bindparam("wanted_source"),
    )
)


@dataclass(frozen=True, slots=True)
class LeasedRefundStatements:
    """The statements that write or compare leases, for one kind of clock."""

    take: Update
    due_without_job: Select[Any]


_key = literal(f"{SEND_KEY}:") + RefundRow.public_id + literal(":") + cast(RefundRow.token, String)
_has_job = or_(
    exists().where(JobRow.dedup_key == _key, JobRow.state.in_((JobState.READY, JobState.RUNNING))),
    *(
        exists().where(JobRow.dedup_key == _key + literal(":") + bindparam(name, type_=String()))
        for name in ("this_hour", "last_hour")
    ),
)


def leased_refund_statements(clock: LeaseClock) -> LeasedRefundStatements:
    return LeasedRefundStatements(
        take=update(RefundRow)
        .where(
            RefundRow.public_id == bindparam("refund_id"),
            RefundRow.token == bindparam("expected_token"),
            RefundRow.version == bindparam("expected_version"),
            RefundRow.status.in_(OPEN_STATUSES),
            RefundRow.lease_until <= clock.now,
        )
        .values(
            token=RefundRow.token + 1,
            lease_until=clock.lease_end,
            sent_at=coalesce(RefundRow.sent_at, bindparam("new_sent_at", type_=UtcDateTime())),
            may_send_once_more=and_(RefundRow.may_send_once_more, ~bindparam("sends")),
        ),
        due_without_job=refunds.where(
            ~_has_job,
            RefundRow.status.in_(OPEN_STATUSES),
            RefundRow.lease_until <= clock.now,
            coalesce(RefundRow.next_check_at, RefundRow.lease_until) <= clock.now,
        )
        .order_by(coalesce(RefundRow.next_check_at, RefundRow.lease_until))
        .limit(bindparam("limit", type_=None)),
    )


record: Update = (
    update(RefundRow)
    .where(
        RefundRow.public_id == bindparam("refund_id"),
        RefundRow.version == bindparam("expected_version"),
        RefundRow.status.in_(OPEN_STATUSES),
        RefundRow.token == coalesce(bindparam("expected_token", type_=Integer()), RefundRow.token),
    )
    .values(
        status=bindparam("new_status", type_=RefundRow.status.type),
        version=RefundRow.version + 1,
        lease_until=bindparam("at", type_=UtcDateTime()),
        changed_at=bindparam("at", type_=UtcDateTime()),
        provider_reference=coalesce(
            bindparam("new_provider_reference"), RefundRow.provider_reference
        ),
        failure_code=bindparam("new_failure_code"),
        technical_reason=coalesce(bindparam("new_technical_reason"), RefundRow.technical_reason),
        sent_at=case(
            (bindparam("forgets_sending", type_=Boolean()), None), else_=RefundRow.sent_at
        ),
        checks=RefundRow.checks + bindparam("counted", type_=Integer()),
        next_check_at=bindparam("new_next_check_at", type_=UtcDateTime()),
        review_since=coalesce(
            RefundRow.review_since, bindparam("new_review_since", type_=UtcDateTime())
        ),
        contradicted_at=case(
            (bindparam("ends_contradiction", type_=Boolean()), None),
            else_=RefundRow.contradicted_at,
        ),
    )
)
