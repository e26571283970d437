"""What running jobs needs: the queue, a handler per kind, the schedules, and the seams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from payorch.application.job_queue import JobQueue
from payorch.application.jobs import JobHandler, JobKind, Schedule, job_kinds
from payorch.application.ports import Checkpoint, Clock, no_checkpoint

LEASE_S = 20.0
"""Longer than SQLite's waiting for other writers, so that a heartbeat is not late for that; and
what a killed worker delays its jobs by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """`handlers` by the kind's name. Kinds without a handler here are left to other processes.

    `random` gives chance in [0, 1) for the jitter of delays.
    """

    queue: JobQueue
    handlers: Mapping[str, JobHandler]
    schedules: tuple[Schedule, ...]
    clock: Clock
    random: Callable[[], float]
    checkpoint: Checkpoint = no_checkpoint
    kinds: Mapping[str, JobKind] = field(default_factory=job_kinds)
    lease_s: float = LEASE_S

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues of all kinds that have a handler, by name."""
        return tuple(sorted({self.kinds[name].queue for name in self.handlers}))
