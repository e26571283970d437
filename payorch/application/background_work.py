"""The handlers of payorch's own upkeep: settle what is open, forget what is done.

Each may run twice, and on two machines at once, without harm.
"""

from collections.abc import Iterable
from datetime import timedelta

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import Job, JobHandler, RetryLater, Schedule
from payorch.application.ports import Clock
from payorch.application.reconcile import ReconcileUseCase
from payorch.application.resolve_transaction import Resolution
from payorch.domain.transaction import TransactionId

HELD_STEP_S = 4.0
"""Each try waits longer by this, so that the job outlasts the lease of a holder that died."""

KEEP_DONE = timedelta(days=7)
KEEP_SCHEDULED = timedelta(days=1)
"""A schedule that fires every five seconds leaves 17,280 done jobs a day, each like the other."""

PURGED_AT_ONCE = 1_000
PURGES_PER_RUN = 100


def reconcile_handler(reconcile: ReconcileUseCase) -> JobHandler:
    def run(_job: Job) -> None:
        reconcile.enqueue_due()

    return run


def settle_transaction_handler(reconcile: ReconcileUseCase) -> JobHandler:
    """Payload: {"transaction": its public id, "token": the one it was due with}.

    What stays open is checked again by another job, when its time has come.
    """

    def run(job: Job) -> None:
        transaction_id = TransactionId(str(job.payload["transaction"]))
        token = job.payload.get("token")
        resolution = reconcile.check(
            transaction_id, token=None if token is None else int(str(token))
        )
        if resolution is Resolution.HELD:
            delay_s = HELD_STEP_S * job.attempts
            raise RetryLater("Somebody is at work on the payment.", delay_s=delay_s)

    return run


def purge_jobs_handler(
    queue: JobQueue, clock: Clock, schedules: Iterable[Schedule] = ()
) -> JobHandler:
    """`schedules` fire again when their last job is forgotten, so it is kept long enough."""
    longest_s = max((schedule.every_s for schedule in schedules), default=0.0)
    keep_scheduled = max(KEEP_SCHEDULED, timedelta(seconds=2 * longest_s))

    def run(_job: Job) -> None:
        now = clock.now()
        for _ in range(PURGES_PER_RUN):
            purged = queue.purge(
                done_before=now - max(KEEP_DONE, keep_scheduled),
                schedules_before=now - keep_scheduled,
                limit=PURGED_AT_ONCE,
            )
            if purged < PURGED_AT_ONCE:
                return

    return run
