"""Statements about notices, built once."""

from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.tables import (
    NoticeRow,
    OrderRow,
    RefundRow,
    SubmissionRow,
    TransactionRow,
)
from payorch.infrastructure.persistence.tables.notices import NoticeState

# Whatever collides, the public id or the key it was made of, the notice is there already.
insert_notice: dict[str, Any] = {
    "sqlite": sqlite_insert(NoticeRow).on_conflict_do_nothing().returning(NoticeRow.id),
    "postgresql": postgresql_insert(NoticeRow).on_conflict_do_nothing().returning(NoticeRow.id),
}

_COLUMNS = (
    NoticeRow.public_id,
    NoticeRow.kind,
    NoticeRow.recipient,
    NoticeRow.subject,
    NoticeRow.body,
    NoticeRow.body_html,
    NoticeRow.sealed,
    NoticeRow.state,
    NoticeRow.created_at,
    NoticeRow.order_id,
    OrderRow.public_id.label("order_public_id"),
)
_notice = select(*_COLUMNS).outerjoin(OrderRow, NoticeRow.order_id == OrderRow.id)

notice_by_id = _notice.where(NoticeRow.public_id == bindparam("notice"))
notice_by_key = _notice.where(NoticeRow.dedup_key == bindparam("key"))

order_erased_at = (
    select(OrderRow.erased_at)
    .where(OrderRow.id == bindparam("order_key"))
    .with_for_update(read=True)
)

change_notice = (
    update(NoticeRow)
    # A sent one stays sent, whatever a slower twin of the job has to say.
    .where(NoticeRow.public_id == bindparam("notice"), NoticeRow.state == NoticeState.QUEUED)
    .values(
        state=bindparam("new_state"), error=bindparam("new_error"), sent_at=bindparam("new_sent_at")
    )
)

_refunded = (
    select(func.coalesce(func.sum(RefundRow.amount_minor), 0))
    .where(
        RefundRow.order_id == OrderRow.id,
        RefundRow.status == RefundStatus.SUCCEEDED,
        RefundRow.is_guard.is_(False),
    )
    .scalar_subquery()
)
_language = (
    select(SubmissionRow.language)
    .where(SubmissionRow.order_id == OrderRow.id, SubmissionRow.language.is_not(None))
    .order_by(SubmissionRow.id.desc())
    .limit(1)
    .scalar_subquery()
)

order_facts = (
    select(
        OrderRow.id,
        OrderRow.public_id,
        OrderRow.amount_minor,
        OrderRow.currency,
        OrderRow.status,
        OrderRow.description,
        OrderRow.customer_email,
        OrderRow.customer_sealed,
        OrderRow.expires_at,
        OrderRow.flag,
        TransactionRow.id.label("paid_id"),
        func.coalesce(TransactionRow.answered_at, TransactionRow.started_at).label("paid_at"),
        TransactionRow.card_brand,
        TransactionRow.card_last4,
        _refunded.label("refunded_minor"),
        _language.label("language"),
    )
    .outerjoin(TransactionRow, TransactionRow.id == OrderRow.paid_transaction_id)
    .where(OrderRow.public_id == bindparam("order"))
)

refund_facts = (
    select(
        RefundRow.public_id,
        RefundRow.amount_minor,
        RefundRow.currency,
        RefundRow.status,
        RefundRow.is_guard,
        RefundRow.changed_at,
    )
    .join(OrderRow, RefundRow.order_id == OrderRow.id)
    .where(RefundRow.public_id == bindparam("refund"), OrderRow.public_id == bindparam("order"))
)
