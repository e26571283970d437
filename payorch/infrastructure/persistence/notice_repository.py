"""Notices on SQL: written once per dedup_key, changed only while they are queued."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from payorch.application.jobs import NOTIFY_CUSTOMER, NewJob
from payorch.application.notices import (
    Delivery,
    Letter,
    NewNotice,
    Notice,
    OrderFacts,
    PaidFacts,
    RefundFacts,
)
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.infrastructure.persistence import notice_statements as sql
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables.notices import NoticeState

MAX_SUBJECT_LENGTH = 200
MAX_ERROR_LENGTH = 300
ID_LENGTH = 26


class SqlAlchemyNoticeFacts:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def order(self, order_id: OrderId) -> OrderFacts | None:
        with self._transactions.read() as connection:
            row = connection.execute(sql.order_facts, {"order": order_id}).mappings().first()
        if row is None:
            return None
        paid = None
        if row["paid_id"] is not None:
            paid = PaidFacts(row["paid_at"], row["card_brand"], row["card_last4"])
        return OrderFacts(
            row_key=row["id"],
            id=OrderId(row["public_id"]),
            money=Money(row["amount_minor"], row["currency"]),
            status=row["status"],
            description=row["description"],
            email=row["customer_email"],
            language=row["language"],
            expires_at=row["expires_at"],
            paid=paid,
            refunded_minor=int(row["refunded_minor"]),
            is_flagged=row["flag"] is not None,
        )

    def refund(self, order_id: OrderId, refund_id: RefundId) -> RefundFacts | None:
        parameters = {"order": order_id, "refund": refund_id}
        with self._transactions.read() as connection:
            row = connection.execute(sql.refund_facts, parameters).mappings().first()
        if row is None:
            return None
        return RefundFacts(
            id=RefundId(row["public_id"]),
            money=Money(row["amount_minor"], row["currency"]),
            status=row["status"],
            is_guard=row["is_guard"],
            at=row["changed_at"],
        )


class SqlAlchemyNoticeBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def write(self, new: NewNotice, *, at: datetime) -> Notice:
        with self._transactions.write() as connection:
            _insert(connection, new, at)
            return _by_key(connection, new.dedup_key)

    def find(self, notice_id: str) -> Notice | None:
        with self._transactions.read() as connection:
            row = connection.execute(sql.notice_by_id, {"notice": notice_id}).mappings().first()
        return None if row is None else _notice_from(row)

    def finish(self, notice_id: str, delivery: Delivery, *, at: datetime) -> None:
        if delivery is Delivery.SENT:
            self._change(notice_id, NoticeState.SENT, sent_at=at)
        else:
            self._change(notice_id, NoticeState.KEPT)

    def fail(self, notice_id: str, error: str) -> None:
        self._change(notice_id, NoticeState.FAILED, error=error)

    def note_error(self, notice_id: str, error: str) -> None:
        self._change(notice_id, NoticeState.QUEUED, error=error)

    def write_again(
        self, notice_id: str, *, dedup_key: str, actor: str, reason: str, at: datetime
    ) -> Notice | None:
        with self._transactions.write() as connection:
            row = connection.execute(sql.notice_by_id, {"notice": notice_id}).mappings().first()
            if row is None:
                return None
            old = _notice_from(row)
            copy = NewNotice(dedup_key, old.kind, old.recipient, old.letter, row["order_id"])
            is_new = _insert(connection, copy, at)
            again = _by_key(connection, dedup_key)
            if is_new:
                insert_entry(
                    connection,
                    actor=actor,
                    action="notice.resend",
                    subject=f"order:{old.order_id}",
                    reason=reason,
                    before={"notice": old.id},
                    after={"notice": again.id},
                    at=at,
                )
                job = NewJob(NOTIFY_CUSTOMER, {"notice": again.id}, dedup_key=f"notify:{again.id}")
                insert_jobs(connection, [job], at=at)
            return again

    def _change(
        self,
        notice_id: str,
        state: NoticeState,
        *,
        error: str | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        parameters = {
            "notice": notice_id,
            "new_state": state,
            "new_error": None if error is None else error[:MAX_ERROR_LENGTH],
            "new_sent_at": sent_at,
        }
        with self._transactions.write() as connection:
            connection.execute(sql.change_notice, parameters)


def notice_id_of(dedup_key: str) -> str:
    """The public id, the same for the same key: also when the row has to be written again."""
    return f"no_{hashlib.sha256(dedup_key.encode()).hexdigest()[:ID_LENGTH]}"


def _insert(connection: Connection, new: NewNotice, at: datetime) -> bool:
    """Whether it was not there before."""
    values: dict[str, Any] = {
        "public_id": notice_id_of(new.dedup_key),
        "dedup_key": new.dedup_key,
        "kind": new.kind,
        "order_id": new.order_key,
        "recipient": new.recipient,
        "subject": new.letter.subject[:MAX_SUBJECT_LENGTH],
        "body": new.letter.text,
        "body_html": new.letter.html,
        "state": NoticeState.QUEUED,
        "created_at": at,
    }
    inserted = connection.execute(sql.insert_notice[connection.dialect.name], values)
    return inserted.scalar_one_or_none() is not None


def _by_key(connection: Connection, dedup_key: str) -> Notice:
    row = connection.execute(sql.notice_by_key, {"key": dedup_key}).mappings().one()
    return _notice_from(row)


def _notice_from(row: RowMapping) -> Notice:
    order_id = row["order_public_id"]
    return Notice(
        id=row["public_id"],
        kind=row["kind"],
        recipient=row["recipient"],
        letter=Letter(row["subject"], row["body"], row["body_html"]),
        is_queued=row["state"] is NoticeState.QUEUED,
        created_at=row["created_at"],
        order_id=None if order_id is None else OrderId(order_id),
    )
