"""Real threads, both databases and the real practice provider: each race leads to one charge."""

from collections import Counter
from dataclasses import replace

import pytest

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import IdempotencyKeyReused, OrderAlreadyPaid, PaymentInProgress
from payorch.domain.payment_status import PaymentStatus
from tests.concurrency.racing import race
from tests.shop import Shop, a_card, a_payment, an_order

HARD_DECLINED = "4000000000000416"


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def charges(sandbox) -> Counter:
    """Approved payments at the provider, by their description."""
    found = sandbox.ledger()["payments"]
    return Counter(p["description"] for p in found if p["status"] == "approved")


def references_of(shop, order_id) -> set[str]:
    return {transaction.id for transaction in shop.view(order_id).transactions}


def test_one_key_from_32_threads_makes_one_order_and_one_charge(shop, sandbox):
    def press_pay():
        new_order = an_order(idempotency_key="api:one", request_hash="same")
        return shop.services.pay_order.execute(
            a_payment(idempotency_key="api:one", request_hash="same", new_order=new_order)
        )

    outcomes = race(*[press_pay] * 32)

    results = [o for o in outcomes if isinstance(o, PaymentResult)]
    [first] = [result for result in results if not result.is_replay]
    assert first.kind is ResultKind.PAID
    replayed = replace(first, is_replay=True)
    assert {result for result in results if result.is_replay} <= {replayed}
    assert {type(o) for o in outcomes} <= {PaymentResult, PaymentInProgress}
    assert charges(sandbox).total() == 1
    assert press_pay() == replayed
    assert charges(sandbox).total() == 1
    with shop.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 1


def test_one_key_with_32_bodies_pays_one_of_them_and_refuses_the_others(shop, sandbox):
    def pay(body):
        new_order = an_order(
            idempotency_key="api:one", request_hash=body, description=f"Goods {body}"
        )
        return shop.services.pay_order.execute(
            a_payment(idempotency_key="api:one", request_hash=body, new_order=new_order)
        )

    outcomes = race(*[lambda body=f"body-{n}": pay(body) for n in range(32)])

    kinds = Counter(type(outcome) for outcome in outcomes)
    assert kinds == {PaymentResult: 1, IdempotencyKeyReused: 31}
    assert charges(sandbox).total() == 1


def test_eight_racers_on_each_of_200_orders_pay_each_order_once(shop, sandbox):
    orders = [shop.order(description=f"Order {number}") for number in range(200)]

    for order in orders:
        outcomes = race(*[lambda order=order: shop.pay(order.id)] * 8)

        paid = [o for o in outcomes if isinstance(o, PaymentResult)]
        refused = {type(o) for o in outcomes if not isinstance(o, PaymentResult)}
        assert [result.kind for result in paid] == [ResultKind.PAID]
        assert refused <= {PaymentInProgress, OrderAlreadyPaid}
        assert shop.view(order.id).order.status is PaymentStatus.PAID

    assert charges(sandbox) == {order.description: 1 for order in orders}


def test_two_submissions_racing_for_a_failed_order_charge_it_once(shop, sandbox):
    for number in range(15):
        order = shop.order(description=f"Second try {number}")
        assert shop.pay(order.id, instrument=a_card(HARD_DECLINED)).kind is ResultKind.DECLINED

        outcomes = race(lambda: shop.pay(order.id), lambda: shop.pay(order.id))  # noqa: B023 - race ends within the loop

        assert [o.kind for o in outcomes if isinstance(o, PaymentResult)] == [ResultKind.PAID]
        assert charges(sandbox)[order.description] == 1
        assert [status for _, status in shop.statuses(order.id)] == ["declined", "approved"]


def test_two_shops_on_one_database_are_two_processes_and_still_charge_once(database, sandbox):
    first = Shop(database, sandbox_url=sandbox.base_url)
    second = Shop(database, sandbox_url=sandbox.base_url, methods=[])
    orders = [first.order(description=f"Shared {number}") for number in range(20)]

    for order in orders:
        outcomes = race(
            *[lambda shop=shop, order=order: shop.pay(order.id) for shop in (first, second)] * 3
        )
        assert sum(isinstance(o, PaymentResult) for o in outcomes) == 1

    assert charges(sandbox) == {order.description: 1 for order in orders}


def test_fallback_races_charge_once_and_know_every_payment_of_the_provider(shop, sandbox):
    sandbox.start_outage("alpha", "not_processed_503", share=0.5)

    for number in range(15):
        order = shop.order(description=f"Fallback {number}")
        race(*[lambda order=order: shop.pay(order.id)] * 4)
        assert shop.view(order.id).order.status is PaymentStatus.PAID
        assert charges(sandbox)[order.description] == 1
        at_provider = {
            p["reference"]
            for p in sandbox.ledger()["payments"]
            if p["description"] == order.description
        }
        assert at_provider <= references_of(shop, order.id)
