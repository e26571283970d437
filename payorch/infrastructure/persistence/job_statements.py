"""How jobs get into the table: always on the connection of the transaction that causes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.jobs import NewJob
from payorch.infrastructure.persistence.tables import JobRow
from payorch.infrastructure.persistence.tables.jobs import JobState

JOB_COLUMNS = (
    "queue",
    "kind",
    "payload",
    "dedup_key",
    "destination",
    "state",
    "run_at",
    "token",
    "attempts",
    "max_attempts",
    "created_at",
)

_KEY = ["dedup_key"]
_INSERTS: dict[str, Any] = {
    # Inline: nobody here needs the new row's number back.
    "sqlite": sqlite_insert(JobRow).on_conflict_do_nothing(index_elements=_KEY).inline(),
    "postgresql": postgresql_insert(JobRow).on_conflict_do_nothing(index_elements=_KEY).inline(),
}


def insert_jobs(connection: Connection, jobs: Iterable[NewJob], *, at: datetime) -> None:
    """Enqueue `jobs`; those whose dedup_key exists already are left out."""
    values = [job_values(job, at) for job in jobs]
    if values:
        connection.execute(_INSERTS[connection.dialect.name], values)


def insert_job(connection: Connection, job: NewJob, *, at: datetime) -> bool:
    """Enqueue one; False when its dedup_key exists already."""
    insert = _INSERTS[connection.dialect.name].returning(JobRow.id)
    return connection.execute(insert, job_values(job, at)).first() is not None


def job_values(job: NewJob, at: datetime) -> dict[str, Any]:
    """Values of JOB_COLUMNS."""
    return {
        "queue": job.kind.queue,
        "kind": job.kind.name,
        "payload": dict(job.payload),
        "dedup_key": job.dedup_key,
        "destination": job.destination,
        "state": JobState.READY,
        "run_at": job.run_at or at,
        "token": 0,
        "attempts": 0,
        "max_attempts": job.kind.max_attempts,
        "created_at": at,
    }
