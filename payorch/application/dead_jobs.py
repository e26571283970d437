"""What staff may do with a job that was tried as often as it may be: again, or never."""

from payorch.application.job_queue import JobQueue
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason


class ReplayJobUseCase:
    def __init__(self, queue: JobQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def execute(self, job_id: int, *, actor: str, reason: str) -> bool:
        """The dead job is due now, with all its attempts. False: it is not dead (any more).

        Raises ReasonRequired.
        """
        text = checked_reason(reason)
        return self._queue.replay(job_id, actor=actor, reason=text, at=self._clock.now())


class DiscardJobUseCase:
    def __init__(self, queue: JobQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def execute(self, job_id: int, *, actor: str, reason: str) -> bool:
        """The dead job is removed; the journal keeps what it was. Else as for a replay."""
        text = checked_reason(reason)
        return self._queue.discard(job_id, actor=actor, reason=text, at=self._clock.now())
