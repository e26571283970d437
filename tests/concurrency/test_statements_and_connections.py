"""What one payment costs the database, and that it holds no connection while it waits."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from payorch.application.payment_result import ResultKind
from payorch.application.policy_trials import StartPolicyTrial
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.wiring import Seams
from tests.concurrency.database_watch import COMMIT, watching
from tests.concurrency.racing import race
from tests.shop import Shop, a_card, a_method, an_order

TIMEOUT_AFTER_CHARGE = "4100000000000027"


@pytest.fixture
def shop(database, sandbox):
    """A shop that has paid before: its configuration is in memory and its statements compiled."""
    opened = Shop(database, sandbox_url=sandbox.base_url)
    opened.pay()
    opened.pay(opened.order().id)
    return opened


STATEMENTS = {"sqlite": 8, "postgresql": 3}
"""Of a first-try payment: a look at recent declines and the configuration's revision; order,
submission and intent; then the outcome in all three and the receipt's job. PostgreSQL writes
each of these in one statement, SQLite needs three and four."""

FURTHER_ATTEMPT = 2
"""Each further attempt ends one transaction row and begins another, in one commit."""

_WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE) (\w+)")


def outage(sandbox, *accounts):
    for account in accounts:
        sandbox.start_outage(account, "not_processed_503")


def is_select(entry: str) -> bool:
    return entry != COMMIT and not _WRITES.search(entry)


def statements_of(shop) -> int:
    return STATEMENTS[shop.database.engine.dialect.name]


@pytest.mark.parametrize("is_new", [True, False], ids=["new order", "existing order"])
def test_a_first_try_payment_costs_two_commits_and_few_statements(shop, is_new):
    order_id = None if is_new else shop.order().id

    with watching(shop.database.engine) as seen:
        result = shop.pay(order_id)

    assert result.kind is ResultKind.PAID
    assert seen.commits == 2
    # An order that exists has to be read first.
    assert len(seen.statements) <= statements_of(shop) + (not is_new), seen.statements
    assert not [s for s in seen.after_first_commit if is_select(s)]


@pytest.mark.parametrize("is_new", [True, False], ids=["new order", "existing order"])
def test_a_payment_costs_the_same_while_a_policy_is_on_trial(shop, is_new):
    candidate = RoutingPolicy(1, tuple(PolicyEntry(c, 1) for c in ("alpha", "beta", "gamma")))
    shop.services.start_trial.execute(
        StartPolicyTrial(
            name="Evenly", candidate=candidate, share_percent=50, actor="olga", reason="to see"
        )
    )
    shop.pay()
    shop.pay(shop.order().id)
    order_id = None if is_new else shop.order().id

    with watching(shop.database.engine) as seen:
        paid = shop.pay(order_id)

    assert shop.services.decisions.of_order(paid.order_id)[0].trial is not None
    assert seen.commits == 2
    assert len(seen.statements) <= statements_of(shop) + (not is_new), seen.statements


@pytest.mark.parametrize("failing", [(), ("alpha",), ("alpha", "beta")], ids=len)
def test_k_attempts_cost_k_plus_one_commits_and_no_read_between_them(shop, sandbox, failing):
    outage(sandbox, *failing)

    with watching(shop.database.engine) as seen:
        result = shop.pay()

    attempts = len(failing) + 1
    assert (result.kind, result.attempts) == (ResultKind.PAID, attempts)
    assert seen.commits == attempts + 1
    most = statements_of(shop) + FURTHER_ATTEMPT * len(failing)
    assert len(seen.statements) <= most, seen.statements
    assert not [s for s in seen.after_first_commit if is_select(s)]


def test_no_payment_updates_a_row_that_another_payment_has(shop):
    with watching(shop.database.engine) as seen:
        shop.pay()

    written = {table for statement in seen.statements for table in _WRITES.findall(statement)}
    assert written == {"orders", "submissions", "transactions", "jobs"}


@pytest.fixture
def one_connection(database_url):
    """A database whose pool has a single connection: whoever holds one starves all others."""
    engine = create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=1)
    prepare_engine(engine)
    yield Database(engine)
    engine.dispose()


class PoolWatch:
    """A checkpoint that notes how many connections are out at each step."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.out: dict[str, int] = {}

    def __call__(self, name: str) -> None:
        held = self.database.engine.pool.checkedout()
        self.out[name] = max(self.out.get(name, 0), held)


def test_no_connection_is_held_at_any_step_between_the_transactions(one_connection, sandbox):
    watch = PoolWatch(one_connection)
    shop = Shop(one_connection, sandbox_url=sandbox.base_url, seams=Seams(checkpoint=watch))
    outage(sandbox, "alpha")

    assert shop.pay().kind is ResultKind.PAID

    steps = ("before_start", "after_start", "before_call", "after_call")
    assert watch.out == dict.fromkeys((*steps, "before_record", "after_record"), 0)


def test_no_connection_is_held_while_an_unknown_payment_is_looked_up(one_connection, sandbox):
    watch = PoolWatch(one_connection)
    shop = Shop(
        one_connection,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", timeout_s=0.3)],
        seams=Seams(checkpoint=watch),
    )

    result = shop.pay(instrument=a_card(TIMEOUT_AFTER_CHARGE))

    assert result.kind is ResultKind.PAID
    assert watch.out["quick_check"] == 0


def test_eight_payments_wait_for_their_provider_on_one_connection(one_connection, sandbox):
    """With a connection held during the call, seven of them would time out at the pool."""
    sandbox.patch_profile("alpha", latency={"p50_ms": 400, "p95_ms": 400})
    shop = Shop(one_connection, sandbox_url=sandbox.base_url)
    orders = [shop.order() for _ in range(8)]

    outcomes = race(*[lambda order=order: shop.pay(order.id) for order in orders])

    assert [outcome.kind for outcome in outcomes] == [ResultKind.PAID] * 8
    assert {shop.view(order.id).order.status for order in orders} == {PaymentStatus.PAID}


def test_a_replay_only_reads(shop):
    new_order = an_order(idempotency_key="api:again", request_hash="same")
    submission = {"idempotency_key": "api:again", "request_hash": "same"}
    first = shop.pay(new_order=new_order, **submission)

    with watching(shop.database.engine) as seen:
        again = shop.pay(new_order=new_order, **submission)

    assert again == replace(first, is_replay=True)
    assert seen.commits == 0
