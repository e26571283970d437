"""Orders that end without a payment, also while somebody pays them at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payorch.domain.errors import (
    OrderAlreadyPaid,
    OrderNotFound,
    OrderNotPayable,
    PaymentInProgress,
    PayorchError,
    ReasonRequired,
)
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from tests.fakes import FakeClock, Meanwhile, fake_time
from tests.shop import Shop, a_card, a_method

DECLINED = "4000000000000416"
CHALLENGE = "4200000000000018"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop(database, sandbox, clock):
    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock),
        order_expires_after_min=60,
    )


def status(shop, order_id):
    return shop.view(order_id).order.status


def cancel(shop, order_id, reason="The customer called."):
    return shop.services.end_order.cancel(order_id, actor="fiona@example.com", reason=reason)


def test_an_order_nobody_paid_expires_when_its_time_is_over(shop, clock):
    early, late = shop.order(), shop.order(expires_after_min=120)
    clock.advance(minutes=61)

    assert shop.services.end_order.expire_due() == 1

    assert status(shop, early.id) is PaymentStatus.EXPIRED
    assert status(shop, late.id) is PaymentStatus.PENDING


def test_a_declined_order_expires_and_a_paid_one_does_not(shop, clock):
    declined = shop.pay(instrument=a_card(DECLINED))
    paid = shop.pay()
    clock.advance(hours=2)

    shop.services.end_order.expire_due()

    assert status(shop, declined.order_id) is PaymentStatus.EXPIRED
    assert status(shop, paid.order_id) is PaymentStatus.PAID


def test_an_order_with_an_open_attempt_does_not_expire(shop, clock):
    open_order = shop.pay(instrument=a_card(CHALLENGE))
    clock.advance(hours=2)

    assert shop.services.end_order.expire_due() == 0
    assert status(shop, open_order.order_id) is PaymentStatus.PROCESSING


def test_an_expired_order_cannot_be_paid_or_cancelled(shop, clock):
    order = shop.order()
    clock.advance(hours=2)
    shop.services.end_order.expire_due()

    with pytest.raises(OrderNotPayable):
        shop.pay(order.id)
    with pytest.raises(OrderNotPayable):
        cancel(shop, order.id)


def test_many_orders_expire_in_batches(shop, clock, monkeypatch):
    monkeypatch.setattr("payorch.application.end_order.AT_ONCE", 2)
    orders = [shop.order() for _ in range(5)]
    clock.advance(hours=2)

    assert shop.services.end_order.expire_due() == 5
    assert {status(shop, order.id) for order in orders} == {PaymentStatus.EXPIRED}


def test_a_cancelled_order_stays_cancelled_and_says_who_did_it(shop, database):
    order = shop.order()

    cancel(shop, order.id)
    again = cancel(shop, order.id)

    assert again.status is PaymentStatus.CANCELLED
    with pytest.raises(OrderNotPayable):
        shop.pay(order.id)
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT actor, reason FROM journal WHERE action = 'order_cancelled'"
        ).all()
    assert [tuple(row) for row in rows] == [("fiona@example.com", "The customer called.")]


def test_what_is_paid_or_being_paid_is_not_cancelled(shop):
    paid = shop.pay()
    open_order = shop.pay(instrument=a_card(CHALLENGE))

    with pytest.raises(OrderAlreadyPaid):
        cancel(shop, paid.order_id)
    with pytest.raises(PaymentInProgress):
        cancel(shop, open_order.order_id)


def test_a_cancel_needs_a_reason_and_an_order(shop):
    with pytest.raises(ReasonRequired):
        cancel(shop, shop.order().id, reason=" ")
    with pytest.raises(OrderNotFound):
        cancel(shop, OrderId("po_nothing"))


def test_paying_and_cancelling_at_once_ends_in_one_of_both(shop):
    orders = [shop.order() for _ in range(12)]

    def try_to(action):
        try:
            action()
        except PayorchError:
            return False
        return True

    actions = [
        action
        for order in orders
        for action in (
            lambda order=order: shop.pay(order.id),
            lambda order=order: cancel(shop, order.id),
        )
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_to, actions))

    for order in orders:
        view = shop.view(order.id)
        has_attempt = bool(view.transactions)
        assert view.order.status is (PaymentStatus.PAID if has_attempt else PaymentStatus.CANCELLED)


def test_an_order_that_is_cancelled_between_the_look_and_the_claim_is_not_paid(
    database, sandbox, clock
):
    """The last moment: the payment has read the order, and is about to claim it."""
    orders = []
    meanwhile = Meanwhile("before_start", lambda: cancel(shop, orders[0].id))
    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock, checkpoint=meanwhile),
    )
    orders.append(shop.order())

    with pytest.raises(PayorchError):
        shop.pay(orders[0].id)

    assert status(shop, orders[0].id) is PaymentStatus.CANCELLED
    assert shop.view(orders[0].id).transactions == ()
    assert sandbox.ledger()["payments"] == []


def test_an_order_that_changed_between_the_look_and_the_claim_is_not_paid(database, sandbox, clock):
    """Its status is as before, but somebody else has tried to pay it meanwhile."""
    orders = []

    def try_and_fail() -> None:
        shop.pay(orders[0].id, instrument=a_card(DECLINED))

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock, checkpoint=Meanwhile("before_start", try_and_fail)),
    )
    orders.append(shop.order())

    with pytest.raises(PayorchError):
        shop.pay(orders[0].id)

    assert shop.statuses(orders[0].id) == [("alpha", "declined")]
