"""Trials of routing policies as rows: one running at most, none ever deleted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update
from sqlalchemy.sql.functions import coalesce

from payorch.application.policy_trials import StoredTrial
from payorch.domain.errors import PolicyChangedMeanwhile, TrialIsRunning, TrialNotRunning
from payorch.domain.policy_trial import PolicyTrial
from payorch.infrastructure.persistence.configuration_revision import (
    bump_revision,
    policy_version_in_force,
)
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.routing_document import (
    document_of,
    policy_from_document,
)
from payorch.infrastructure.persistence.routing_policy_repository import Publication, publish
from payorch.infrastructure.persistence.running_trial import running_trial_name
from payorch.infrastructure.persistence.tables import PolicyTrialRow

_ALL = select(PolicyTrialRow.__table__).order_by(PolicyTrialRow.number.desc())


class SqlAlchemyPolicyTrialBook:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, trial: PolicyTrial, *, actor: str, reason: str, at: datetime) -> int:
        document = document_of(trial.candidate)
        with self._database.tx() as connection:
            # First, because it locks the one row that publications go through, too.
            bump_revision(connection)
            if (other := running_trial_name(connection)) is not None:
                raise TrialIsRunning(f"The trial “{other}” is running. End it first.")
            in_force = policy_version_in_force(connection)
            if in_force != trial.control_version:
                raise PolicyChangedMeanwhile(
                    f"Version {trial.control_version} is no longer in force.",
                    current_version=in_force,
                )
            last = connection.scalar(select(coalesce(func.max(PolicyTrialRow.number), 0)))
            number = int(last or 0) + 1
            connection.execute(
                insert(PolicyTrialRow).values(
                    number=number,
                    name=trial.name,
                    control_version=trial.control_version,
                    candidate=document,
                    share_percent=trial.share_percent,
                    salt=trial.salt,
                    is_running=True,
                    started_by=actor,
                    start_reason=reason,
                    started_at=at,
                )
            )
            insert_entry(
                connection,
                actor=actor,
                action="start_policy_trial",
                subject=f"policy_trial:{number}",
                reason=reason,
                before=None,
                after={
                    "name": trial.name,
                    "control_version": trial.control_version,
                    "share_percent": trial.share_percent,
                    "candidate": document,
                },
                at=at,
            )
        return number

    def end(
        self, number: int, *, adopts_candidate: bool, actor: str, reason: str, at: datetime
    ) -> int | None:
        adopted = None
        with self._database.tx() as connection:
            bump_revision(connection)
            ended = connection.execute(
                update(PolicyTrialRow)
                .where(PolicyTrialRow.number == number, PolicyTrialRow.is_running)
                .values(is_running=False, ended_by=actor, end_reason=reason, ended_at=at)
            )
            stored = _stored_in(connection, number)
            if ended.rowcount == 0 or stored is None:
                raise TrialNotRunning("This trial was ended already.")
            if adopts_candidate:
                adopted = publish(
                    connection,
                    Publication(
                        stored.trial.candidate,
                        based_on_version=stored.trial.control_version,
                        adopts_trial=number,
                        actor=actor,
                        reason=reason,
                        at=at,
                    ),
                )
                connection.execute(
                    update(PolicyTrialRow)
                    .where(PolicyTrialRow.number == number)
                    .values(adopted_version=adopted)
                )
            insert_entry(
                connection,
                actor=actor,
                action="end_policy_trial",
                subject=f"policy_trial:{number}",
                reason=reason,
                before={"name": stored.trial.name, "control_version": stored.trial.control_version},
                after={"name": stored.trial.name, "adopted_version": adopted},
                at=at,
            )
        return adopted

    def trial(self, number: int) -> StoredTrial | None:
        with self._database.read() as connection:
            return _stored_in(connection, number)

    def latest(self, *, limit: int, before: int | None = None) -> Sequence[StoredTrial]:
        statement = _ALL if before is None else _ALL.where(PolicyTrialRow.number < before)
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit)).mappings().all()
        return [_stored(row) for row in rows]

    def since(self, moment: datetime) -> Sequence[StoredTrial]:
        is_fresh = or_(PolicyTrialRow.is_running, PolicyTrialRow.ended_at > moment)
        with self._database.read() as connection:
            rows = connection.execute(_ALL.where(is_fresh)).mappings().all()
        return [_stored(row) for row in rows]


def _stored_in(connection: Connection, number: int) -> StoredTrial | None:
    row = connection.execute(_ALL.where(PolicyTrialRow.number == number)).mappings().first()
    return None if row is None else _stored(row)


def _stored(row: RowMapping) -> StoredTrial:
    return StoredTrial(
        trial=PolicyTrial(
            number=row["number"],
            name=row["name"],
            control_version=row["control_version"],
            candidate=policy_from_document(row["control_version"], row["candidate"]),
            share_percent=row["share_percent"],
            salt=row["salt"],
        ),
        started_by=row["started_by"],
        start_reason=row["start_reason"],
        started_at=row["started_at"],
        ended_by=row["ended_by"],
        end_reason=row["end_reason"],
        ended_at=row["ended_at"],
        adopted_version=row["adopted_version"],
    )
