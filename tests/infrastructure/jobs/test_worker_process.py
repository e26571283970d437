"""Workers in processes of their own: killed with -9, and told to stop."""

import signal
import subprocess
import sys
import time

import pytest

from payorch.infrastructure.system_clock import SystemClock
from tests.infrastructure.jobs.work import DIG, WATER, Garden
from tests.web_process import REPOSITORY, environment

PATIENCE_S = 60


@pytest.fixture
def garden(database):
    return Garden(database, SystemClock())


@pytest.fixture
def start(database_url, tmp_path):
    started = []

    def start_one():
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.infrastructure.jobs.worker_process"),
                *(database_url, str(tmp_path)),
            ],
            cwd=REPOSITORY,
            env=environment(),
        )
        started.append(process)
        wait_until((tmp_path / f"ready-{process.pid}").exists)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "It did not happen."
        time.sleep(0.02)


def tries(folder, attempt):
    return list(folder.glob(f"try-*-{attempt}-*"))


def test_a_killed_worker_s_job_is_done_by_another(garden, start, tmp_path):
    garden.enqueue(WATER, payload={"bed": "roses"})
    garden.enqueue(DIG)
    victim = start()
    wait_until(lambda: tries(tmp_path, 1))

    victim.kill()
    victim.wait()
    (tmp_path / "go").touch()
    start()

    # The one kind may be tried once only: it is dead. The other one is done by the second worker.
    wait_until(lambda: sorted(garden.states()) == ["dead", "done"])
    assert garden.queue.counters().lease_expiries == 1
    assert garden.row(state="dead")["kind"] == "water"


def test_a_job_that_kills_its_worker_every_time_ends_dead(garden, start, tmp_path):
    garden.enqueue(DIG)
    for attempt in range(1, DIG.max_attempts + 1):
        victim = start()
        wait_until(lambda attempt=attempt: tries(tmp_path, attempt))
        victim.kill()
        victim.wait()

    start()
    wait_until(lambda: garden.states() == ["dead"])

    assert garden.row()["attempts"] == DIG.max_attempts
    assert len(list(tmp_path.glob("try-*"))) == DIG.max_attempts


def test_sigterm_lets_the_running_job_end_and_starts_no_other(garden, start, tmp_path):
    garden.enqueue(DIG)
    garden.enqueue(DIG)
    worker = start()
    wait_until(lambda: tries(tmp_path, 1))

    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.5)
    (tmp_path / "go").touch()

    assert worker.wait(PATIENCE_S) == 0
    assert garden.states() == ["done", "ready"]
