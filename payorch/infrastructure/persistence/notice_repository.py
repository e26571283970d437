"""Notices on SQL: written once per dedup_key, changed only while they are queued."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from payorch.application.jobs import NOTIFY_CUSTOMER, NewJob
from payorch.application.notices import (
    CustomerErased,
    Delivery,
    NewNotice,
    Notice,
    OrderFacts,
    PaidFacts,
    RefundFacts,
)
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.infrastructure.observability.redaction import redact_text
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
            email=self._transactions.personal_data.email_of(
                row["public_id"], row["customer_sealed"], row["customer_email"]
            ),
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
        values = self._values(new, at)
        with self._transactions.write() as connection:
            _require_customer(connection, new.order_key)
            _insert(connection, values)
            row = _by_key(connection, new.dedup_key)
        return self._notice(row)

    def find(self, notice_id: str) -> Notice | None:
        with self._transactions.read() as connection:
            row = connection.execute(sql.notice_by_id, {"notice": notice_id}).mappings().first()
        return None if row is None else self._notice(row)

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
        with self._transactions.read() as connection:
            row = connection.execute(sql.notice_by_id, {"notice": notice_id}).mappings().first()
        if row is None:
            return None
        old = self._notice(row)
        copy = NewNotice(dedup_key, old.kind, old.recipient, old.letter, row["order_id"])
        values = self._values(copy, at)
        with self._transactions.write() as connection:
            _require_customer(connection, copy.order_key)
            is_new = _insert(connection, values)
            again = _by_key(connection, dedup_key)
            if is_new:
                insert_entry(
                    connection,
                    actor=actor,
                    action="notice.resend",
                    subject=f"order:{old.order_id}",
                    reason=reason,
                    before={"notice": old.id},
                    after={"notice": again["public_id"]},
                    at=at,
                )
                copied = again["public_id"]
                job = NewJob(NOTIFY_CUSTOMER, {"notice": copied}, dedup_key=f"notify:{copied}")
                insert_jobs(connection, [job], at=at)
        return self._notice(again)

    def _values(self, new: NewNotice, at: datetime) -> dict[str, Any]:
        public_id, letter = notice_id_of(new.dedup_key), new.letter
        kept = replace(letter, subject=letter.subject[:MAX_SUBJECT_LENGTH])
        return {
            "public_id": public_id,
            "dedup_key": new.dedup_key,
            "kind": new.kind,
            "order_id": new.order_key,
            **self._transactions.personal_data.letter_values(public_id, new.recipient, kept),
            "state": NoticeState.QUEUED,
            "created_at": at,
        }

    def _notice(self, row: RowMapping) -> Notice:
        order_id = row["order_public_id"]
        addressed = self._transactions.personal_data.letter_in(row)
        return Notice(
            id=row["public_id"],
            kind=row["kind"],
            recipient=addressed.recipient,
            letter=addressed.letter,
            is_queued=row["state"] is NoticeState.QUEUED,
            created_at=row["created_at"],
            order_id=None if order_id is None else OrderId(order_id),
        )

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
            # Mail servers repeat the address they refuse.
            "new_error": None if error is None else redact_text(error)[:MAX_ERROR_LENGTH],
            "new_sent_at": sent_at,
        }
        with self._transactions.write() as connection:
            connection.execute(sql.change_notice, parameters)


def notice_id_of(dedup_key: str) -> str:
    """The public id, the same for the same key: also when the row has to be written again."""
    return f"no_{hashlib.sha256(dedup_key.encode()).hexdigest()[:ID_LENGTH]}"


def _require_customer(connection: Connection, order_key: int | None) -> None:
    """The letter was written from what was read before: the customer may be erased since.

    An erasure waits for the lock, and then finds the letter too. Raises CustomerErased.
    """
    if order_key is None:
        return
    if connection.scalar(sql.order_erased_at, {"order_key": order_key}) is not None:
        raise CustomerErased


def _insert(connection: Connection, values: dict[str, Any]) -> bool:
    """Whether it was not there before."""
    inserted = connection.execute(sql.insert_notice[connection.dialect.name], values)
    return inserted.scalar_one_or_none() is not None


def _by_key(connection: Connection, dedup_key: str) -> RowMapping:
    return connection.execute(sql.notice_by_key, {"key": dedup_key}).mappings().one()
