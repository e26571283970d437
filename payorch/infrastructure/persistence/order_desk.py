"""Work of the staff at one order, on SQL: each piece is one transaction with its journal entry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.domain.errors import FlagNotOpen, OrderNotFound
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import OrderNoteRow, OrderRow

MAX_JOURNAL_REASON = 500

_ORDER = select(OrderRow.id).where(OrderRow.public_id == bindparam("wanted"))

# The order's version moves with every flag: what she has read is what she is through with.
_DEAL: Update = (
    update(OrderRow)
    .where(
        OrderRow.public_id == bindparam("wanted"),
        OrderRow.version == bindparam("seen_version"),
        OrderRow.flag.is_not(None),
        OrderRow.flag_dealt_at.is_(None),
    )
    .values(flag_dealt_at=bindparam("at", type_=UtcDateTime()), version=OrderRow.version + 1)
    .returning(OrderRow.flag)
)
_REOPEN: Update = (
    update(OrderRow)
    .where(
        OrderRow.public_id == bindparam("wanted"),
        OrderRow.flag.is_not(None),
        OrderRow.flag_dealt_at.is_not(None),
    )
    .values(flag_dealt_at=None, version=OrderRow.version + 1)
    .returning(OrderRow.flag)
)
_INSERT_NOTE: Mapping[str, Any] = {
    "sqlite": sqlite_insert(OrderNoteRow).on_conflict_do_nothing().returning(OrderNoteRow.id),
    "postgresql": postgresql_insert(OrderNoteRow)
    .on_conflict_do_nothing()
    .returning(OrderNoteRow.id),
}


class SqlAlchemyOrderDesk:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def journal_check(
        self,
        transaction_id: TransactionId,
        *,
        facts: Mapping[str, object],
        actor: str,
        reason: str,
        at: datetime,
    ) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=actor,
                action="transaction_checked",
                subject=f"transaction:{transaction_id}",
                reason=reason,
                before=None,
                after=facts,
                at=at,
            )

    def deal_with_flag(
        self, order_id: OrderId, *, seen_version: int, actor: str, note: str, at: datetime
    ) -> None:
        values = {"wanted": order_id, "seen_version": seen_version, "at": at}
        with self._transactions.write() as connection:
            flag = connection.execute(_DEAL, values).scalar_one_or_none()
            if flag is None:
                raise FlagNotOpen("The order has changed since you read it. Look at it again.")
            insert_entry(
                connection,
                actor=actor,
                action="order_flag_dealt_with",
                subject=f"order:{order_id}",
                reason=note,
                before={"flag": flag, "dealt_with": False},
                after={"flag": flag, "dealt_with": True},
                at=at,
            )

    def reopen_flag(self, order_id: OrderId, *, actor: str, reason: str, at: datetime) -> None:
        with self._transactions.write() as connection:
            flag = connection.execute(_REOPEN, {"wanted": order_id}).scalar_one_or_none()
            if flag is None:
                raise FlagNotOpen("No flag of this order is dealt with.")
            insert_entry(
                connection,
                actor=actor,
                action="order_flag_reopened",
                subject=f"order:{order_id}",
                reason=reason,
                before={"flag": flag, "dealt_with": True},
                after={"flag": flag, "dealt_with": False},
                at=at,
            )

    def add_note(
        self, order_id: OrderId, *, key: str, author: str, text: str, at: datetime
    ) -> None:
        with self._transactions.write() as connection:
            order_key = connection.execute(_ORDER, {"wanted": order_id}).scalar_one_or_none()
            if order_key is None:
                raise OrderNotFound("There is no such order.")
            values = {
                "order_id": order_key,
                "dedup_key": key,
                "author": author,
                "text": text,
                "created_at": at,
            }
            note = connection.execute(_INSERT_NOTE[connection.dialect.name], values).scalar()
            if note is None:
                return
            insert_entry(
                connection,
                actor=author,
                action="order_note_added",
                subject=f"order:{order_id}",
                # The whole note stands in its row; the journal's reason is shorter.
                reason=text[:MAX_JOURNAL_REASON],
                before=None,
                after={"note": note},
                at=at,
            )
