"""Port to the table of background jobs: who works on which one, and what became of it.

A claim is a lease with a fencing token. A worker that lost its lease cannot finish, put off or
bury the job any more: what it reports is discarded. Handlers are idempotent, so a job that was
done twice is harmless.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.jobs import Job, NewJob, Schedule

MAX_CLAIM = 20
"""Most jobs one claim takes: a worker that dies takes no more than this with it."""

LEASE_RAN_OUT = "The process that worked on it died, or hung."
"""`last_error` of a job that was taken over from a lease that ran out."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job with what its worker needs to hold it. `token` names this claim and no other."""

    job: Job
    queue: str
    token: int
    max_attempts: int
    destination: str | None

    @property
    def is_last_attempt(self) -> bool:
        return self.job.attempts >= self.max_attempts


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue now. `oldest_age_s` is how long the job that is due longest has been due."""

    queue: str
    waiting: int
    due: int
    running: int
    dead: int
    oldest_age_s: float


@dataclass(frozen=True, slots=True)
class JobCounters:
    """Counted since the database was made, over all processes."""

    lease_expiries: int
    fenced_completions: int


class JobQueue(Protocol):
    """One method, one short transaction. All raise LedgerUnavailable when it cannot be made."""

    def enqueue(self, jobs: Iterable[NewJob]) -> None:
        """Jobs that belong to no other write. Those whose dedup_key exists are left out."""

    def due_queues(self, queues: Sequence[str], *, kinds: Collection[str]) -> frozenset[str]:
        """Those of `queues` that have something to claim. Only reads."""

    def claim(
        self,
        queue: str,
        *,
        kinds: Collection[str],
        limit: int,
        lease_s: float,
        full_destinations: Collection[str] = (),
    ) -> Sequence[ClaimedJob]:
        """Lease at most `limit` due jobs, the longest due first; due are also those whose lease
        ran out. At most one per destination, and none of `full_destinations`.

        A job whose last attempt ended with its process is buried instead.
        """

    def extend(self, jobs: Iterable[ClaimedJob], *, lease_s: float) -> None:
        """The heartbeat: those that are still held are held for `lease_s` from now on."""

    def complete(self, job: ClaimedJob) -> bool:
        """Done. False when the lease was lost; then nothing was written, like below."""

    def retry(self, job: ClaimedJob, *, delay_s: float, error: str) -> bool:
        """Not done: due again after `delay_s`."""

    def bury(self, job: ClaimedJob, *, error: str) -> bool:
        """Dead: shown to ops, who may replay it."""

    def fire(self, schedule: Schedule, fire_time: datetime) -> bool:
        """Enqueue the schedule's job of `fire_time`.

        False when it exists already, or when an earlier one is still waiting or running.
        """

    def replay(self, job_id: int, *, actor: str, reason: str, at: datetime) -> bool:
        """A dead job is due now, with all its attempts again; journalled. False: not dead."""

    def discard(self, job_id: int, *, actor: str, reason: str, at: datetime) -> bool:
        """A dead job is removed; journalled with what it was. False: not dead."""

    def purge(self, *, done_before: datetime, schedules_before: datetime, limit: int) -> int:
        """Delete at most `limit` done jobs; how many it were. Dead ones stay."""

    def figures(self) -> Sequence[QueueFigures]:
        """Every queue that has jobs which are not done, by name."""

    def counters(self) -> JobCounters: ...

    def dead_count(self) -> int: ...

    def next_due_at(self) -> datetime | None:
        """When the next waiting job is due, or a running one's lease ends. For virtual clocks."""
