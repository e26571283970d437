"""Walk along the journal's hash chain and name the first entry that is not as it was written.

It only reads, a page at a time, while others append. A chain that holds says that nothing was
changed by somebody who could not write it anew; against one who could, compare it with a hash
that was noted outside of the database (`expected`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.domain.journal_chain import BEFORE_ALL, GENESIS, ChainHead, JournalEntry, time_text


class Defect(StrEnum):
    """What is wrong with the first entry that is not as it was written."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    UNLINKED = "unlinked"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """`entry_id` is the entry that is broken or missing; None where none can be named. The time
    and the action are of that entry, and None when it is not there to be read.
    """

    defect: Defect
    says: str
    entry_id: int | None = None
    created_at: datetime | None = None
    action: str | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "defect": self.defect.value,
            "id": self.entry_id,
            "created_at": None if self.created_at is None else time_text(self.created_at),
            "action": self.action,
            "says": self.says,
        }


@dataclass(frozen=True, slots=True)
class JournalVerification:
    """`sound` entries were walked before the break, or all there are when nothing is broken.

    `head` is where the chain ends; its hash is what an auditor notes.
    """

    sound: int
    head: ChainHead | None
    broken: ChainBreak | None


class JournalReader(Protocol):
    """Each call is a short read of its own. All raise LedgerUnavailable."""

    def head(self) -> ChainHead | None:
        """The end of the chain; None when somebody has removed it."""

    def page_after(self, entry_id: int) -> Sequence[JournalEntry]:
        """The entries that come next by id; empty at the end."""

    def follower_of(self, previous_hash: str) -> JournalEntry | None:
        """The entry that says it follows the one with this hash."""

    def with_hash(self, entry_hash: str) -> JournalEntry | None:
        """An entry beside which this hash is written. It may look at all of them."""


@dataclass(slots=True)
class _Walk:
    """How far the chain was found to hold."""

    last_hash: str
    last_id: int
    sound: int = 0


class VerifyJournalUseCase:
    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader

    def execute(
        self, *, expected: Collection[str] = (), since_hash: str | None = None
    ) -> JournalVerification:
        """`expected` are hashes noted earlier, all of which have to be in the chain.

        With `since_hash` only what was appended after that entry is looked at; what lies before
        is taken to be as it was. Raises LedgerUnavailable: then nothing is known.
        """
        walk = self._start(since_hash)
        if walk is None:
            return JournalVerification(0, self._reader.head(), _not_in_chain(since_hash, None))
        noted = set(expected) - {walk.last_hash}
        last_noted = None
        while True:
            # Read before the page: whatever the head counts is there to be read by then.
            head = self._reader.head()
            page = self._reader.page_after(walk.last_id)
            for entry in page:
                broken = self._defect_of(entry, walk)
                if broken is not None:
                    return JournalVerification(walk.sound, head, broken)
                walk.last_hash, walk.last_id = entry.hash, entry.id
                walk.sound += 1
                if entry.hash in noted:
                    noted.remove(entry.hash)
                    last_noted = entry.id
            if not page:
                break
        broken = self._defect_at_end(head, walk)
        if broken is None and noted:
            broken = _not_in_chain(min(noted), last_noted)
        return JournalVerification(walk.sound, head, broken)

    def _start(self, since_hash: str | None) -> _Walk | None:
        """None when the chain does not hold the hash to start from."""
        if since_hash is None or since_hash == GENESIS:
            return _Walk(GENESIS, BEFORE_ALL)
        follower = self._reader.follower_of(since_hash)
        if follower is not None:
            return _Walk(since_hash, follower.id - 1)
        head = self._reader.head()
        if head is not None and head.hash == since_hash:
            return _Walk(since_hash, head.last_id)
        return None

    def _defect_of(self, entry: JournalEntry, walk: _Walk) -> ChainBreak | None:
        is_linked = entry.previous_hash == walk.last_hash
        if is_linked and entry.is_as_written():
            return None
        head = self._reader.head()
        if head is not None and entry.id > head.last_id:
            is_all_there = head.last_id == walk.last_id
            return _unlinked(entry) if is_all_there else _missing_at_end(head, walk)
        if is_linked:
            return _changed(entry)
        elsewhere = self._reader.with_hash(entry.previous_hash)
        if elsewhere is not None:
            return _reordered(entry, elsewhere, walk)
        follower = self._reader.follower_of(walk.last_hash)
        if follower is not None:
            return _unlinked(entry)
        if not entry.is_as_written():
            return _changed(entry)
        return _missing_before(entry, walk)

    def _defect_at_end(self, head: ChainHead | None, walk: _Walk) -> ChainBreak | None:
        if head is None:
            return ChainBreak(
                Defect.MISSING,
                "The row of journal_head is gone: entries at the end may be missing unnoticed.",
            )
        if head.hash == walk.last_hash:
            return None
        if head.last_id > walk.last_id:
            return _missing_at_end(head, walk)
        beyond = self._reader.page_after(head.last_id)
        if not beyond:
            return ChainBreak(
                Defect.REWRITTEN,
                "The newest entry is not the one that journal_head was written for.",
                head.last_id,
            )
        walk.sound -= self._count_from(beyond)
        return _unlinked(beyond[0])

    def _count_from(self, page: Sequence[JournalEntry]) -> int:
        count = 0
        while page:
            count += len(page)
            page = self._reader.page_after(page[-1].id)
        return count


def _break_at(entry: JournalEntry, defect: Defect, says: str) -> ChainBreak:
    return ChainBreak(defect, says, entry.id, entry.created_at, entry.action)


def _changed(entry: JournalEntry) -> ChainBreak:
    return _break_at(
        entry, Defect.CHANGED, "It was changed after it was written: its hash is of another text."
    )


def _unlinked(entry: JournalEntry) -> ChainBreak:
    return _break_at(
        entry, Defect.UNLINKED, "It is no part of the chain: payorch did not write it."
    )


def _reordered(entry: JournalEntry, predecessor: JournalEntry, walk: _Walk) -> ChainBreak:
    """Where the entry itself is as it was written, it is its predecessor that has moved."""
    if entry.is_as_written() and entry.id > walk.last_id + 1:
        return ChainBreak(
            Defect.REORDERED,
            f"It was given another number: {predecessor.id}.",
            max(walk.last_id + 1, 1),
            predecessor.created_at,
            predecessor.action,
        )
    return _break_at(
        entry,
        Defect.REORDERED,
        f"It follows the entry that is number {predecessor.id} now: the order was changed.",
    )


def _missing_at_end(head: ChainHead, walk: _Walk) -> ChainBreak:
    return ChainBreak(
        Defect.MISSING,
        f"{_numbers(walk.last_id + 1, head.last_id)} missing at the end of the journal.",
        max(walk.last_id + 1, 1),
    )


def _missing_before(entry: JournalEntry, walk: _Walk) -> ChainBreak:
    """The numbers between the two are named, also those that were never given before entries
    were chained: which of them it was, only an older copy can tell.
    """
    first = max(walk.last_id + 1, 1)
    next_one = f"{entry.id} ({time_text(entry.created_at)}, {entry.action})"
    if first == entry.id:
        return _break_at(
            entry, Defect.MISSING, "Something is missing right before it: it follows nothing."
        )
    return ChainBreak(
        Defect.MISSING,
        f"{_numbers(first, entry.id - 1)} missing: entry {next_one} follows nothing.",
        first,
    )


def _numbers(first: int, last: int) -> str:
    first = max(first, 1)
    return f"Entry {first} is" if first == last else f"Of entries {first} to {last} some are"


def _not_in_chain(noted: str | None, last_noted: int | None) -> ChainBreak:
    until = "" if last_noted is None else f" Up to entry {last_noted} it is as it was noted."
    return ChainBreak(
        Defect.REWRITTEN,
        f"The noted hash {noted} is not in the chain: entries were removed, or all from some "
        f"entry on written anew.{until}",
    )
