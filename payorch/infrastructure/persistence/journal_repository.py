"""The journal's only writer. Other repositories call `insert_entry` inside their own transaction,
so that a change and its journal row can never exist without each other.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert

from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import JournalRow


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
    connection.execute(
        insert(JournalRow).values(
            created_at=at,
            actor=actor,
            action=action,
            subject=subject,
            reason=reason,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


class SqlAlchemyJournal:
    """Journal rows that belong to no other write, each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self,
        *,
        actor: str,
        action: str,
        subject: str,
        reason: str,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        at: datetime,
    ) -> None:
        with self._database.tx() as connection:
            insert_entry(
                connection,
                actor=actor,
                action=action,
                subject=subject,
                reason=reason,
                before=before,
                after=after,
                at=at,
            )
