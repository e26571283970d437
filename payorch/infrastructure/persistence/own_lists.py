"""Columns and saved views of the staff. Each statement names whose they are.

A change locks the person's row first, so that two requests of one person, who may have two
windows open, follow each other: neither the limit nor a name is passed by both.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from payorch.application.own_lists import MAX_VIEWS, OwnList, OwnView
from payorch.domain.errors import ListViewRefused
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables.own_lists import ListColumnsRow, ListViewRow
from payorch.infrastructure.persistence.tables.staff import StaffRow


class SqlAlchemyOwnLists:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def of(self, staff: str, list_name: str) -> OwnList:
        staff_id = select(StaffRow.id).where(StaffRow.email == staff).scalar_subquery()
        with self._transactions.read() as connection:
            columns = connection.scalar(
                select(ListColumnsRow.columns).where(
                    ListColumnsRow.staff_id == staff_id, ListColumnsRow.list_name == list_name
                )
            )
            views = connection.execute(
                select(ListViewRow.public_id, ListViewRow.name, ListViewRow.filters)
                .where(ListViewRow.staff_id == staff_id, ListViewRow.list_name == list_name)
                .order_by(func.lower(ListViewRow.name), ListViewRow.id)
            ).all()
        return OwnList(columns, [OwnView(row.public_id, row.name, row.filters) for row in views])

    def show_columns(self, staff: str, list_name: str, columns: Sequence[str] | None) -> None:
        with self._locked(staff) as (connection, staff_id):
            connection.execute(
                delete(ListColumnsRow).where(
                    ListColumnsRow.staff_id == staff_id, ListColumnsRow.list_name == list_name
                )
            )
            if columns is not None:
                connection.execute(
                    insert(ListColumnsRow).values(
                        staff_id=staff_id, list_name=list_name, columns=list(columns)
                    )
                )

    def save_view(
        self, staff: str, list_name: str, name: str, filters: Mapping[str, str], *, at: datetime
    ) -> None:
        with self._locked(staff) as (connection, staff_id):
            names = _names(connection, staff_id, list_name)
            _refuse_taken(name, names.values())
            if len(names) >= MAX_VIEWS:
                raise ListViewRefused(
                    f"You have {MAX_VIEWS} views of this list already: delete one first."
                )
            connection.execute(
                insert(ListViewRow).values(
                    public_id=f"lv_{secrets.token_hex(12)}",
                    staff_id=staff_id,
                    list_name=list_name,
                    name=name,
                    filters=dict(filters),
                    created_at=at,
                )
            )

    def rename_view(self, staff: str, list_name: str, view_id: str, name: str) -> None:
        with self._locked(staff) as (connection, staff_id):
            names = _names(connection, staff_id, list_name)
            if view_id not in names:
                raise ListViewRefused(_GONE)
            _refuse_taken(name, [it for key, it in names.items() if key != view_id])
            connection.execute(
                update(ListViewRow)
                .where(ListViewRow.staff_id == staff_id, ListViewRow.public_id == view_id)
                .values(name=name)
            )

    def delete_view(self, staff: str, list_name: str, view_id: str) -> None:
        with self._locked(staff) as (connection, staff_id):
            gone = connection.execute(
                delete(ListViewRow).where(
                    *_of_list(staff_id, list_name), ListViewRow.public_id == view_id
                )
            )
            if gone.rowcount == 0:
                raise ListViewRefused(_GONE)

    @contextmanager
    def _locked(self, staff: str) -> Iterator[tuple[Connection, int]]:
        with self._transactions.write() as connection:
            staff_id = connection.scalar(
                select(StaffRow.id).where(StaffRow.email == staff).with_for_update()
            )
            if staff_id is None:
                raise ListViewRefused("Only somebody with an account can arrange a list.")
            yield connection, staff_id


_GONE = "There is no such view of yours any more."


def _of_list(staff_id: int, list_name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ListViewRow.staff_id == staff_id, ListViewRow.list_name == list_name


def _names(connection: Connection, staff_id: int, list_name: str) -> dict[str, str]:
    found = connection.execute(
        select(ListViewRow.public_id, ListViewRow.name).where(*_of_list(staff_id, list_name))
    )
    return {row.public_id: row.name for row in found}


def _refuse_taken(name: str, names: Iterable[str]) -> None:
    if name.casefold() in {it.casefold() for it in names}:
        raise ListViewRefused(f"You have a view {name!r} of this list already.")
