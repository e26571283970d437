"""How each queue of jobs stands."""

from typing import Any

from sqlalchemy import Connection, func, select

from payorch.application.job_queue import QueueFigures
from payorch.infrastructure.persistence.job_claims import WAITING, is_due
from payorch.infrastructure.persistence.payment_statements import LeaseClock
from payorch.infrastructure.persistence.tables import JobRow
from payorch.infrastructure.persistence.tables.jobs import JobState

_WAITING = (
    select(JobRow.queue, JobRow.state, func.count().label("jobs"))
    .where(WAITING)
    .group_by(JobRow.queue, JobRow.state)
)
_DEAD = (
    select(JobRow.queue, func.count().label("jobs"))
    .where(JobRow.state == JobState.DEAD)
    .group_by(JobRow.queue)
)


def queue_figures(
    connection: Connection, clock: LeaseClock, now: dict[str, Any]
) -> list[QueueFigures]:
    """Queues by name; those that have only done jobs are left out."""
    counts = {(row.queue, row.state): row.jobs for row in connection.execute(_WAITING)}
    dead = {row.queue: row.jobs for row in connection.execute(_DEAD)}
    due = {
        row.queue: row
        for row in connection.execute(
            select(
                JobRow.queue,
                func.count().label("jobs"),
                func.min(JobRow.run_at).label("oldest"),
                clock.now.label("now"),
            )
            .where(is_due(clock))
            .group_by(JobRow.queue),
            now,
        )
    }
    return [
        QueueFigures(
            queue=queue,
            waiting=counts.get((queue, JobState.READY), 0),
            due=due[queue].jobs if queue in due else 0,
            running=counts.get((queue, JobState.RUNNING), 0),
            dead=dead.get(queue, 0),
            oldest_age_s=(
                max(0.0, (due[queue].now - due[queue].oldest).total_seconds())
                if queue in due
                else 0.0
            ),
        )
        for queue in sorted({queue for queue, _ in counts} | set(dead))
    ]
