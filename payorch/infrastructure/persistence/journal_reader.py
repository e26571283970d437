"""The journal as auditors read it: in the order of the chain, a page at a time.

Each page is a short read of its own, so that going through millions of entries holds neither
memory nor a transaction.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, select

from payorch.domain.journal_chain import ChainHead, JournalEntry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import JournalHeadRow, JournalRow

PAGE = 2_000
"""Entries read by one statement."""

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
        last_id = -1
        while page := self._read(wanted.where(JournalRow.id > last_id).limit(self._page_size)):
            yield from page
            last_id = page[-1].id

    def _first(self, wanted: Select[*tuple[Any, ...]]) -> JournalEntry | None:
        return next(iter(self._read(wanted.limit(1))), None)

    def _read(self, wanted: Select[*tuple[Any, ...]]) -> Sequence[JournalEntry]:
        with self._transactions.read() as connection:
            return [_entry(row) for row in connection.execute(wanted).mappings()]


def _entry(row: RowMapping) -> JournalEntry:
    return JournalEntry(**row)
