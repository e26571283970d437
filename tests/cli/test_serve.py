"""`payorch serve` as a real process: how it starts, works beside requests, and stops."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from payorch.cli.web_server import prepare_worker
from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.persistence.database import Database
from tests.cli.conftest import Payorch
from tests.databases import SqliteFiles, open_database
from tests.sandbox_process import SandboxProcess, free_port
from tests.shop import a_method, seed
from tests.web_process import WebProcess, a_payment_body, web_process

SLOW_CARD = "4100000000000167"


@pytest.fixture
def database_url(sqlite_files: SqliteFiles) -> str:
    return sqlite_files.new_database_url()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with open_database(database_url) as opened:
        seed(opened, [a_method("alpha")])
        yield opened


@pytest.fixture
def web(
    database_url: str, database: Database, sandbox: SandboxProcess, tmp_path: Path
) -> Iterator[WebProcess]:
    with web_process(
        tmp_path,
        workers=1,
        threads=4,
        database_url=database_url,
        sandbox_url=sandbox.base_url,
        rollup_interval_s=0.2,
    ) as running:
        yield running


def _wait_until(web: WebProcess, condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        web.is_healthy()  # A request as a pause: nothing here sleeps.


def _count(database: Database, what: str) -> int:
    with database.read() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {what}")))


def test_a_database_that_is_not_migrated_is_refused(new_payorch: Payorch) -> None:
    result = new_payorch("serve", "--port", "4527")

    assert result.exit_code == 1
    assert "Run: payorch db upgrade" in result.output


def test_a_database_that_is_away_is_told_in_one_sentence(new_payorch: Payorch) -> None:
    new_payorch.environment["PAYORCH_DATABASE_URL"] = f"postgresql://127.0.0.1:{free_port()}/shop"

    result = new_payorch("serve", "--port", "4527")

    assert result.exit_code == 1
    assert result.output.startswith("Error: The database cannot be used: ")
    assert "Traceback" not in result.output


def test_the_rollup_runs_beside_the_requests(web: WebProcess, database: Database) -> None:
    assert web.post("/payments", a_payment_body(), key="one").status == 201

    _wait_until(web, lambda: _count(database, "provider_minutes WHERE approved = 1"))


def test_background_jobs_run_beside_the_requests(web: WebProcess, database: Database) -> None:
    _wait_until(web, lambda: _count(database, "jobs WHERE kind = 'reconcile' AND state = 'done'"))


def test_background_jobs_are_left_to_others_where_they_are_switched_off(
    database_url: str, database: Database
) -> None:
    settings = replace(Settings(), database_url=database_url, embedded_worker=False)
    app = create_app(settings)
    try:
        assert prepare_worker(app, settings) == []
    finally:
        wired(app).database.engine.dispose()


def test_a_payment_under_way_is_finished_before_the_end(
    web: WebProcess, database: Database, sandbox: SandboxProcess
) -> None:
    sandbox.patch_profile("alpha", slow_ms=1500)
    with ThreadPoolExecutor() as customers:
        payment = customers.submit(web.post, "/payments", a_payment_body(SLOW_CARD), key="slow")
        _wait_until(web, lambda: _count(database, "transactions WHERE status = 'started'"))

        web.process.send_signal(signal.SIGTERM)

        assert payment.result(20).status == 201
    assert web.process.wait(20) == 0
    assert _count(database, "orders WHERE status = 'paid'") == 1
