"""A worker whose PostgreSQL crashes and comes back: it waits, and goes on with the same process."""

import signal
import subprocess
import sys
import time

import pytest

from payorch.application.jobs import NewJob
from payorch.infrastructure.system_clock import SystemClock
from tests.chaos.chaos_database import chaos_database
from tests.databases import open_database
from tests.infrastructure.jobs.work import DIG, Garden
from tests.web_process import REPOSITORY, environment

PATIENCE_S = 120

pytestmark = [pytest.mark.long, pytest.mark.alone]


def test_a_worker_outlives_the_crashes_of_its_database(tmp_path):
    (tmp_path / "go").touch()
    with chaos_database("postgresql", tmp_path) as server:
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.infrastructure.jobs.worker_process"),
                *(server.url, str(tmp_path)),
            ],
            cwd=REPOSITORY,
            env=environment(),
        )
        try:
            for _ in range(3):
                enqueue(server.url)
                server.crash()
                enqueue(server.url)
                wait_until_done(server.url, worker)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE_S) == 0
        finally:
            worker.kill()
            worker.wait()


def enqueue(url):
    with open_database(url) as database:
        Garden(database, SystemClock()).queue.enqueue([NewJob(DIG) for _ in range(5)])


def wait_until_done(url, worker):
    until = time.monotonic() + PATIENCE_S
    with open_database(url) as database:
        garden = Garden(database, SystemClock())
        while set(garden.states()) != {"done"}:
            assert time.monotonic() < until, garden.states()
            assert worker.poll() is None, "The worker ended by itself."
            time.sleep(0.05)
