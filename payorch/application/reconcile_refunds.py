"""One pass over the open refunds that are due: each gets a job, which sends it or looks it up."""

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import Job
from payorch.application.refund_jobs import send_job
from payorch.application.refund_ledger import RefundLedger

PASS_LIMIT = 100


class ReconcileRefunds:
    """Any number of passes may run at once: the jobs' keys and the leases keep them apart."""

    def __init__(self, *, ledger: RefundLedger, jobs: JobQueue) -> None:
        self._ledger = ledger
        self._jobs = jobs

    def execute(self, limit: int = PASS_LIMIT) -> int:
        """How many were due, the longest waiting first. Raises LedgerUnavailable."""
        due = self._ledger.due(limit=limit)
        if due:
            self._jobs.enqueue(send_job(d.id, d.provider_code, d.token) for d in due)
        return len(due)

    def __call__(self, job: Job) -> None:  # noqa: ARG002 - the shape of every handler
        self.execute()
