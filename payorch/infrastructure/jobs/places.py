"""How many jobs of each queue this process runs at once, and which ones they are.

Every queue has places of its own, so that slow refunds cannot keep payments from being settled.
One destination never takes a queue's last place, and all that have work take turns.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from payorch.application.job_queue import ClaimedJob

MAX_RUN_S = 600.0
"""A job that runs longer is taken to hang: its lease is not extended any more."""


def places_of(queues: Iterable[str], configured: Mapping[str, int]) -> dict[str, int]:
    """Places of each of `queues`: as configured, else one, so that no queue is forgotten."""
    return {queue: configured.get(queue, 1) for queue in queues}


@dataclass(slots=True)
class _Running:
    job: ClaimedJob
    started_at_s: float
    held_since_s: float


class Places:
    """`places` by queue. Times are the clock's monotonic seconds."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = dict(places)
        self._running: dict[tuple[int, int], _Running] = {}
        self._had_their_turn: dict[str, set[str]] = {queue: set() for queue in places}
        self._lock = threading.Lock()

    def queues_with_room(self) -> Sequence[str]:
        return [queue for queue in self._places if self.room(queue) > 0]

    def room(self, queue: str) -> int:
        with self._lock:
            taken = sum(running.job.queue == queue for running in self._running.values())
        return self._places.get(queue, 0) - taken

    def full_destinations(self, queue: str) -> frozenset[str]:
        """Those that have as many jobs of `queue` running as one destination may."""
        most = max(1, self._places.get(queue, 0) - 1)
        with self._lock:
            busy = [
                running.job.destination
                for running in self._running.values()
                if running.job.queue == queue and running.job.destination is not None
            ]
        return frozenset(name for name in busy if busy.count(name) >= most)

    def had_their_turn(self, queue: str) -> frozenset[str]:
        """Destinations that were served in this round: others go first."""
        with self._lock:
            return frozenset(self._had_their_turn.get(queue, ()))

    def begin_round(self, queue: str) -> None:
        with self._lock:
            self._had_their_turn.get(queue, set()).clear()

    def take(self, job: ClaimedJob, *, now_s: float) -> None:
        with self._lock:
            if job.destination is not None:
                self._had_their_turn.setdefault(job.queue, set()).add(job.destination)
            self._running[_key(job)] = _Running(job, now_s, now_s)

    def give_back(self, job: ClaimedJob) -> None:
        with self._lock:
            self._running.pop(_key(job), None)

    def running(self) -> int:
        with self._lock:
            return len(self._running)

    def to_extend(self, *, now_s: float, every_s: float) -> Sequence[ClaimedJob]:
        """Jobs whose lease was not extended for `every_s`, without those that hang."""
        with self._lock:
            return [
                running.job
                for running in self._running.values()
                if now_s - running.held_since_s >= every_s
                and now_s - running.started_at_s < MAX_RUN_S
            ]

    def extended(self, jobs: Sequence[ClaimedJob], *, now_s: float) -> None:
        with self._lock:
            for job in jobs:
                if (running := self._running.get(_key(job))) is not None:
                    running.held_since_s = now_s


def _key(job: ClaimedJob) -> tuple[int, int]:
    return job.job.id, job.token
