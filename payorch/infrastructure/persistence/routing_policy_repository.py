"""Published routing policies: appended as immutable rows, put in force by compare-and-swap."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from payorch.application.configuration import PublishedPolicy
from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveSettings
from payorch.domain.errors import PolicyChangedMeanwhile, TrialIsRunning
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
from payorch.infrastructure.persistence.running_trial import running_trial_name
from payorch.infrastructure.persistence.tables import RoutingPolicyRow


@dataclass(frozen=True, slots=True)
class Publication:
    """`adopts_trial`: the number of the trial whose candidate this was."""

    policy: RoutingPolicy
    _: KW_ONLY
    based_on_version: int
    actor: str
    reason: str
    at: datetime
    restores_version: int | None = None
    adopts_trial: int | None = None


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
        policy = RoutingPolicy(based_on_version + 1, entries, exploration_share, rules, adaptive)
        publication = Publication(
            policy,
            based_on_version=based_on_version,
            restores_version=restores_version,
            actor=actor,
            reason=reason,
            at=at,
        )
        with self._database.tx() as connection:
            return publish(connection, publication)

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


def publish(connection: Connection, publication: Publication) -> int:
    """The new version, in the caller's transaction. Raises like the repository's."""
    base = publication.based_on_version
    version = base + 1
    document = document_of(publication.policy)
    origin = {
        "restores_version": publication.restores_version,
        "adopts_trial": publication.adopts_trial,
    }
    if not swap_policy_version(connection, base=base, new=version):
        raise PolicyChangedMeanwhile(
            f"Version {base} is no longer in force.",
            current_version=policy_version_in_force(connection),
        )
    if (trial := running_trial_name(connection)) is not None:
        raise TrialIsRunning(
            f"The trial “{trial}” is running: its control has to stay in force. End it first."
        )
    replaced = _document_of(connection, base)
    connection.execute(
        insert(RoutingPolicyRow).values(
            version=version,
            based_on_version=base or None,
            restores_version=publication.restores_version,
            document=document,
            published_by=publication.actor,
            reason=publication.reason,
            published_at=publication.at,
        )
    )
    insert_entry(
        connection,
        actor=publication.actor,
        action="publish_routing_policy",
        subject="routing_policy",
        reason=publication.reason,
        before=replaced and {"version": base, **replaced},
        after={
            "version": version,
            **{name: value for name, value in origin.items() if value is not None},
            **document,
        },
        at=publication.at,
    )
    return version


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
