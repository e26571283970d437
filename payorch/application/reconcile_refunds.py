"""One pass over the open refunds that are due: each gets a job, which sends it or looks it up."""

from datetime import timedelta

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import Job
from payorch.application.ports import Clock
from payorch.application.refund_jobs import send_job
from payorch.application.refund_ledger import RefundLedger

PASS_LIMIT = 100


class ReconcileRefunds:
    """Any number of passes may run at once: the jobs' keys and the leases keep them apart."""

    def __init__(self, *, ledger: RefundLedger, jobs: JobQueue, clock: Clock) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._clock = clock

    def execute(self, limit: int = PASS_LIMIT) -> int:
        """How many were due and had no job, the longest waiting first. Raises LedgerUnavailable.

        However many wait for a slow provider, those behind them get theirs, too.
        """
        now = self._clock.now()
        hour, last_hour = (f"{t:%Y%m%dT%H}" for t in (now, now - timedelta(hours=1)))
        due = self._ledger.due_without_job(limit=limit, hours=(hour, last_hour))
        if due:
            self._jobs.enqueue(send_job(d.id, d.provider_code, d.token, hour=hour) for d in due)
        return len(due)

    def __call__(self, job: Job) -> None:  # noqa: ARG002 - the shape of every handler
        self.execute()
