"""/metrics: who may read it, and that it tells what the database says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, update

from payorch.application.jobs import SEND_REFUND, SETTLE_TRANSACTION, NewJob
from payorch.config import Settings
from payorch.domain.circuit import CircuitSettings, Evidence
from payorch.domain.shared_circuit import OpenedBecause
from payorch.factory import create_app, wired
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.persistence.tables import JobRow, TransactionRow
from payorch.infrastructure.system_clock import SystemClock
from tests.shop import a_card, a_method, a_payment, an_order, seed

TOKEN = "a-metrics-token-of-32-characters-or-more"
NEVER_ANSWERED = "4100000000000175"
ELSEWHERE = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture
def open_app(sqlite_files):
    opened = []

    def make(**settings):
        url = settings.pop("database_url", None) or sqlite_files.new_database_url()
        app = create_app(replace(Settings(), database_url=url, **settings))
        opened.append(wired(app).database)
        return app

    yield make
    for database in opened:
        database.engine.dispose()


def ask(app, *, headers=None, environ=None):
    return app.test_client().get("/metrics", headers=headers, environ_overrides=environ)


def samples(answer):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
def test_without_a_token_this_machine_may_ask(open_app, address):
    answer = ask(open_app(), environ={"REMOTE_ADDR": address})

    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        (ELSEWHERE, {}),
        ({"REMOTE_ADDR": ""}, {}),
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
        ({}, {"Forwarded": "for=127.0.0.1"}),
        ({}, {"X-Real-IP": "127.0.0.1"}),
    ],
)
def test_without_a_token_nobody_else_may(open_app, environ, headers):
    answer = ask(open_app(), environ=environ, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_visitor_behind_a_trusted_proxy_is_not_taken_for_this_machine(open_app):
    answer = ask(open_app(proxy_hops=1), headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.status_code == 403


@pytest.mark.parametrize("environ", [{}, ELSEWHERE])
def test_with_a_token_its_holder_may_ask_from_anywhere(open_app, environ):
    app = open_app(metrics_token=TOKEN)

    assert (
        ask(app, environ=environ, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    )


@pytest.mark.parametrize("given", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
def test_with_a_token_nobody_else_may_not_even_this_machine(open_app, given):
    headers = {} if given is None else {"Authorization": given}

    answer = ask(open_app(metrics_token=TOKEN), headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


def test_the_api_token_does_not_open_it(open_app):
    app = open_app(metrics_token=TOKEN, api_token="another-token")

    assert ask(app, headers={"Authorization": "Bearer another-token"}).status_code == 401


def test_it_tells_what_the_database_says(open_app, database_url, sandbox):
    app = open_app(database_url=database_url, sandbox_url=sandbox.base_url, page_budget_s=0.1)
    application = wired(app)
    queue = application.background.queue
    seed(application.database, [a_method("alpha", timeout_s=0.3)])
    application.services.pay_order.execute(
        a_payment(new_order=an_order(), instrument=a_card(NEVER_ANSWERED))
    )
    ten_minutes_ago = datetime.now(UTC) - timedelta(minutes=10)
    with application.database.tx() as connection:
        connection.execute(
            update(TransactionRow).values(started_at=ten_minutes_ago, review_since=ten_minutes_ago)
        )
        connection.execute(delete(JobRow))
    queue.enqueue([NewJob(SEND_REFUND), NewJob(SETTLE_TRANSACTION)])
    (refund,) = queue.claim("refunds", kinds=["send_refund"], limit=1, lease_s=0)
    queue.claim("refunds", kinds=["send_refund"], limit=1, lease_s=20)
    assert not queue.complete(refund)

    found = samples(ask(app))

    assert found["payorch_job_queue_depth", "reconcile"] == 1
    assert found["payorch_job_queue_due", "reconcile"] == 1
    assert found["payorch_job_queue_running", "refunds"] == 1
    assert found["payorch_job_queue_dead", "refunds"] == 0
    assert found["payorch_job_queue_oldest_age_seconds", "reconcile"] >= 0
    assert found["payorch_job_lease_expiries_total",] == 1
    assert found["payorch_job_fenced_completions_total",] == 1
    assert found["payorch_open_transactions", "unknown"] == 1
    assert found["payorch_open_transactions", "started"] == 0
    assert 590 < found["payorch_oldest_unknown_seconds",] < 900
    assert found["payorch_review_backlog",] == 1


def test_an_empty_installation_has_figures_too(open_app):
    found = samples(ask(open_app()))

    assert found["payorch_oldest_unknown_seconds",] == 0
    assert found["payorch_review_backlog",] == 0
    assert found["payorch_job_lease_expiries_total",] == 0


def test_it_tells_each_providers_circuit_as_all_processes_see_it(open_app):
    app = open_app()
    database = wired(app).database
    seed(database, [a_method("alpha"), a_method("beta")])
    circuits = SqlAlchemySharedCircuits(
        LedgerTransactions(database, SystemClock()), SystemClock(), CircuitSettings()
    )
    circuits.open(
        "alpha",
        because=OpenedBecause.FAILURES,
        evidence=Evidence(8, 8, {"server_error": 8}),
        for_s=60,
        seen_by="web-2:7",
    )

    told = samples(ask(app))

    state = "payorch_provider_circuit_state"
    assert [told[state, "alpha", name] for name in ("closed", "open", "half_open")] == [0, 1, 0]
    assert told[state, "beta", "closed"] == 1
    assert told["payorch_provider_circuit_openings_total", "alpha"] == 1
    assert told["payorch_provider_circuit_held", "alpha", "open"] == 0
    assert told["payorch_provider_circuit_only_here", "alpha"] == 0
