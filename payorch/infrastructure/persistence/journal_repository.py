"""The journal's only writer. Repositories call it inside their own transaction, so that a change
and its journal row can never exist without each other.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, insert, select, update

from payorch.domain.journal_chain import JournalEntry, State, as_json, hash_of
from payorch.infrastructure.persistence.database import do_last
from payorch.infrastructure.persistence.tables import JournalHeadRow, JournalRow

_HEAD = select(JournalHeadRow.__table__).with_for_update()


def insert_entry(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    at: datetime,
) -> None:
    """The entry is written right before the transaction commits.

    Whoever appends holds the chain's head until then. Taken any earlier, others would wait for
    this transaction's remaining work, and for rows that they hold themselves.
    """
    entry = JournalEntry(
        id=0,
        created_at=at,
        actor=actor,
        action=action,
        subject=subject,
        reason=reason,
        before=_stored(before),
        after=_stored(after),
        previous_hash="",
    )

    def append(last: Connection) -> None:
        _append(last, entry)

    do_last(connection, append)


def _stored(state: Mapping[str, object] | None) -> State:
    return None if state is None else cast("dict[str, Any]", as_json(dict(state)))


def _append(connection: Connection, entry: JournalEntry) -> None:
    head = connection.execute(_HEAD).one()
    unsealed = replace(entry, id=head.last_id + 1, previous_hash=head.hash)
    sealed = replace(unsealed, hash=hash_of(unsealed))
    connection.execute(insert(JournalRow).values(asdict(sealed)))
    connection.execute(
        update(JournalHeadRow).values(entries=head.entries + 1, last_id=sealed.id, hash=sealed.hash)
    )
