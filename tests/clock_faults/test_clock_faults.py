"""Clocks that are wrong, jump, or pass through a change of summer time (reliability.md, F37).

Leases and times of the next check may come late by as much as the clock was moved; nothing is
charged twice, lost or called what it is not.
"""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from payorch.application.payment_result import ResultKind
from payorch.application.resolve_transaction import Resolution
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.jobs.drain import run_for
from payorch.wiring import Seams
from tests.clock_faults.wandering_clock import WanderingClock
from tests.fakes import Meanwhile, fake_time
from tests.network_faults.jumping_clock import JumpingClock
from tests.network_faults.settling import assert_books_agree
from tests.shop import Shop, a_card, a_method

CHARGED_WITHOUT_AN_ANSWER = "4100000000000027"
NO_ANSWER_AT_ALL = "4100000000000175"
FALLS_BACK = "4300000000000017"
FIVE_MINUTES_S = 300.0

CHECKPOINTS = (
    *("before_start", "after_start", "before_call", "after_call"),
    *("before_record", "after_record", "quick_check"),
)


def a_shop(database, sandbox, seams, methods=None, **settings) -> Shop:
    if methods is None:
        methods = [a_method(code, timeout_s=0.5) for code in ("alpha", "beta")]
    return Shop(database, sandbox_url=sandbox.base_url, methods=methods, seams=seams, **settings)


def settle(shop, clock) -> None:
    for _ in range(10):
        clock.advance(minutes=20)
        shop.wired.reconcile.execute()


@pytest.mark.parametrize("card", [CHARGED_WITHOUT_AN_ANSWER, FALLS_BACK], ids=["lost", "declined"])
@pytest.mark.parametrize("jump_s", [-FIVE_MINUTES_S, FIVE_MINUTES_S], ids=["back", "forward"])
def test_a_clock_that_is_set_at_any_step_while_others_reconcile(database, sandbox, jump_s, card):
    clock = WanderingClock()
    a_shop(database, sandbox, fake_time(clock))
    bystander = a_shop(database, sandbox, fake_time(clock), methods=[])
    orders = []

    def set_clock_and_reconcile() -> None:
        clock.set_ahead(seconds=jump_s)
        bystander.wired.reconcile.execute()

    for step in CHECKPOINTS:
        seams = fake_time(clock, checkpoint=Meanwhile(step, set_clock_and_reconcile))
        shop = a_shop(database, sandbox, seams, methods=[])
        order = shop.order()
        orders.append(order.id)
        shop.pay(order.id, instrument=a_card(card))

    settle(bystander, clock)

    assert_books_agree(sandbox, bystander, orders)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("minutes", [-5, 5], ids=["behind", "ahead"])
def test_a_host_whose_clock_is_wrong_does_not_take_what_another_host_holds(
    database, sandbox, minutes
):
    """Leases are the database's own time: the hosts' clocks do not come into it."""
    wrong = a_shop(database, sandbox, Seams(clock=JumpingClock(timedelta(minutes=minutes))))
    seen = []

    def look_meanwhile() -> None:
        seen.append(wrong.wired.reconcile.execute().checked)
        seen.append(wrong.services.resolve.check_order_now(order.id))

    right = a_shop(
        database, sandbox, Seams(checkpoint=Meanwhile("before_call", look_meanwhile)), methods=[]
    )
    order = right.order()

    result = right.pay(order.id)

    assert seen == [0, Resolution.HELD]
    assert (result.kind, right.statuses(order.id)) == (ResultKind.PAID, [("alpha", "approved")])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_host_whose_clock_is_ahead_holds_nothing_longer_than_others(database, sandbox):
    sandbox.patch_profile("alpha", hold_s=1, find_by_reference=True, cancel_by_reference=False)
    ahead = a_shop(database, sandbox, Seams(clock=JumpingClock(timedelta(minutes=5))))
    right = a_shop(database, sandbox, None, methods=[], page_budget_s=0.0)
    order = left_open(right)
    assert ahead.services.resolve.check_order_now(order.id) is Resolution.STILL_OPEN

    assert right.services.resolve.check_order_now(order.id) is Resolution.STILL_OPEN


def left_open(shop):
    """An order whose payment nobody holds and nobody can settle yet."""
    order = shop.order()
    result = shop.pay(order.id, instrument=a_card(NO_ANSWER_AT_ALL))
    assert result.kind is ResultKind.CONFIRMING
    with shop.database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET lease_until = started_at")
    return order


SUMMER_TIME_CHANGES = {
    "spring": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "autumn": datetime(2026, 10, 25, 1, tzinfo=UTC),
}


@pytest.fixture
def in_berlin(database):
    """The process and every session of the database are in a zone with summer time."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()

    @event.listens_for(database.engine, "connect")
    def _set_zone(connection, _record) -> None:
        if not database.is_sqlite:
            connection.execute("SET TIME ZONE 'Europe/Berlin'")
            connection.commit()

    database.engine.dispose()
    yield database
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("change_at", SUMMER_TIME_CHANGES.values(), ids=SUMMER_TIME_CHANGES)
def test_a_payment_over_the_change_of_summer_time_is_looked_at_when_due(
    in_berlin, sandbox, change_at
):
    """An hour that comes twice, or never, must neither delay the next check nor hasten it."""
    clock = WanderingClock(change_at - timedelta(seconds=20))
    shop = Shop(
        in_berlin,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", timeout_s=0.5)],
        seams=fake_time(clock),
        page_budget_s=0.0,
    )

    order = shop.order()
    result = shop.pay(order.id, instrument=a_card(CHARGED_WITHOUT_AN_ANSWER))
    [attempt] = shop.view(order.id).transactions

    assert result.kind is ResultKind.CONFIRMING
    assert attempt.started_at == change_at - timedelta(seconds=20)
    assert shop.view(order.id).order.expires_at - shop.view(order.id).order.created_at == timedelta(
        hours=24
    )
    clock.advance(seconds=14)
    assert shop.wired.reconcile.execute().checked == 0
    clock.advance(seconds=10)
    assert clock.now() > change_at
    assert shop.wired.reconcile.execute().settled == 1
    assert shop.view(order.id).order.status is PaymentStatus.PAID


@pytest.mark.parametrize("minutes", [-5, 5], ids=["back", "forward"])
def test_schedules_go_on_after_the_clock_was_set(database, sandbox, minutes):
    """At the latest when the clock has caught up, and each payment is settled by then."""
    clock = WanderingClock()
    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", timeout_s=0.5)],
        seams=fake_time(clock),
        page_budget_s=0.0,
    )
    order = shop.order()
    run_for(shop.wired.background, seconds=30)
    shop.pay(order.id, instrument=a_card(CHARGED_WITHOUT_AN_ANSWER))
    clock.set_ahead(minutes=minutes)

    run_for(shop.wired.background, seconds=FIVE_MINUTES_S + 60)

    assert shop.view(order.id).order.status is PaymentStatus.PAID
    assert_books_agree(sandbox, shop, [order.id])
