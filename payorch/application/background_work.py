"""The handlers of payorch's own upkeep: settle what is open, forget what is done.

Each may run twice, and on two machines at once, without harm.
"""

from collections.abc import Iterable
from datetime import timedelta

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import SETTLE_TRANSACTION, Job, JobHandler, RetryLater, Schedule
from payorch.application.ports import Clock
from payorch.application.reconcile import ReconcileUseCase
from payorch.application.resolve_transaction import Resolution, ResolveTransactionUseCase
from payorch.domain.transaction import TransactionId

CHECKED_PER_PASS = 50
"""With providers that answer nothing, a pass of so many ends within some minutes."""

KEEP_DONE = timedelta(days=7)
KEEP_SCHEDULED = timedelta(days=1)
"""A schedule that fires every five seconds leaves 17,280 done jobs a day, each like the other."""

PURGED_AT_ONCE = 1_000
PURGES_PER_RUN = 100


def reconcile_handler(reconcile: ReconcileUseCase) -> JobHandler:
    def run(_job: Job) -> None:
        reconcile.execute(CHECKED_PER_PASS)

    return run


def settle_transaction_handler(resolve: ResolveTransactionUseCase) -> JobHandler:
    """Payload: {"transaction": its public id}."""

    def run(job: Job) -> None:
        resolution = resolve.execute(TransactionId(str(job.payload["transaction"])))
        if resolution not in {Resolution.HELD, Resolution.STILL_OPEN}:
            return
        if job.attempts < SETTLE_TRANSACTION.max_attempts:
            raise RetryLater(f"The transaction is {resolution.value.replace('_', ' ')}.")
        # Nothing is wrong with the job: from here on the reconciler looks, at its own pace.

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
