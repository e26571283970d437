"""Circuits between real processes: gunicorn on two ports, and eight that want to probe at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack

import pytest
from sqlalchemy import func, select

from payorch.domain.circuit import CircuitSettings, CircuitState, Evidence
from payorch.domain.shared_circuit import OpenedBecause
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.persistence.tables import TransactionRow
from payorch.infrastructure.system_clock import SystemClock
from tests.databases import open_database
from tests.shop import a_method, seed
from tests.web_process import REPOSITORY, a_payment_body, environment, web_process

PROCESSES = 8
PAYMENTS = 16
HANGS_MS = 10_000
TAKE_A_PROBE = """
import sys
from sqlalchemy import create_engine
from payorch.domain.circuit import CircuitSettings
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.system_clock import SystemClock

engine = create_engine(sys.argv[1])
prepare_engine(engine)
transactions = LedgerTransactions(Database(engine), SystemClock())
circuits = SqlAlchemySharedCircuits(transactions, SystemClock(), CircuitSettings())
circuits.load()
print("ready", flush=True)
sys.stdin.readline()
print(circuits.take_probe("alpha", lease_s=60).token, flush=True)
"""


def circuits_of(database):
    clock = SystemClock()
    return SqlAlchemySharedCircuits(LedgerTransactions(database, clock), clock, CircuitSettings())


def test_of_eight_processes_that_want_to_probe_at_once_one_does(database, database_url):
    circuits_of(database).open(
        "alpha",
        because=OpenedBecause.FAILURES,
        evidence=Evidence(8, 8, {"server_error": 8}),
        for_s=0.0,
        seen_by="tests:1",
    )
    with ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", TAKE_A_PROBE, database_url],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=REPOSITORY,
                    env=environment(),
                )
            )
            for _ in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.stdout.readline().strip() for process in processes]

    assert sorted(told) == ["1"] + ["None"] * (PROCESSES - 1)


@pytest.fixture
def two_webs(database_url, sandbox, tmp_path):
    """Two hosts, as far as payorch can tell: each with two workers of its own."""
    with open_database(database_url) as database:
        seed(database, [a_method("alpha", timeout_s=25.0), a_method("beta")])
    with (
        web_process(tmp_path, database_url=database_url, sandbox_url=sandbox.base_url) as one,
        web_process(tmp_path, database_url=database_url, sandbox_url=sandbox.base_url) as two,
    ):
        yield one, two


def pay(web, number):
    answer = web.post("/payments", a_payment_body(), key=f"{web.base_url}-{number}")
    assert (answer.status, answer.body["result"]) == (201, "paid"), answer.body


def attempts(database):
    with database.read() as connection:
        return list(
            connection.scalars(select(TransactionRow.provider_code).order_by(TransactionRow.id))
        )


def test_an_outage_is_met_by_few_payments_and_then_by_none_of_any_process(
    two_webs, database, sandbox
):
    one, two = two_webs
    pay(one, "warm-1")
    pay(two, "warm-2")
    sandbox.start_outage("alpha", "not_processed_503")
    # Enough for every worker of both to fail more than once.
    for number in range(40):
        pay(one if number % 2 else two, number)
    circuit = circuits_of(database).load()
    assert circuit.circuits["alpha"].state_at(circuit.read_at) is CircuitState.OPEN
    assert circuit.circuits["alpha"].openings == 1
    met = attempts(database).count("alpha")
    assert met < 40

    for number in range(8):
        pay(one, f"after-{number}")
        pay(two, f"after-{number}")

    assert attempts(database).count("alpha") == met


def test_while_one_probe_hangs_no_process_sends_another(two_webs, database, sandbox):
    one, two = two_webs
    circuits_of(database).open(
        "alpha",
        because=OpenedBecause.FAILURES,
        evidence=Evidence(8, 8, {"server_error": 8}),
        for_s=0.0,
        seen_by="tests:1",
    )
    sandbox.patch_profile("alpha", latency={"p50_ms": HANGS_MS, "p95_ms": HANGS_MS})

    with ThreadPoolExecutor(PAYMENTS) as pool:
        payments = [
            pool.submit(pay, one if number % 2 else two, f"probing-{number}")
            for number in range(PAYMENTS)
        ]
        # All but the probe itself are answered while it hangs.
        for _, payment in zip(range(PAYMENTS - 1), as_completed(payments), strict=False):
            payment.result()
        asked = sent_to_alpha(database)

    assert asked == 1


def sent_to_alpha(database):
    """Attempts at Alpha that were not stopped by its circuit."""
    with database.read() as connection:
        return connection.scalar(
            select(func.count())
            .select_from(TransactionRow)
            .where(
                TransactionRow.provider_code == "alpha",
                func.coalesce(TransactionRow.technical_reason, "") != "circuit_open",
            )
        )
