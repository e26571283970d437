"""The journal for auditors: where its chain ends, and its entries to take away.

Whoever takes them in the back office is journalled before the first entry leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.journal_chain import ChainHead, JournalEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJournal:
    """Entries of [since, until); None reaches to the first, or to the newest one."""

    since: datetime | None
    until: datetime | None
    form: str
    actor: str
    reason: str


class StoredJournal(Protocol):
    """All raise LedgerUnavailable."""

    def head(self) -> ChainHead | None:
        """The end of the chain; None when somebody has removed it."""

    def entries(
        self, *, since: datetime | None, until: datetime | None, up_to_id: int
    ) -> Iterator[JournalEntry]:
        """Entries of [since, until) in the order of the chain, none after `up_to_id`."""


class JournalExports(Protocol):
    def journal_export(self, command: ExportJournal, *, at: datetime) -> None:
        """One entry about who takes what. Raises LedgerUnavailable."""


class JournalArchive:
    def __init__(self, journal: StoredJournal, exports: JournalExports, clock: Clock) -> None:
        self._journal = journal
        self._exports = exports
        self._clock = clock

    def head(self) -> ChainHead | None:
        return self._journal.head()

    def entries(self, since: datetime | None, until: datetime | None) -> Iterator[JournalEntry]:
        """Streamed, and finite while others append: up to what is there now."""
        head = self._journal.head()
        up_to_id = 2**63 - 1 if head is None else head.last_id
        return self._journal.entries(since=since, until=until, up_to_id=up_to_id)

    def export(self, command: ExportJournal) -> Iterator[JournalEntry]:
        """The entries before this export's own. Raises ReasonRequired and LedgerUnavailable."""
        command = replace(command, reason=checked_reason(command.reason))
        entries = self.entries(command.since, command.until)
        self._exports.journal_export(command, at=self._clock.now())
        return entries
