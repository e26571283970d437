"""`payorch worker` as it is called, and as a real process."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import JobRow
from tests.cli.conftest import Payorch
from tests.databases import open_database
from tests.web_process import PAYORCH, environment


@pytest.fixture
def database(payorch: Payorch) -> Iterator[Database]:
    with open_database(payorch.environment["PAYORCH_DATABASE_URL"]) as opened:
        yield opened


def _done(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(select(JobRow.kind).where(JobRow.state == "done")))


def test_once_runs_what_is_due_and_ends(payorch: Payorch, database: Database) -> None:
    result = payorch("worker", "--once")

    assert result.exit_code == 0
    assert re.fullmatch(r"ran \d+ jobs\n", result.output)
    assert {"reconcile", "purge_jobs"} <= _done(database)


def test_only_the_queues_that_were_named_are_worked_on(
    payorch: Payorch, database: Database
) -> None:
    assert payorch("worker", "--once", "--queues", "upkeep").exit_code == 0

    assert "purge_jobs" in _done(database)
    assert "reconcile" not in _done(database)


def test_a_queue_that_does_not_exist_is_refused(payorch: Payorch) -> None:
    result = payorch("worker", "--once", "--queues", "reconcile,nowhere")

    assert result.exit_code == 2
    assert (
        "No such queue: nowhere. There are: comparison, mail, reconcile, refunds, settlements, "
        in result.output
    )


def test_places_that_make_no_sense_are_refused(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_WORKER_PLACES"] = "reconcile=many"

    result = payorch("worker", "--once")

    assert result.exit_code == 1
    assert "PAYORCH_WORKER_PLACES: 'reconcile=many' is not like reconcile=2." in result.output


def test_a_database_that_is_not_migrated_is_refused(new_payorch: Payorch) -> None:
    result = new_payorch("worker", "--once")

    assert result.exit_code == 1
    assert "payorch db upgrade" in result.output


def test_it_says_when_it_starts_and_stops_and_ends_on_a_signal(
    payorch: Payorch, database: Database
) -> None:
    process = subprocess.Popen(
        [sys.executable, *PAYORCH, "worker", "--threads", "3", "--queues", "reconcile,upkeep"],
        env=environment() | payorch.environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first_line = process.stdout.readline()

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)

    assert re.fullmatch(r"worker \S+:\d+ started; places: reconcile 3, upkeep 3\n", first_line)
    assert re.fullmatch(r"worker \S+:\d+ stopped; tries: .+\n", rest)
    assert process.returncode == 0
