"""Workers check each open payment by a job of its own, so that no provider keeps others waiting."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from payorch.application.jobs import RECONCILE, SETTLE_TRANSACTION
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.tables import JobRow, TransactionRow
from payorch.infrastructure.persistence.tables.jobs import JobState
from tests.scripted_provider import LOST, listed, payment, refusal, scripted_shop
from tests.shop import a_method

SEARCH = Capabilities(find_by_reference=True)


class SilentAlpha:
    """alpha never answers again; all other providers show what they have charged."""

    def __call__(self, call):
        if call.operation == "find" and call.account != "alpha":
            return listed(payment(call.reference, f"p_{call.reference}"))
        if call.operation in {"charge", "find"}:
            raise LOST
        return refusal(404, "not_found")


@pytest.fixture
def shop(database):
    methods = [a_method(code, capabilities=SEARCH) for code in ("alpha", "beta")]
    return scripted_shop(database, SilentAlpha(), methods, page_budget_s=0.0)


def sweep(shop) -> None:
    shop.wired.handlers[RECONCILE.name](None)


def checks(shop, **where):
    statement = select(JobRow).filter_by(kind=SETTLE_TRANSACTION.name, **where).order_by(JobRow.id)
    with shop.database.read() as connection:
        return connection.execute(statement).all()


def transaction(shop):
    with shop.database.read() as connection:
        return connection.execute(select(TransactionRow)).one()


def test_each_due_payment_is_one_job_that_goes_to_its_provider(shop):
    for _ in range(3):
        shop.pay(preferred_provider="alpha")
    shop.pay(preferred_provider="beta")
    shop.clock.advance(seconds=30)

    sweep(shop)

    assert [job.destination for job in checks(shop)] == ["alpha", "alpha", "alpha", "beta"]


def test_passes_that_follow_enqueue_nothing_twice_and_go_on_with_the_next(shop):
    for _ in range(3):
        shop.pay(preferred_provider="alpha")
    shop.clock.advance(seconds=30)

    enqueued = [shop.wired.reconcile.enqueue_due(limit=2) for _ in range(3)]

    assert enqueued == [2, 1, 0]
    assert len(checks(shop)) == 3


def test_nothing_is_looked_up_before_its_time(shop):
    shop.pay()
    shop.clock.advance(seconds=14)

    sweep(shop)

    assert checks(shop) == []


def test_a_payment_that_stays_open_is_checked_at_its_next_time_by_another_job(shop):
    shop.pay()
    began = shop.clock.now()
    looked_up = []
    for _ in range(80):
        shop.clock.advance(seconds=5)
        before = len(shop.provider.calls)
        sweep(shop)
        drain(shop.wired.background, queues=["reconcile"])
        if len(shop.provider.calls) > before:
            looked_up.append((shop.clock.now() - began).total_seconds())

    assert looked_up == [15, 30, 60, 120]


def test_a_job_is_one_check_however_often_it_runs(shop):
    shop.pay()
    shop.clock.advance(seconds=30)
    sweep(shop)
    drain(shop.wired.background, queues=["reconcile"])
    checked = transaction(shop).checks
    with shop.database.tx() as connection:
        connection.execute(update(JobRow).values(state=JobState.READY, finished_at=None))

    drain(shop.wired.background, queues=["reconcile"])

    assert transaction(shop).checks == checked == 1


def test_a_job_that_came_to_nothing_is_replaced(shop):
    """It died with its workers; the payment is still due."""
    result = shop.pay(preferred_provider="beta")
    shop.clock.advance(seconds=30)
    sweep(shop)
    with shop.database.tx() as connection:
        connection.execute(update(JobRow).values(state=JobState.DEAD, finished_at=shop.clock.now()))

    shop.clock.advance(minutes=5)
    sweep(shop)
    assert len(checks(shop)) == 1
    shop.clock.advance(seconds=timedelta(hours=2).total_seconds())
    sweep(shop)
    drain(shop.wired.background, queues=["reconcile"])

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_after_a_weekend_without_workers_everything_due_is_checked(shop):
    orders = [shop.pay(preferred_provider="beta").order_id for _ in range(3)]
    shop.clock.advance(days=2)

    drain(shop.wired.background, with_schedules=True)

    assert {shop.view(order).order.status for order in orders} == {PaymentStatus.PAID}


def test_the_command_checks_what_waits_for_a_job_too(shop):
    result = shop.pay(preferred_provider="beta")
    shop.clock.advance(seconds=30)
    sweep(shop)

    report = shop.wired.reconcile.execute()
    drain(shop.wired.background, queues=["reconcile"])

    assert (report.checked, report.settled) == (1, 1)
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
