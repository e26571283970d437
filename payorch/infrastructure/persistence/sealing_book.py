"""Sealing on SQL: rows that are in the clear, or sealed with a former key, are sealed anew.

Each row is compared and swapped, so that a customer who pays at the same moment wins.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Update, bindparam, delete, func, select, update

from payorch.application.jobs import SEAL_PERSONAL_DATA, NewJob
from payorch.application.personal_data import KeyState, Sealed, SealingState, Step
from payorch.domain.errors import SecretUnreadable
from payorch.infrastructure.persistence.data_keys import PERSONAL_DATA, DataKeys
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import CUSTOMER_COLUMNS
from payorch.infrastructure.persistence.tables import DataKeyRow, NoticeRow, OrderRow

_LETTER_COLUMNS = (
    "sealed",
    "key_id",
    "recipient_index",
    "recipient",
    "subject",
    "body",
    "body_html",
)

_KEY_OF: dict[Sealed, Any] = {
    Sealed.ORDERS: OrderRow.__table__.c.customer_key_id,
    Sealed.NOTICES: NoticeRow.__table__.c.key_id,
}
_IN_CLEAR: dict[Sealed, Any] = {
    Sealed.ORDERS: OrderRow.customer_email.is_not(None),
    Sealed.NOTICES: NoticeRow.body != "",
}
_ROWS: dict[Sealed, Any] = {
    Sealed.ORDERS: select(
        OrderRow.id,
        OrderRow.version,
        OrderRow.public_id,
        *(OrderRow.__table__.c[name] for name in CUSTOMER_COLUMNS),
    ),
    Sealed.NOTICES: select(
        NoticeRow.id,
        NoticeRow.public_id,
        *(NoticeRow.__table__.c[name] for name in _LETTER_COLUMNS),
    ),
}


def _swap(table: Any, columns: Sequence[str], condition: Any) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"), condition)
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )


_ORDERS, _NOTICES = OrderRow.__table__, NoticeRow.__table__
# A claim moves the order's version, an erasure says so; a letter changes by its erasure only.
_SWAPS: dict[Sealed, Update] = {
    Sealed.ORDERS: _swap(
        _ORDERS,
        CUSTOMER_COLUMNS,
        (_ORDERS.c.version == bindparam("seen_version")) & _ORDERS.c.erased_at.is_(None),
    ),
    Sealed.NOTICES: _swap(
        _NOTICES,
        _LETTER_COLUMNS,
        (_NOTICES.c.sealed == bindparam("seen_sealed")) | (_NOTICES.c.body != ""),
    ),
}


class SqlAlchemySealingBook:
    def __init__(self, transactions: LedgerTransactions, keys: DataKeys) -> None:
        self._transactions = transactions
        self._keys = keys

    def former_keys(self) -> Sequence[int]:
        # What is sealed from here on is sealed with the key that is in use now.
        self._keys.forget()
        in_use = self._keys.in_use().id
        statement = select(DataKeyRow.id).where(
            DataKeyRow.purpose == PERSONAL_DATA, DataKeyRow.id != in_use
        )
        with self._transactions.read() as connection:
            return list(connection.execute(statement.order_by(DataKeyRow.id)).scalars())

    def seal_anew(self, table: Sealed, *, key_id: int | None, after: int, limit: int) -> Step:
        rows = self._rows(_batch(table, key_id, after, limit))
        swaps = []
        for row in rows:
            try:
                swaps.append(self._swapped(table, row))
            except SecretUnreadable:
                continue
        if swaps:
            with self._transactions.write() as connection:
                connection.execute(_SWAPS[table], swaps)
        last = rows[-1].id if rows else None
        return Step(last, len(swaps), len(rows) - len(swaps))

    def rotate(self, *, actor: str, reason: str, at: datetime) -> int:
        with self._transactions.write() as connection:
            key_id = self._keys.insert(connection, PERSONAL_DATA)
            _journal(connection, "data_key_rotated", key_id, actor=actor, reason=reason, at=at)
            job = NewJob(SEAL_PERSONAL_DATA, dedup_key=f"seal:{key_id}")
            insert_jobs(connection, [job], at=at)
        self._keys.forget()
        return key_id

    def wrap_anew(self) -> int:
        wrapped = 0
        for row in self._rows(select(DataKeyRow.id, DataKeyRow.wrapped)):
            anew = self._keys.wrapped_anew(row.id, row.wrapped)
            if anew is None:
                continue
            statement = update(DataKeyRow).where(
                DataKeyRow.id == row.id, DataKeyRow.wrapped == row.wrapped
            )
            with self._transactions.write() as connection:
                wrapped += connection.execute(statement.values(wrapped=anew)).rowcount
        return wrapped

    def destroy_unused(self, *, retired_before: datetime, at: datetime) -> Sequence[int]:
        retired = select(DataKeyRow.id).where(
            DataKeyRow.purpose == PERSONAL_DATA,
            DataKeyRow.retired_at <= bindparam("before", retired_before, type_=UtcDateTime()),
        )
        destroyed = []
        for row in self._rows(retired):
            with self._transactions.write() as connection:
                if any(_needing(connection, table, row.id) for table in Sealed):
                    continue
                connection.execute(delete(DataKeyRow).where(DataKeyRow.id == row.id))
                _journal(
                    connection,
                    "data_key_destroyed",
                    row.id,
                    actor="system",
                    reason="No row needs it any more.",
                    at=at,
                )
            destroyed.append(row.id)
        if destroyed:
            self._keys.forget()
        return destroyed

    def state(self) -> SealingState:
        with self._transactions.read() as connection:
            rows = connection.execute(select(DataKeyRow.__table__).order_by(DataKeyRow.id)).all()
            return SealingState(
                keys=tuple(
                    KeyState(
                        id=row.id,
                        purpose=row.purpose,
                        created_at=row.created_at,
                        retired_at=row.retired_at,
                        is_wrapped_anew=self._keys.wrapped_anew(row.id, row.wrapped) is None,
                        orders=_needing(connection, Sealed.ORDERS, row.id),
                        notices=_needing(connection, Sealed.NOTICES, row.id),
                    )
                    for row in rows
                ),
                in_clear=sum(_count(connection, table, _IN_CLEAR[table]) for table in Sealed),
            )

    def _rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
        with self._transactions.read() as connection:
            return connection.execute(statement).all()

    def _swapped(self, table: Sealed, row: Any) -> dict[str, Any]:
        """Parameters of the swap. Raises SecretUnreadable."""
        personal_data = self._transactions.personal_data
        if table is Sealed.ORDERS:
            customer = personal_data.customer_of(row)
            values = personal_data.customer_values(row.public_id, customer)
            seen = {"seen_version": row.version}
        else:
            found = personal_data.letter_of(row)
            values = personal_data.letter_values(row.public_id, found.recipient, found.letter)
            seen = {"seen_sealed": row.sealed}
        return {"row_id": row.id, **seen, **{f"new_{name}": v for name, v in values.items()}}


def _batch(table: Sealed, key_id: int | None, after: int, limit: int) -> Select[Any]:
    rows: Select[Any] = _ROWS[table]
    key = rows.selected_columns.id
    wanted = _IN_CLEAR[table] if key_id is None else _KEY_OF[table] == key_id
    return rows.where(wanted, key > after).order_by(key).limit(limit)


def _needing(connection: Connection, table: Sealed, key_id: int) -> int:
    return _count(connection, table, _KEY_OF[table] == key_id)


def _count(connection: Connection, table: Sealed, condition: Any) -> int:
    statement = select(func.count()).select_from(_KEY_OF[table].table).where(condition)
    return int(connection.execute(statement).scalar_one())


def _journal(
    connection: Connection, action: str, key_id: int, *, actor: str, reason: str, at: datetime
) -> None:
    insert_entry(
        connection,
        actor=actor,
        action=action,
        subject=f"data_key:{key_id}",
        reason=reason,
        before=None,
        after={"key": key_id},
        at=at,
    )
