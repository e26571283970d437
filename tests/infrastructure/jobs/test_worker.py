"""The worker's loop, with real threads and real time: tests wait for states, never for a while."""

import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from payorch.application.jobs import NewJob, Schedule
from payorch.domain.errors import LedgerUnavailable
from payorch.infrastructure.jobs import Worker
from payorch.infrastructure.system_clock import SystemClock
from tests.infrastructure.jobs.work import CALL, DIG, WATER, Garden

PATIENCE_S = 30


@pytest.fixture
def garden(database):
    return Garden(database, SystemClock())


@contextmanager
def at_work(background, *, times=1, **places):
    """`times` workers, as in as many processes; told to stop at the end."""
    places = places or {"garden": 2, "phone": 1}
    workers = [Worker(background, places=places, poll_s=0.02) for _ in range(times)]
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(PATIENCE_S)


def wait_until(condition, *, within_s=PATIENCE_S):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "It did not happen."
        time.sleep(0.01)


class Gate:
    """A handler that holds its jobs until it is opened, and counts them."""

    def __init__(self):
        self.opened = threading.Event()
        self.inside = Counter()
        self.most = Counter()
        self.seen = 0
        self._lock = threading.Lock()

    def __call__(self, job):
        names = [job.kind, str(job.payload.get("to"))]
        with self._lock:
            self.seen += 1
            self.inside.update(names)
            for name in names:
                self.most[name] = max(self.most[name], self.inside[name])
        self.opened.wait(PATIENCE_S)
        with self._lock:
            self.inside.subtract(names)


def test_several_workers_share_the_work_and_each_job_is_done_once(garden):
    garden.queue.enqueue([NewJob(DIG) for _ in range(40)])

    with at_work(garden.background(), times=3):
        wait_until(lambda: set(garden.states()) == {"done"})

    assert len(garden.did) == len(set(garden.did)) == 40


def test_a_queue_has_its_places_and_a_full_one_holds_up_no_other(garden):
    gate = Gate()
    garden.queue.enqueue([NewJob(DIG) for _ in range(6)])
    with at_work(garden.background(gate), garden=2, phone=1):
        wait_until(lambda: gate.inside["dig"] == 2)

        garden.enqueue(CALL)
        wait_until(lambda: gate.inside["call"] == 1)

        gate.opened.set()
        wait_until(lambda: set(garden.states()) == {"done"})
    assert gate.most["dig"] == 2


def test_one_destination_never_takes_a_queue_s_last_place(garden, monkeypatch):
    gate = Gate()
    looks = []
    due_queues = garden.queue.due_queues

    def look(*arguments, **options):
        looks.append(arguments)
        return due_queues(*arguments, **options)

    monkeypatch.setattr(garden.queue, "due_queues", look)
    garden.queue.enqueue([NewJob(DIG, {"to": "north"}, destination="north") for _ in range(5)])
    with at_work(garden.background(gate), garden=3):
        wait_until(lambda: gate.inside["north"] == 2)
        # It looks again and again, and leaves the third place free for somebody else.
        seen = len(looks)
        wait_until(lambda: len(looks) > seen + 3)

        garden.enqueue(DIG, payload={"to": "south"}, destination="south")
        wait_until(lambda: gate.inside["south"] == 1)

        gate.opened.set()
        wait_until(lambda: set(garden.states()) == {"done"})
    assert gate.most["north"] == 2


def test_a_long_job_keeps_its_lease_while_its_worker_lives(garden):
    gate = Gate()
    garden.enqueue()
    with at_work(garden.background(gate, lease_s=6.0)):
        wait_until(lambda: gate.seen == 1)
        leased_until = garden.row()["lease_until"]

        wait_until(lambda: garden.row()["lease_until"] > leased_until)

        gate.opened.set()
        wait_until(lambda: garden.states() == ["done"])
    assert (gate.seen, garden.row()["attempts"]) == (1, 1)


def test_told_to_stop_it_claims_nothing_more_and_lets_the_running_job_end(garden):
    gate = Gate()
    garden.queue.enqueue([NewJob(DIG) for _ in range(3)])
    worker = Worker(garden.background(gate), places={"garden": 1}, poll_s=0.02)
    left = []
    thread = threading.Thread(target=lambda: left.append(worker.run(patience_s=PATIENCE_S)))
    thread.start()
    wait_until(lambda: gate.seen == 1)

    worker.stop()
    assert thread.is_alive()
    gate.opened.set()
    thread.join(PATIENCE_S)

    assert left == [0]
    assert sorted(garden.states()) == ["done", "ready", "ready"]


def test_a_job_that_does_not_end_is_left_to_its_lease(garden):
    gate = Gate()
    garden.enqueue()
    worker = Worker(garden.background(gate), places={"garden": 1}, poll_s=0.02)
    left = []
    thread = threading.Thread(target=lambda: left.append(worker.run(patience_s=0.05)))
    thread.start()
    wait_until(lambda: gate.seen == 1)

    worker.stop()
    thread.join(PATIENCE_S)

    assert left == [1]
    assert garden.states() == ["running"]
    gate.opened.set()
    wait_until(lambda: garden.states() == ["done"])


@pytest.mark.parametrize(
    "trouble", [LedgerUnavailable("gone"), OperationalError("SELECT 1", {}, Exception("gone"))]
)
def test_it_waits_for_a_database_that_is_away_and_goes_on(garden, trouble, monkeypatch):
    away = threading.Event()
    away.set()
    asked = []
    due_queues = garden.queue.due_queues

    def sometimes(*arguments, **options):
        asked.append(away.is_set())
        if away.is_set():
            raise trouble
        return due_queues(*arguments, **options)

    monkeypatch.setattr(garden.queue, "due_queues", sometimes)
    garden.enqueue()
    with structlog.testing.capture_logs() as logs, at_work(garden.background()):
        wait_until(lambda: len(asked) > 3)
        away.clear()
        wait_until(lambda: garden.states() == ["done"])
        wait_until(lambda: len(logs) == 2)

    assert [log["event"] for log in logs] == ["worker_waits_for_database", "worker_goes_on"]


def test_an_end_that_cannot_be_recorded_gives_the_place_back(garden, monkeypatch):
    def lost(_job):
        raise LedgerUnavailable("gone")

    complete = garden.queue.complete
    monkeypatch.setattr(garden.queue, "complete", lost)
    garden.enqueue()
    with structlog.testing.capture_logs(), at_work(garden.background(lease_s=0.2), garden=1):
        wait_until(lambda: len(garden.did) == 1)
        monkeypatch.setattr(garden.queue, "complete", complete)

        wait_until(lambda: garden.states() == ["done"])
    assert len(garden.did) >= 2


def test_eight_workers_that_tick_make_one_job_per_fire_time(garden):
    # A period so long that no second fire time comes up while the test runs.
    schedules = (Schedule(WATER, every_s=10 * 365 * 86_400.0),)

    with at_work(garden.background(schedules=schedules), times=8):
        wait_until(lambda: garden.states() == ["done"])

    assert len(garden.did) == 1


def test_destinations_take_turns_however_many_jobs_the_others_have(garden):
    """Two providers in trouble, and older jobs for both than the one for the third."""
    for name in ("alpha", "gamma") * 5:
        garden.enqueue(WATER, payload={"to": name}, destination=name)
    garden.enqueue(WATER, payload={"to": "beta"}, destination="beta")
    served = []

    with at_work(garden.background(lambda job: served.append(job.payload["to"])), garden=1):
        wait_until(lambda: set(garden.states()) == {"done"})

    assert sorted(served[:3]) == ["alpha", "beta", "gamma"]
    assert len(served) == 11
