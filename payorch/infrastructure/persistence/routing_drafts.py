"""Routing drafts of staff: one row per person, overwritten at each step of editing."""

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from payorch.application.routing_draft import SavedDraft
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.routing_document import (
    document_of,
    policy_from_document,
)
from payorch.infrastructure.persistence.tables import RoutingDraftRow


class SqlAlchemyRoutingDrafts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str) -> SavedDraft | None:
        statement = select(RoutingDraftRow.__table__).where(RoutingDraftRow.owner == owner)
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        policy = policy_from_document(row["based_on_version"], row["document"])
        return SavedDraft(policy, row["saved_at"])

    def save(self, owner: str, draft: SavedDraft) -> None:
        dialect = sqlite if self._database.is_sqlite else postgresql
        values = {
            "based_on_version": draft.policy.version,
            "document": document_of(draft.policy),
            "saved_at": draft.saved_at,
        }
        statement = dialect.insert(RoutingDraftRow).values(owner=owner, **values)
        with self._database.tx() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["owner"], set_=values)
            )

    def discard(self, owner: str) -> None:
        with self._database.tx() as connection:
            connection.execute(delete(RoutingDraftRow).where(RoutingDraftRow.owner == owner))
