"""Published routing policies: appended as immutable rows, put in force by compare-and-swap."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from payorch.application.configuration import PublishedPolicy
from payorch.domain.errors import PolicyChangedMeanwhile
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.infrastructure.persistence.configuration_revision import (
    policy_version_in_force,
    swap_policy_version,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.tables import RoutingPolicyRow


def policy_from_document(version: int, document: Mapping[str, Any]) -> RoutingPolicy:
    """The policy stored as `document`; its shape is told at RoutingPolicyRow."""
    return RoutingPolicy(
        version=version,
        entries=_entries_from_document(document),
        exploration_share=float(document["exploration_share"]),
    )


class SqlAlchemyRoutingPolicyRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self,
        entries: tuple[PolicyEntry, ...],
        *,
        based_on_version: int,
        exploration_share: float,
        actor: str,
        reason: str,
        at: datetime,
    ) -> int:
        version = based_on_version + 1
        document = _document(entries, exploration_share)
        with self._database.tx() as connection:
            if not swap_policy_version(connection, base=based_on_version, new=version):
                raise PolicyChangedMeanwhile(
                    f"Version {based_on_version} is no longer in force.",
                    current_version=policy_version_in_force(connection),
                )
            replaced = _document_of(connection, based_on_version)
            connection.execute(
                insert(RoutingPolicyRow).values(
                    version=version,
                    based_on_version=based_on_version or None,
                    document=document,
                    published_by=actor,
                    reason=reason,
                    published_at=at,
                )
            )
            insert_entry(
                connection,
                actor=actor,
                action="publish_routing_policy",
                subject="routing_policy",
                reason=reason,
                before=replaced and {"version": based_on_version, **replaced},
                after={"version": version, **document},
                at=at,
            )
        return version

    def history(self, *, limit: int) -> tuple[PublishedPolicy, ...]:
        statement = select(RoutingPolicyRow.__table__).order_by(RoutingPolicyRow.version.desc())
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit)).mappings().all()
        return tuple(
            PublishedPolicy(
                version=row["version"],
                based_on_version=row["based_on_version"],
                entries=_entries_from_document(row["document"]),
                published_by=row["published_by"],
                reason=row["reason"],
                published_at=row["published_at"],
            )
            for row in rows
        )


def _document(entries: Sequence[PolicyEntry], exploration_share: float) -> dict[str, Any]:
    return {
        "entries": [
            {"provider": entry.provider_code, "tier": entry.tier, "weight": entry.weight}
            for entry in entries
        ],
        "exploration_share": exploration_share,
    }


def _entries_from_document(document: Mapping[str, Any]) -> tuple[PolicyEntry, ...]:
    return tuple(
        PolicyEntry(entry["provider"], tier=entry["tier"], weight=entry["weight"])
        for entry in document["entries"]
    )


def _document_of(connection: Connection, version: int) -> dict[str, Any] | None:
    return connection.scalar(
        select(RoutingPolicyRow.document).where(RoutingPolicyRow.version == version)
    )
