"""Kill the process at every checkpoint of every scenario, recover, and compare with the provider.

The provider's own ledger is the truth: an order is PAID exactly when the provider captured its
payment, nothing is captured twice, and nothing stays open for ever.
"""

import pytest

from payorch.application.payment_result import ResultKind
from payorch.domain.payment_status import PaymentStatus
from tests.fakes import CrashAt, FakeClock, Meanwhile, SimulatedCrash, fake_time
from tests.sandbox_process import free_port
from tests.shop import Shop, a_card, a_method

SCENARIOS = {
    "approved": "4242424242424242",
    "declined by the first, approved by the next": "4300000000000017",
    "declined for good": "4000000000000515",
    "declined by all": "4000000000000911",
    "charged, then no answer": "4100000000000027",
    "charged, then 500": "4100000000000043",
    "charged, then a broken answer": "4100000000000050",
    "charged, then a wrong amount": "4100000000000068",
    "reset before the charge": "4100000000000092",
    "reset after the charge": "4100000000000100",
    "not processed by the first": "4300000000000033",
    "3-D Secure": "4200000000000018",
    "pending, then approved": "4200000000000026",
}


@pytest.fixture
def methods():
    return [a_method(code, timeout_s=0.3) for code in ("alpha", "beta", "gamma")]


def checkpoints_of(shop_with, card) -> int:
    counter = CrashAt(None)
    shop_with(counter).pay(instrument=a_card(card))
    return len(counter.passed)


@pytest.mark.parametrize("card", SCENARIOS.values(), ids=SCENARIOS)
def test_after_a_crash_anywhere_payorch_and_the_provider_agree(database, sandbox, methods, card):
    clock = FakeClock()
    sandbox.patch_profile("alpha", pending_settles_after_s=0)

    def shop_with(checkpoint, with_methods=()) -> Shop:
        return Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=list(with_methods),
            seams=fake_time(clock, checkpoint=checkpoint),
        )

    shop_with(CrashAt(None), methods)
    for place in range(1, checkpoints_of(shop_with, card) + 1):
        dying = shop_with(CrashAt(place))
        order = dying.order()
        with pytest.raises(SimulatedCrash):
            dying.pay(order.id, instrument=a_card(card))

        survivor = shop_with(CrashAt(None))
        for _ in range(12):
            clock.advance(minutes=20)
            survivor.wired.reconcile.execute()

        assert_books_agree(survivor, sandbox, order.id, f"{card} at checkpoint {place}")


def assert_books_agree(shop, sandbox, order_id, where) -> None:
    view = shop.view(order_id)
    captured = [
        payment
        for transaction in view.transactions
        for payment in sandbox.payments_of(transaction.id)
        if payment["status"] == "approved"
    ]
    assert len(captured) <= 1, where
    assert (view.order.status is PaymentStatus.PAID) == bool(captured), where
    assert view.order.status is not PaymentStatus.PROCESSING, where


def test_a_holder_who_wakes_up_after_its_lease_changes_nothing(database, sandbox):
    """It was thought dead, the payment was cancelled by reference, and then its call went out."""
    clock = FakeClock()

    def reconcile_elsewhere() -> None:
        clock.advance(minutes=5)
        Shop(
            database, sandbox_url=sandbox.base_url, methods=[], seams=fake_time(clock)
        ).wired.reconcile.execute()

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock, checkpoint=Meanwhile("before_call", reconcile_elsewhere)),
    )

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "not_sent")]
    assert_books_agree(shop, sandbox, result.order_id, "woken late")


@pytest.mark.breaks_the_books
def test_an_approval_that_comes_after_the_case_was_closed_is_given_back(database, sandbox):
    """The provider cancelled, says it, and charges all the same: the guard takes it back."""
    clock = FakeClock()

    def close_the_case() -> None:
        with database.tx() as connection:
            connection.exec_driver_sql(
                "UPDATE transactions SET status = 'not_sent', version = version + 1"
            )
            connection.exec_driver_sql("UPDATE orders SET status = 'failed', version = version + 1")

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock, checkpoint=Meanwhile("after_call", close_the_case)),
    )
    order = shop.order()

    result = shop.pay(order.id)

    assert result.kind is ResultKind.CONFIRMING
    assert shop.statuses(order.id) == [("alpha", "not_sent")]
    assert shop.view(order.id).order.flag == "surplus_charge"
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT outcome, was_applied FROM transaction_evidence")
        assert [tuple(row) for row in kept] == [("Approved", False)]
        asked = connection.exec_driver_sql(
            "SELECT kind, amount_minor, currency FROM refunds WHERE is_guard"
        )
        assert [tuple(row) for row in asked] == [("void", 1999, "EUR")]


def take_over(database) -> None:
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET token = token + 1")


def test_an_approval_counts_also_when_the_lease_was_lost(database, sandbox):
    clock = FakeClock()

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock, checkpoint=Meanwhile("after_call", lambda: take_over(database))),
    )

    result = shop.pay()

    assert result.kind is ResultKind.PAID
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_not_sent_does_not_count_when_the_lease_was_lost(database):
    clock = FakeClock()

    shop = Shop(
        database,
        sandbox_url=f"http://127.0.0.1:{free_port()}",
        methods=[a_method("alpha"), a_method("beta")],
        seams=fake_time(clock, checkpoint=Meanwhile("after_call", lambda: take_over(database))),
    )

    result = shop.pay()

    assert result.kind is ResultKind.CONFIRMING
    assert shop.statuses(result.order_id) == [("alpha", "started")]
