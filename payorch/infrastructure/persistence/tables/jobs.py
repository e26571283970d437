"""Background jobs: what is left to do after a commit, kept in the same database as the cause."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Enum, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class JobState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


JobStateColumn = Enum(
    JobState,
    native_enum=False,
    create_constraint=True,
    name="job_state",
    length=10,
    values_callable=lambda enum: [member.value for member in enum],
)

_WAITING = "state IN ('ready', 'running')"


class JobRow(Base):
    """One job. It is written by the transaction that makes it necessary, or not at all.

    `dedup_key` makes enqueueing idempotent. `destination` is the host or provider that the job
    will talk to, so that one slow destination cannot take every worker. `token` grows with each
    claim: who lost the lease cannot finish the job any more.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_waiting",
            "queue",
            "run_at",
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
        Index("ix_jobs_state_id", "state", "id"),
        Index("ix_jobs_kind_id", "kind", "id"),
    )

    id: Mapped[Pk]
    queue: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    dedup_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    destination: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[JobState] = mapped_column(JobStateColumn)
    run_at: Mapped[UtcTime]
    lease_until: Mapped[UtcTime | None]
    token: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[UtcTime]
    finished_at: Mapped[UtcTime | None]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class JobCounterRow(Base):
    """What every worker of every process adds to: see job_counters.py."""

    __tablename__ = "job_counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    total: Mapped[int] = mapped_column(BigInteger)

    def __str__(self) -> str:
        return self.name
