"""The journal's only writer. Repositories call it inside their own transaction, so that a change
and its journal row can never exist without each other.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert

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
