"""The worker: one loop that ticks schedules, claims what is due and starts a thread for each job.

Any number of them may run, in any number of processes and on any number of hosts. It never
gives up on the database: while that is away nothing can be claimed, and afterwards it goes on.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.job_queue import MAX_CLAIM, ClaimedJob
from payorch.domain.errors import LedgerUnavailable
from payorch.infrastructure.jobs.background import Background
from payorch.infrastructure.jobs.job_run import run_job
from payorch.infrastructure.jobs.places import Places
from payorch.infrastructure.jobs.schedule_ticker import ScheduleTicker

POLL_S = 1.0
"""How often an idle worker looks for work. One that ends a job looks at once."""

PATIENCE_AT_END_S = 30.0
"""Longest wait for running jobs when told to stop: a provider's call and its recording."""

_log = structlog.get_logger("payorch.jobs")


class Worker:
    """`places` by queue: how many of its jobs this process runs at once."""

    def __init__(
        self, background: Background, *, places: Mapping[str, int], poll_s: float = POLL_S
    ) -> None:
        self._background = background
        self._places = Places(places)
        self._poll_s = poll_s
        self._ticker = ScheduleTicker(background)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._is_unavailable = False
        self.ends: Counter[str] = Counter()
        """How many tries ended how."""

    def run(self, *, patience_s: float = PATIENCE_AT_END_S) -> int:
        """Work until `stop`; then let running jobs end, for at most `patience_s`.

        Returns how many were still running: their leases run out, and others take them over.
        """
        while not self._stopping.is_set():
            self._turn()
            self._wake.wait(self._poll_s)
            self._wake.clear()
        return self._let_running_end(patience_s)

    def stop(self) -> None:
        """May be called from a signal handler, and before `run`."""
        self._stopping.set()
        self._wake.set()

    def _turn(self) -> None:
        try:
            self._extend_leases()
            self._ticker.tick()
            self._start_due()
        except (LedgerUnavailable, SQLAlchemyError) as error:
            if not self._is_unavailable:
                _log.warning("worker_waits_for_database", error=type(error).__name__)
            self._is_unavailable = True
        except Exception:  # noqa: BLE001 - else all background work ends without a sound
            _log.exception("worker_turn_broke")
        else:
            if self._is_unavailable:
                _log.info("worker_goes_on")
            self._is_unavailable = False

    def _start_due(self) -> None:
        handlers = self._background.handlers.keys()
        with_room = self._places.queues_with_room()
        for queue in self._background.queue.due_queues(with_room, kinds=handlers):
            claimed = self._claim_in_turn(queue)
            for job in claimed:
                self._start(job)
            if claimed:
                # A claim takes one job per destination: there may be room for the next one.
                self._wake.set()

    def _claim_in_turn(self, queue: str) -> Sequence[ClaimedJob]:
        """First those that had no turn yet: the oldest jobs may all go to providers in trouble."""
        served = self._places.had_their_turn(queue)
        claimed = self._claim(queue, leaving_out=served)
        if not claimed and served:
            self._places.begin_round(queue)
            claimed = self._claim(queue, leaving_out=frozenset())
        return claimed

    def _claim(self, queue: str, *, leaving_out: frozenset[str]) -> Sequence[ClaimedJob]:
        return self._background.queue.claim(
            queue,
            kinds=self._background.handlers.keys(),
            limit=min(MAX_CLAIM, self._places.room(queue)),
            lease_s=self._background.lease_s,
            full_destinations=self._places.full_destinations(queue) | leaving_out,
        )

    def _start(self, job: ClaimedJob) -> None:
        self._places.take(job, now_s=self._background.clock.monotonic())
        name = f"payorch-job-{job.job.kind}"
        threading.Thread(target=self._work, args=(job,), name=name, daemon=True).start()

    def _work(self, job: ClaimedJob) -> None:
        try:
            end = run_job(self._background, job)
            self.ends[end] += 1
        except (LedgerUnavailable, SQLAlchemyError) as error:
            _log.warning("job_end_not_recorded", job=job.job.id, error=type(error).__name__)
        finally:
            self._places.give_back(job)
            self._wake.set()

    def _extend_leases(self) -> None:
        now_s = self._background.clock.monotonic()
        jobs = self._places.to_extend(now_s=now_s, every_s=self._background.lease_s / 3)
        if jobs:
            self._background.queue.extend(jobs, lease_s=self._background.lease_s)
            self._places.extended(jobs, now_s=now_s)

    def _let_running_end(self, patience_s: float) -> int:
        until_s = self._background.clock.monotonic() + patience_s
        while self._places.running() and self._background.clock.monotonic() < until_s:
            try:
                self._extend_leases()
            except (LedgerUnavailable, SQLAlchemyError):
                _log.warning("leases_not_extended")
            self._wake.wait(0.1)
            self._wake.clear()
        return self._places.running()
