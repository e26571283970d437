"""The journal's hash chain: what the hash of an entry is taken over, and how entries are linked.

Each entry holds the hash of the one before it, so that none can be changed, removed, put in or
moved without the next one contradicting it. The text below is a promise to auditors, who work it
out with their own tools (docs/audit.md): it never changes for entries that are written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""

BEFORE_ALL = -(2**63)
"""Below every id that a database can hold: an entry may hide below zero."""

# Made once: json.dumps would make one for each entry.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode

State = Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One entry as it is stored. `hash` is what was written beside it, right or wrong."""

    id: int
    created_at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    before: State
    after: State
    previous_hash: str
    hash: str = ""

    def is_as_written(self) -> bool:
        return self.hash == hash_of(self)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far the chain goes: the number of entries, and the newest one's id and hash.

    Kept beside the entries, so that one missing at the end is noticed too.
    """

    entries: int
    last_id: int
    hash: str


def as_json(value: object) -> object:
    """`value` as it will be read back: keys are strings, tuples are lists, enums their values.

    Raises ValueError for NaN and infinities, which JSON has no words for.
    """
    return json.loads(json.dumps(value, allow_nan=False))


def canonical_text(entry: JournalEntry) -> str:
    """The one text of this entry: JSON without spaces, keys sorted, ASCII only, every column but
    `hash`; a column that is NULL is left out, so that a later release may add one.

    The time is ISO 8601 in UTC with six decimals: 2026-11-27T14:41:25.000000+00:00.
    """
    columns = {
        "id": entry.id,
        "created_at": time_text(entry.created_at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "reason": entry.reason,
        "before": entry.before,
        "after": entry.after,
        "previous_hash": entry.previous_hash,
    }
    return _encode({name: value for name, value in columns.items() if value is not None})


def time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def hash_of(entry: JournalEntry) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits in lower case."""
    return sha256(canonical_text(entry).encode("ascii")).hexdigest()
