"""SQL of the claims on jobs, built once for one kind of clock.

The states stand in the statements as text: neither database would use the partial index for
values that are bound in. One statement serves both: SQLite has no SKIP LOCKED, and needs none,
because a write transaction there is alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from payorch.application.job_queue import LEASE_RAN_OUT
from payorch.infrastructure.persistence.payment_statements import LeaseClock
from payorch.infrastructure.persistence.tables import JobRow
from payorch.infrastructure.persistence.tables.jobs import JobState

_READY_TEXT: ColumnElement[Any] = literal_column("'ready'")
_RUNNING_TEXT: ColumnElement[Any] = literal_column("'running'")

WAITING = JobRow.state.in_((_READY_TEXT, _RUNNING_TEXT))
READY = JobRow.state == _READY_TEXT
RUNNING = JobRow.state == _RUNNING_TEXT

KIND: ColumnElement[str] = func.coalesce(JobRow.kind, "")
"""The kind, but not for the index on it: that one has every job of the kind that was ever done,
and SQLite would prefer it to the partial index of the few that wait."""

LOOK_AHEAD = 200
"""Due jobs that one claim looks at for different destinations. If all of them go to full ones,
the next claim leaves those out and sees further."""


def is_due(clock: LeaseClock) -> ColumnElement[bool]:
    return and_(
        WAITING,
        JobRow.run_at <= clock.now,
        or_(READY, JobRow.lease_until <= clock.now),
    )


@dataclass(frozen=True, slots=True)
class JobClaims:
    """The statements that write or compare leases."""

    claim: Update
    bury_exhausted: Update
    extend: Update
    complete: Update
    retry: Update
    bury: Update


def job_claims(clock: LeaseClock) -> JobClaims:
    return JobClaims(
        claim=_claim(clock),
        bury_exhausted=_bury_exhausted(clock),
        extend=_held().values(lease_until=clock.lease_end),
        complete=_held().values(state=JobState.DONE, lease_until=None, finished_at=clock.now),
        retry=_held().values(
            state=JobState.READY,
            lease_until=None,
            # The same sum as a lease's end: now, by the database's clock, and some seconds.
            run_at=clock.lease_end,
            last_error=bindparam("error"),
        ),
        bury=_held().values(
            state=JobState.DEAD,
            lease_until=None,
            finished_at=clock.now,
            last_error=bindparam("error"),
        ),
    )


def _held() -> Update:
    return update(JobRow).where(
        JobRow.id == bindparam("key"), JobRow.token == bindparam("held_token"), RUNNING
    )


def _claim(clock: LeaseClock) -> Update:
    seen = (
        select(JobRow.id, JobRow.run_at, JobRow.destination)
        .where(
            JobRow.queue == bindparam("claimed_queue"),
            KIND.in_(bindparam("kinds", expanding=True)),
            is_due(clock),
            or_(
                JobRow.destination.is_(None),
                JobRow.destination.not_in(bindparam("full_destinations", expanding=True)),
            ),
        )
        .order_by(JobRow.run_at, JobRow.id)
        .limit(LOOK_AHEAD)
        .subquery("seen")
    )
    place = (
        func.row_number()
        .over(partition_by=seen.c.destination, order_by=(seen.c.run_at, seen.c.id))
        .label("place")
    )
    ranked = select(seen.c.id, seen.c.destination, place).subquery("ranked")
    chosen = (
        select(JobRow.id)
        .join(ranked, ranked.c.id == JobRow.id)
        # Due is asked again of the row itself: PostgreSQL looks at it anew once it is locked,
        # and another worker may have taken it after our statement's snapshot.
        .where(or_(ranked.c.destination.is_(None), ranked.c.place == 1), is_due(clock))
        .order_by(JobRow.run_at, JobRow.id)
        .limit(bindparam("limit", type_=Integer()))
        .with_for_update(of=JobRow, skip_locked=True)
        .cte("chosen")
    )
    return (
        update(JobRow)
        .where(JobRow.id.in_(select(chosen.c.id)))
        .values(
            state=JobState.RUNNING,
            token=JobRow.token + 1,
            attempts=JobRow.attempts + 1,
            lease_until=clock.lease_end,
            last_error=case((RUNNING, LEASE_RAN_OUT), else_=JobRow.last_error),
        )
        .returning(
            JobRow.id,
            JobRow.queue,
            JobRow.kind,
            JobRow.payload,
            JobRow.destination,
            JobRow.token,
            JobRow.attempts,
            JobRow.max_attempts,
            JobRow.run_at,
            JobRow.last_error,
        )
    )


def _bury_exhausted(clock: LeaseClock) -> Update:
    """A job that kills its process at every attempt must not do so for ever."""
    return (
        update(JobRow)
        .where(
            JobRow.queue == bindparam("claimed_queue"),
            WAITING,
            RUNNING,
            JobRow.lease_until <= clock.now,
            JobRow.attempts >= JobRow.max_attempts,
        )
        .values(
            state=JobState.DEAD,
            lease_until=None,
            finished_at=clock.now,
            last_error=LEASE_RAN_OUT,
        )
        .returning(JobRow.id, JobRow.kind)
    )


@lru_cache(maxsize=32)
def due_queues(clock: LeaseClock, queues: Sequence[str]) -> Select[Any] | CompoundSelect[Any]:
    """The names of those queues that have something due. Each EXISTS stops at its first row."""
    return union_all(
        *(
            select(literal(queue).label("queue")).where(
                select(JobRow.id)
                .where(
                    JobRow.queue == queue,
                    KIND.in_(bindparam("kinds", expanding=True)),
                    is_due(clock),
                )
                .exists()
            )
            for queue in queues
        )
    )
