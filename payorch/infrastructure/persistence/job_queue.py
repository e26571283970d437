"""The job table as a queue that any number of workers on any number of hosts share."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Update, and_, delete, func, select, update

from payorch.application.job_queue import (
    LEASE_RAN_OUT,
    MAX_CLAIM,
    ClaimedJob,
    JobCounters,
    QueueFigures,
)
from payorch.application.jobs import Job, NewJob, Schedule
from payorch.application.ports import Clock
from payorch.infrastructure.persistence.job_claims import (
    KIND,
    READY,
    RUNNING,
    WAITING,
    due_queues,
    job_claims,
)
from payorch.infrastructure.persistence.job_counters import (
    FENCED_COMPLETIONS,
    LEASE_EXPIRIES,
    count_up,
    read_counters,
)
from payorch.infrastructure.persistence.job_figures import queue_figures
from payorch.infrastructure.persistence.job_statements import insert_job, insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import LeaseClock
from payorch.infrastructure.persistence.tables import JobRow
from payorch.infrastructure.persistence.tables.jobs import JobState

LONGEST_ERROR = 500
SCHEDULED = "schedule:"
"""How the dedup_key of a schedule's job begins."""


class SqlAlchemyJobQueue:
    def __init__(self, transactions: LedgerTransactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self._lease_clock = LeaseClock(transactions.uses_database_clock)
        self._sql = job_claims(self._lease_clock)

    def enqueue(self, jobs: Iterable[NewJob]) -> None:
        with self._transactions.write() as connection:
            insert_jobs(connection, jobs, at=self._clock.now())

    def due_queues(self, queues: Sequence[str], *, kinds: Collection[str]) -> frozenset[str]:
        if not queues:
            return frozenset()
        statement = due_queues(self._lease_clock, tuple(queues))
        parameters = {"kinds": sorted(kinds), **self._transactions.now()}
        with self._transactions.read() as connection:
            return frozenset(row.queue for row in connection.execute(statement, parameters))

    def claim(
        self,
        queue: str,
        *,
        kinds: Collection[str],
        limit: int,
        lease_s: float,
        full_destinations: Collection[str] = (),
    ) -> Sequence[ClaimedJob]:
        parameters = {
            "claimed_queue": queue,
            "kinds": sorted(kinds),
            "full_destinations": sorted(full_destinations),
            "limit": min(limit, MAX_CLAIM),
            **self._transactions.now(),
            **self._transactions.lease(lease_s),
        }
        with self._transactions.write() as connection:
            buried = connection.execute(
                self._sql.bury_exhausted, {"claimed_queue": queue, **self._transactions.now()}
            ).all()
            rows = connection.execute(self._sql.claim, parameters).mappings().all()
            taken_over = sum(row["last_error"] == LEASE_RAN_OUT for row in rows)
            count_up(connection, LEASE_EXPIRIES, by=len(buried) + taken_over)
        in_turn = sorted(rows, key=lambda row: (row["run_at"], row["id"]))
        return [_claimed(row) for row in in_turn]

    def extend(self, jobs: Iterable[ClaimedJob], *, lease_s: float) -> None:
        held = [{**_holder(job), **self._transactions.lease(lease_s)} for job in jobs]
        if held:
            with self._transactions.write() as connection:
                connection.execute(self._sql.extend, held)

    def complete(self, job: ClaimedJob) -> bool:
        return self._finish(self._sql.complete, job, **self._transactions.now())

    def retry(self, job: ClaimedJob, *, delay_s: float, error: str) -> bool:
        lease = self._transactions.lease(delay_s)
        return self._finish(self._sql.retry, job, error=error[:LONGEST_ERROR], **lease)

    def bury(self, job: ClaimedJob, *, error: str) -> bool:
        now = self._transactions.now()
        return self._finish(self._sql.bury, job, error=error[:LONGEST_ERROR], **now)

    def fire(self, schedule: Schedule, fire_time: datetime) -> bool:
        kind = schedule.kind
        key = f"{SCHEDULED}{kind.name}:{fire_time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
        job = NewJob(kind, dedup_key=key)
        with self._transactions.read() as connection:
            if _is_fired(connection, job):
                return False
        with self._transactions.write() as connection:
            if _is_fired(connection, job):
                return False
            return insert_job(connection, job, at=self._clock.now())

    def replay(self, job_id: int, *, actor: str, reason: str, at: datetime) -> bool:
        with self._transactions.write() as connection:
            before = _dead_job(connection, job_id)
            if before is None:
                return False
            connection.execute(
                update(JobRow)
                .where(JobRow.id == job_id)
                .values(
                    state=JobState.READY,
                    run_at=at,
                    attempts=0,
                    finished_at=None,
                    last_error=None,
                )
            )
            _journal(connection, "job_replayed", before, actor=actor, reason=reason, at=at)
        return True

    def discard(self, job_id: int, *, actor: str, reason: str, at: datetime) -> bool:
        with self._transactions.write() as connection:
            before = _dead_job(connection, job_id)
            if before is None:
                return False
            connection.execute(delete(JobRow).where(JobRow.id == job_id))
            _journal(connection, "job_discarded", before, actor=actor, reason=reason, at=at)
        return True

    def purge(self, *, done_before: datetime, schedules_before: datetime, limit: int) -> int:
        is_scheduled = JobRow.dedup_key.like(f"{SCHEDULED}%")
        old = (
            select(JobRow.id)
            .where(
                JobRow.state == JobState.DONE,
                (JobRow.finished_at < done_before)
                | and_(is_scheduled, JobRow.finished_at < schedules_before),
            )
            .order_by(JobRow.id)
            .limit(limit)
        )
        with self._transactions.read() as connection:
            keys = list(connection.scalars(old))
        if not keys:
            return 0
        with self._transactions.write() as connection:
            connection.execute(
                delete(JobRow).where(JobRow.id.in_(keys), JobRow.state == JobState.DONE)
            )
        return len(keys)

    def figures(self) -> Sequence[QueueFigures]:
        with self._transactions.read() as connection:
            return queue_figures(connection, self._lease_clock, self._transactions.now())

    def counters(self) -> JobCounters:
        with self._transactions.read() as connection:
            return read_counters(connection)

    def dead_count(self) -> int:
        statement = select(func.count()).where(JobRow.state == JobState.DEAD)
        with self._transactions.read() as connection:
            return int(connection.scalar(statement) or 0)

    def next_due_at(self) -> datetime | None:
        waiting = select(func.min(JobRow.run_at)).where(WAITING, READY)
        running = select(func.min(JobRow.lease_until)).where(WAITING, RUNNING)
        with self._transactions.read() as connection:
            times = (connection.scalar(waiting), connection.scalar(running))
        return min((time for time in times if time is not None), default=None)

    def _finish(self, statement: Update, job: ClaimedJob, **values: Any) -> bool:
        with self._transactions.write() as connection:
            is_held = connection.execute(statement, {**_holder(job), **values}).rowcount == 1
            if not is_held:
                count_up(connection, FENCED_COMPLETIONS, by=1)
        return is_held


def _claimed(row: RowMapping) -> ClaimedJob:
    return ClaimedJob(
        job=Job(row["id"], row["kind"], row["payload"], row["attempts"]),
        queue=row["queue"],
        token=row["token"],
        max_attempts=row["max_attempts"],
        destination=row["destination"],
    )


def _holder(job: ClaimedJob) -> dict[str, int]:
    return {"key": job.job.id, "held_token": job.token}


def _is_fired(connection: Connection, job: NewJob) -> bool:
    """An earlier fire that still waits or runs does the work of this one too."""
    exists = select(JobRow.id).where(JobRow.dedup_key == job.dedup_key)
    waits = select(JobRow.id).where(
        JobRow.queue == job.kind.queue, KIND.in_((job.kind.name,)), WAITING
    )
    return (
        connection.execute(exists).first() is not None
        or connection.execute(waits).first() is not None
    )


def _dead_job(connection: Connection, job_id: int) -> dict[str, Any] | None:
    """Locked, so that of two people who press at once only one finds it."""
    row = connection.execute(
        select(JobRow.id, JobRow.queue, JobRow.kind, JobRow.payload, JobRow.last_error)
        .where(JobRow.id == job_id, JobRow.state == JobState.DEAD)
        .with_for_update()
    ).mappings()
    found = row.first()
    return None if found is None else dict(found)


def _journal(
    connection: Connection,
    action: str,
    job: dict[str, Any],
    *,
    actor: str,
    reason: str,
    at: datetime,
) -> None:
    insert_entry(
        connection,
        actor=actor,
        action=action,
        subject=f"job {job['id']}",
        reason=reason,
        before={name: job[name] for name in ("queue", "kind", "payload", "last_error")},
        after=None,
        at=at,
    )
