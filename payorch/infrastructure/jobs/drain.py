"""Jobs in the caller's own thread, one after the other: for tests, the simulator and `--once`.

Nothing here depends on threads or real time, so that a run can be repeated exactly.
"""

from collections.abc import Sequence
from datetime import timedelta

from payorch.infrastructure.jobs.background import Background
from payorch.infrastructure.jobs.job_run import run_job
from payorch.infrastructure.jobs.schedule_ticker import ScheduleTicker, next_fire_time

MOST_JOBS = 10_000
"""A drain that runs more than this has jobs that call each other for ever."""

MOMENT = timedelta(milliseconds=1)


def drain(
    background: Background,
    *,
    queues: Sequence[str] | None = None,
    with_schedules: bool = False,
    limit: int = MOST_JOBS,
) -> int:
    """Run every job that is due now, with those that they enqueue; how many tries that were.

    `with_schedules` enqueues first what the schedules' clocks say. Jobs that are put off are
    left for later. Raises LedgerUnavailable, and what a checkpoint raises.
    """
    if with_schedules:
        ScheduleTicker(background).tick()
    names = background.queues if queues is None else tuple(queues)
    done = 0
    while done < limit:
        # One question for all queues: taking from each is a transaction, and most are empty.
        due = background.queue.due_queues(names, kinds=background.handlers.keys())
        run = sum(_run_one(background, queue) for queue in names if queue in due)
        if run == 0:
            break
        done += run
    return done


def run_for(background: Background, *, seconds: float, queues: Sequence[str] | None = None) -> int:
    """Go through the next `seconds` with schedules and jobs, jumping from one due time to the
    next by the clock's `sleep`; how many tries that were. For clocks that need not wait.
    """
    clock = background.clock
    ends_at = clock.now() + timedelta(seconds=seconds)
    done = drain(background, queues=queues, with_schedules=True)
    while clock.now() < ends_at:
        now = clock.now()
        times = [next_fire_time(schedule, now) for schedule in background.schedules]
        if (due_at := background.queue.next_due_at()) is not None:
            times.append(max(due_at, now + MOMENT))
        clock.sleep((min([*times, ends_at]) - now).total_seconds())
        done += drain(background, queues=queues, with_schedules=True)
    return done


def _run_one(background: Background, queue: str) -> int:
    claimed = background.queue.claim(
        queue, kinds=background.handlers.keys(), limit=1, lease_s=background.lease_s
    )
    for job in claimed:
        run_job(background, job)
    return len(claimed)
