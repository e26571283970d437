"""The journal as auditors read it: in the order of the chain, a page at a time.

Each page is a short read of its own, so that going through millions of entries holds neither
memory nor a transaction. SQLite takes any bytes in any column: what a hand has left there that
cannot be read is shown as such, because the entry has to be named all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select
from sqlalchemy.exc import OperationalError

from payorch.domain.errors import LedgerUnavailable
from payorch.domain.journal_chain import BEFORE_ALL, ChainHead, JournalEntry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import JournalHeadRow, JournalRow

PAGE = 2_000
"""Entries read by one statement."""

_UNREADABLE = (ValueError, TypeError, RecursionError, OperationalError, LedgerUnavailable)
"""What a column that a hand has spoiled raises: no JSON, no time, no UTF-8. A database that is
gone raises the last two as well, and raises them again."""

_TEXTS = ("actor", "action", "subject", "reason", "previous_hash", "hash")
_PLACEHOLDERS: Mapping[str, Any] = {
    "created_at": datetime.min.replace(tzinfo=UTC),
    "before": {"unreadable": True},
    "after": {"unreadable": True},
    **dict.fromkeys(_TEXTS, "(unreadable)"),
}

_ENTRIES = select(JournalRow.__table__).order_by(JournalRow.id)
_HEAD = select(JournalHeadRow.entries, JournalHeadRow.last_id, JournalHeadRow.hash)


class SqlAlchemyJournalReader:
    def __init__(self, transactions: LedgerTransactions, *, page_size: int = PAGE) -> None:
        self._transactions = transactions
        self._page_size = page_size

    def head(self) -> ChainHead | None:
        with self._transactions.read() as connection:
            row = connection.execute(_HEAD).one_or_none()
        return None if row is None else ChainHead(row.entries, row.last_id, row.hash)

    def page_after(self, entry_id: int) -> Sequence[JournalEntry]:
        return self._read(_ENTRIES.where(JournalRow.id > entry_id).limit(self._page_size))

    def follower_of(self, previous_hash: str) -> JournalEntry | None:
        return self._first(_ENTRIES.where(JournalRow.previous_hash == previous_hash))

    def with_hash(self, entry_hash: str) -> JournalEntry | None:
        return self._first(_ENTRIES.where(JournalRow.hash == entry_hash))

    def entries(
        self, *, since: datetime | None, until: datetime | None, up_to_id: int
    ) -> Iterator[JournalEntry]:
        """Entries of [since, until) in the order of the chain, up to the one with this id."""
        wanted = _ENTRIES.where(JournalRow.id <= up_to_id)
        if since is not None:
            wanted = wanted.where(JournalRow.created_at >= since)
        if until is not None:
            wanted = wanted.where(JournalRow.created_at < until)
        last_id = BEFORE_ALL
        while page := self._read(wanted.where(JournalRow.id > last_id).limit(self._page_size)):
            yield from page
            last_id = page[-1].id

    def _first(self, wanted: Select[*tuple[Any, ...]]) -> JournalEntry | None:
        return next(iter(self._read(wanted.limit(1))), None)

    def _read(self, wanted: Select[*tuple[Any, ...]]) -> Sequence[JournalEntry]:
        try:
            with self._transactions.read() as connection:
                return [_entry(row) for row in connection.execute(wanted).mappings()]
        except _UNREADABLE:
            with self._transactions.read() as connection:
                ids = connection.scalars(wanted.with_only_columns(JournalRow.id)).all()
                return [_piece_by_piece(connection, entry_id) for entry_id in ids]


def _entry(row: RowMapping) -> JournalEntry:
    """Raises TypeError when a text is none."""
    if not all(isinstance(row[name], str) for name in _TEXTS):
        raise TypeError("Not a text.")
    return JournalEntry(**row)


def _piece_by_piece(connection: Connection, entry_id: int) -> JournalEntry:
    """The entry with a placeholder for each column that cannot be read."""
    of_entry = JournalRow.id == entry_id
    values: dict[str, Any] = {"id": entry_id}
    for name, placeholder in _PLACEHOLDERS.items():
        column = JournalRow.__table__.c[name]
        try:
            value = connection.execute(select(column).where(of_entry)).scalar_one()
        except _UNREADABLE:
            value = placeholder
        is_wrong = name in _TEXTS and not isinstance(value, str)
        values[name] = placeholder if is_wrong else value
    return JournalEntry(**values)
