"""Expired and cancelled orders on SQL."""

from datetime import datetime

from sqlalchemy import Update, bindparam, exists, select, update

from payorch.application.jobs import NOTIFY_CUSTOMER, NewJob
from payorch.application.notices import NoticeEvent
from payorch.domain.payment_order import PaymentOrder
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import OPEN_STATUSES
from payorch.infrastructure.persistence.tables import OrderRow, TransactionRow

_MAY_END = OrderRow.status.in_((PaymentStatus.PENDING, PaymentStatus.FAILED))
_HAS_OPEN_ATTEMPT = exists().where(
    TransactionRow.order_id == OrderRow.id, TransactionRow.status.in_(OPEN_STATUSES)
)
_AT = bindparam("at", type_=UtcDateTime())

# The status is asked for again outside: on PostgreSQL a row that somebody claims between the
# reading and the writing is looked at again, and then it is not among these any more.
_EXPIRE: Update = (
    update(OrderRow)
    .where(
        OrderRow.id.in_(
            select(OrderRow.id)
            .where(_MAY_END, OrderRow.expires_at <= _AT, ~_HAS_OPEN_ATTEMPT)
            .order_by(OrderRow.expires_at)
            .limit(bindparam("at_most"))
            .scalar_subquery()
        ),
        _MAY_END,
    )
    .values(status=PaymentStatus.EXPIRED, version=OrderRow.version + 1, updated_at=_AT)
)
_CANCEL: Update = (
    update(OrderRow)
    .where(
        OrderRow.public_id == bindparam("wanted"),
        OrderRow.version == bindparam("expected_version"),
        _MAY_END,
    )
    .values(status=PaymentStatus.CANCELLED, version=OrderRow.version + 1, updated_at=_AT)
)


class SqlAlchemyOrderEndings:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def expire(self, *, at: datetime, limit: int) -> int:
        with self._transactions.write() as connection:
            return connection.execute(_EXPIRE, {"at": at, "at_most": limit}).rowcount

    def cancel(self, order: PaymentOrder, *, actor: str, reason: str, at: datetime) -> bool:
        values = {"wanted": order.id, "expected_version": order.version, "at": at}
        with self._transactions.write() as connection:
            if connection.execute(_CANCEL, values).rowcount == 0:
                return False
            insert_entry(
                connection,
                actor=actor,
                action="order_cancelled",
                subject=f"order:{order.id}",
                reason=reason,
                before={"status": order.status.value},
                after={"status": PaymentStatus.CANCELLED.value},
                at=at,
            )
            letter = {"order": order.id, "event": NoticeEvent.CANCELLED.value}
            job = NewJob(NOTIFY_CUSTOMER, letter, dedup_key=f"notify:cancelled:{order.id}")
            insert_jobs(connection, [job], at=at)
        return True
