"""A job table with a kind of its own, to be worked on by tests."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from payorch.application.jobs import Job, JobKind, NewJob, Schedule
from payorch.infrastructure.jobs import Background
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.job_queue import SqlAlchemyJobQueue
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import JobRow
from tests.fakes import FakeClock

DIG = JobKind("dig", "garden", (10, 20, 40))
"""A kind with four attempts."""

WATER = JobKind("water", "garden", ())
CALL = JobKind("call", "phone", (10,))
KINDS = {kind.name: kind for kind in (DIG, WATER, CALL)}
NAMES = frozenset(KINDS)
LEASE_S = 20.0


class Garden:
    """The queue on one database; `did` has the ids of the jobs whose handlers ran.

    Without a clock it is the real one, and the database's own on PostgreSQL.
    """

    def __init__(self, database: Database, clock: Any = None) -> None:
        self.database = database
        self.clock = clock or FakeClock()
        uses_fake_time = isinstance(self.clock, FakeClock)
        self.transactions = LedgerTransactions(
            database, self.clock, uses_database_clock=False if uses_fake_time else None
        )
        self.queue = SqlAlchemyJobQueue(self.transactions, self.clock)
        self.did: list[int] = []

    def enqueue(self, kind: JobKind = DIG, **fields: Any) -> None:
        self.queue.enqueue([NewJob(kind, **fields)])

    def claim(self, queue: str = "garden", *, limit: int = 1, **options: Any):
        options = {"kinds": NAMES, "lease_s": LEASE_S} | options
        return self.queue.claim(queue, limit=limit, **options)

    def background(
        self,
        handler: Callable[[Job], None] | None = None,
        *,
        schedules: tuple[Schedule, ...] = (),
        **options: Any,
    ) -> Background:
        """Every kind has the same handler; None notes that it ran."""
        chosen = handler or self.note
        options = {"random": lambda: 0.5, "kinds": KINDS, "lease_s": LEASE_S} | options
        return Background(
            queue=self.queue,
            handlers=dict.fromkeys(KINDS, chosen),
            schedules=schedules,
            clock=self.clock,
            **options,
        )

    def note(self, job: Job) -> None:
        self.did.append(job.id)

    def row(self, **where: Any) -> dict[str, Any]:
        """The only job, or the only one with these values."""
        (row,) = self.rows(**where)
        return row

    def rows(self, **where: Any) -> list[dict[str, Any]]:
        statement = select(JobRow.__table__).order_by(JobRow.id).filter_by(**where)
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]

    def now(self) -> datetime:
        return self.clock.now()
