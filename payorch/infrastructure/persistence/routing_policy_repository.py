"""Published routing policies: appended as immutable rows, put in force by compare-and-swap."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from payorch.application.configuration import PublishedPolicy
from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveSettings
from payorch.domain.errors import PolicyChangedMeanwhile
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule
from payorch.infrastructure.persistence.configuration_revision import (
    policy_version_in_force,
    swap_policy_version,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.routing_document import (
    document_of,
    policy_from_document,
)
from payorch.infrastructure.persistence.tables import RoutingPolicyRow


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
        rules: tuple[RoutingRule, ...] = (),
        adaptive: AdaptiveSettings = ADAPTIVE_OFF,
        restores_version: int | None = None,
    ) -> int:
        version = based_on_version + 1
        policy = RoutingPolicy(version, entries, exploration_share, rules, adaptive)
        document = document_of(policy)
        restores = {} if restores_version is None else {"restores_version": restores_version}
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
                    restores_version=restores_version,
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
                after={"version": version, **restores, **document},
                at=at,
            )
        return version

    def history(self, *, limit: int, before: int | None = None) -> tuple[PublishedPolicy, ...]:
        statement = select(RoutingPolicyRow.__table__).order_by(RoutingPolicyRow.version.desc())
        if before is not None:
            statement = statement.where(RoutingPolicyRow.version < before)
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit)).mappings().all()
        return tuple(_published(row) for row in rows)

    def version(self, number: int) -> PublishedPolicy | None:
        statement = select(RoutingPolicyRow.__table__).where(RoutingPolicyRow.version == number)
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else _published(row)


def _published(row: RowMapping) -> PublishedPolicy:
    return PublishedPolicy(
        policy=policy_from_document(row["version"], row["document"]),
        based_on_version=row["based_on_version"],
        restores_version=row["restores_version"],
        published_by=row["published_by"],
        reason=row["reason"],
        published_at=row["published_at"],
    )


def _document_of(connection: Connection, version: int) -> dict[str, Any] | None:
    return connection.scalar(
        select(RoutingPolicyRow.document).where(RoutingPolicyRow.version == version)
    )
