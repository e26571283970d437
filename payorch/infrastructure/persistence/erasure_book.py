"""Erasure on SQL: personal data is overwritten for ever; amounts, references and ledger stay.

Whether an order may be erased is asked within the UPDATE: nobody starts a refund in between.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, exists, or_, select, update

from payorch.application.personal_data import Erasable, OldOrder
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import OPEN_REFUND_STATUSES
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import OPEN_STATUSES
from payorch.infrastructure.persistence.tables import (
    NoticeRow,
    OrderRow,
    RefundRow,
    SubmissionRow,
    TransactionRow,
)

_EVER = datetime(1970, 1, 1, tzinfo=UTC)

FINISHED = (PaymentStatus.PAID, PaymentStatus.EXPIRED, PaymentStatus.CANCELLED)

_NOT_OF_ORDER: tuple[tuple[ColumnElement[bool], str], ...] = (
    (OrderRow.status.not_in(FINISHED), "It can still be paid, or is being paid."),
    (
        exists().where(
            TransactionRow.order_id == OrderRow.id, TransactionRow.status.in_(OPEN_STATUSES)
        ),
        "The outcome of one of its payments is in doubt.",
    ),
    (
        exists().where(
            RefundRow.order_id == OrderRow.id, RefundRow.status.in_(sorted(OPEN_REFUND_STATUSES))
        ),
        "A refund of it is open.",
    ),
    (
        OrderRow.flag.is_not(None) & OrderRow.flag_dealt_at.is_(None),
        "Its flag is not dealt with.",
    ),
)
_WHY_NOT = case(*((condition, text) for condition, text in _NOT_OF_ORDER), else_=None)
_MAY_BE = _WHY_NOT.is_(None)
_ERASABLE: Select[Any] = select(
    OrderRow.public_id, _WHY_NOT.label("why_not"), OrderRow.erased_at.is_not(None).label("erased")
).order_by(OrderRow.id)
_BEFORE = (
    select(OrderRow.public_id, OrderRow.created_at)
    .where(
        OrderRow.created_at >= bindparam("since", type_=UtcDateTime()),
        OrderRow.created_at < bindparam("moment", type_=UtcDateTime()),
        OrderRow.updated_at < bindparam("moment", type_=UtcDateTime()),
        OrderRow.erased_at.is_(None),
        _MAY_BE,
    )
    .order_by(OrderRow.created_at, OrderRow.id)
    .limit(bindparam("at_most"))
)
_ERASE = (
    update(OrderRow)
    .where(OrderRow.public_id == bindparam("wanted"), OrderRow.erased_at.is_(None), _MAY_BE)
    .values(
        customer_sealed=None,
        customer_key_id=None,
        customer_email_index=None,
        customer_name=None,
        customer_email=None,
        customer_fields={},
        # A merchant may have written anything into it.
        order_metadata={},
        # A short text can be guessed from its hash; a replay is refused from here on.
        request_hash=None,
        version=OrderRow.version + 1,
        erased_at=bindparam("at", type_=UtcDateTime()),
        erased_by=bindparam("actor"),
    )
    .returning(OrderRow.id)
)
_ERASE_LETTERS = (
    update(NoticeRow)
    .where(NoticeRow.order_id == bindparam("order_key"))
    .values(
        sealed=None,
        key_id=None,
        recipient_index=None,
        recipient="",
        subject="",
        body="",
        body_html="",
        error=None,
    )
)
_ERASE_TRACES = (
    update(SubmissionRow)
    .where(SubmissionRow.order_id == bindparam("order_key"))
    .values(client_hash=None, request_hash="")
)


class SqlAlchemyErasureBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def of_order(self, order_id: OrderId) -> Erasable | None:
        return next(iter(self._erasable(OrderRow.public_id == order_id)), None)

    def of_email(self, email: str) -> Sequence[Erasable]:
        index = self._transactions.personal_data.email_index(email)
        return self._erasable(
            or_(OrderRow.customer_email_index == index, OrderRow.customer_email == email.lower())
        )

    def finished_before(
        self, moment: datetime, *, since: datetime | None, limit: int
    ) -> Sequence[OldOrder]:
        values = {"moment": moment, "since": since or _EVER, "at_most": limit}
        with self._transactions.read() as connection:
            return [
                OldOrder(OrderId(row.public_id), row.created_at)
                for row in connection.execute(_BEFORE, values)
            ]

    def erase(
        self, order_ids: Collection[OrderId], *, actor: str, reason: str, at: datetime
    ) -> Sequence[OrderId]:
        erased = []
        with self._transactions.write() as connection:
            for order_id in order_ids:
                values = {"wanted": order_id, "at": at, "actor": actor}
                order_key = connection.execute(_ERASE, values).scalar_one_or_none()
                if order_key is None:
                    continue
                connection.execute(_ERASE_LETTERS, {"order_key": order_key})
                connection.execute(_ERASE_TRACES, {"order_key": order_key})
                insert_entry(
                    connection,
                    actor=actor,
                    action="customer_erased",
                    subject=f"order:{order_id}",
                    reason=reason,
                    before=None,
                    after=None,
                    at=at,
                )
                erased.append(order_id)
        return erased

    def _erasable(self, condition: ColumnElement[bool]) -> list[Erasable]:
        with self._transactions.read() as connection:
            return [
                Erasable(OrderId(row.public_id), row.why_not, bool(row.erased))
                for row in connection.execute(_ERASABLE.where(condition))
            ]
