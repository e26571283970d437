"""Seals what is in the clear or sealed with a former key, and destroys keys nobody needs.

It may run twice and be cut off anywhere: each batch is a transaction of its own, and what is
sealed already is not found again.
"""

from datetime import timedelta

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import SEAL_PERSONAL_DATA, Job, NewJob
from payorch.application.personal_data import Sealed, SealingBook, SealingState
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason

AT_ONCE = 250
BATCHES_PER_RUN = 400

KEEP_RETIRED = timedelta(days=1)
"""A process sees a new key within a minute; until then it seals with the former one. What it
sealed so has to be found before that key is destroyed, however long the process was held up.
"""


class SealPersonalDataUseCase:
    def __init__(self, book: SealingBook, jobs: JobQueue, clock: Clock) -> None:
        self._book = book
        self._jobs = jobs
        self._clock = clock

    def handle(self, job: Job) -> None:
        """Handler of SEAL_PERSONAL_DATA; a long work goes on in another job."""
        if not self.seal():
            self._jobs.enqueue([NewJob(SEAL_PERSONAL_DATA, dedup_key=f"seal:after:{job.id}")])

    def seal(self, *, batches: int = BATCHES_PER_RUN) -> bool:
        """Whether all is sealed with the key in use, but for what cannot be read."""
        self._book.wrap_anew()
        left = batches
        for key_id in (None, *self._book.former_keys()):
            for table in Sealed:
                left = self._seal(table, key_id, left)
                if left == 0:
                    return False
        now = self._clock.now()
        self._book.destroy_unused(retired_before=now - KEEP_RETIRED, at=now)
        return True

    def rotate(self, *, actor: str, reason: str) -> int:
        """The id of the new key. Raises ReasonRequired."""
        why = checked_reason(reason)
        return self._book.rotate(actor=actor, reason=why, at=self._clock.now())

    def state(self) -> SealingState:
        return self._book.state()

    def _seal(self, table: Sealed, key_id: int | None, batches: int) -> int:
        """Batches that are left; 0 when there may be more to seal."""
        after = 0
        while batches > 0:
            step = self._book.seal_anew(table, key_id=key_id, after=after, limit=AT_ONCE)
            if step.last is None:
                return batches
            after = step.last
            batches -= 1
        return 0
