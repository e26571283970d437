"""A restored backup has forgotten payments: recovery finds each one, once, and charges nobody."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.errors import OrderAlreadyPaid, PaymentsPaused, ReasonRequired
from payorch.domain.payment_status import PaymentStatus
from payorch.wiring import Seams
from tests.fakes import CrashAt, SimulatedCrash, SkippingClock
from tests.recovery.backups import back_up, restored
from tests.shop import FULL_CAPABILITIES, Shop, a_card, a_method
from tests.verified_books import broken_invariants

CHALLENGE = "4200000000000018"
ORPHAN_ORDERS = "SELECT count(*) FROM webhook_events WHERE state = 'alerted'"


def since() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def recover(shop):
    return shop.wired.recover.execute(since=since(), actor="olga")


def finish(shop, **options):
    return shop.wired.recover.finish(since=since(), actor="olga", **options)


def count(database, statement: str) -> int:
    with database.read() as connection:
        return connection.exec_driver_sql(statement).scalar_one()


def approved_at(sandbox) -> list[str]:
    """Our references of all charges that stand, one for each."""
    payments = sandbox.ledger()["payments"]
    return [payment["reference"] for payment in payments if payment["status"] == "approved"]


def pay_there(sandbox, card: str) -> dict:
    """Another system charges on the same account of the provider."""
    body = {
        "reference": "invoice-7",
        "amount": 4900,
        "currency": "EUR",
        "method": "card",
        "card": {"number": card, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
        "return_url": "http://127.0.0.1:1/done",
    }
    status, payment = sandbox.call("alpha", "POST", "/payments", body=body, key="invoice-7")
    assert status < 300, payment
    return payment


class Past:
    """A shop, and the same shop restored from a backup that was taken earlier."""

    def __init__(self, database, database_url, sandbox, folder, **shop):
        self.database, self.url, self.sandbox, self.folder = (
            database,
            database_url,
            sandbox,
            folder,
        )
        self.shop = Shop(database, sandbox_url=sandbox.base_url, **shop)

    def back_up(self):
        self._backup = back_up(self.url, self.folder)

    def restored(self):
        return restored(self._backup, self.url, self.folder)

    def reopened(self, database, **seams):
        return Shop(database, sandbox_url=self.sandbox.base_url, methods=[], seams=Seams(**seams))


@pytest.fixture
def past(database, database_url, sandbox, tmp_path):
    return Past(database, database_url, sandbox, tmp_path)


def test_a_forgotten_payment_is_taken_up_and_its_order_paid(past, sandbox):
    order = past.shop.order()
    past.back_up()
    past.shop.pay(order.id)

    with past.restored() as database:
        shop = past.reopened(database)
        assert shop.view(order.id).order.status is PaymentStatus.PENDING
        report = recover(shop)

        assert (report.recreated, report.settled, report.is_clean) == (1, 1, True)
        assert shop.view(order.id).order.status is PaymentStatus.PAID
        assert shop.statuses(order.id) == [("alpha", "approved")]
        finish(shop)
        with pytest.raises(OrderAlreadyPaid):
            shop.pay(order.id)
        assert len(approved_at(sandbox)) == 1
        assert broken_invariants(database.engine.url.render_as_string(hide_password=False)) == []


def test_safe_mode_holds_until_it_is_finished(past):
    order = past.shop.order()
    past.back_up()

    with past.restored() as database:
        shop = past.reopened(database)
        recover(shop)
        with pytest.raises(PaymentsPaused):
            shop.pay(order.id)

        assert finish(shop).has_left_safe_mode
        assert shop.view(shop.pay(order.id).order_id).order.status is PaymentStatus.PAID


def test_recovering_twice_changes_nothing_more(past, sandbox):
    orders = [past.shop.order() for _ in range(3)]
    past.back_up()
    for order in orders:
        past.shop.pay(order.id)

    with past.restored() as database:
        shop = past.reopened(database)
        recover(shop)
        again = recover(shop)

        assert (again.recreated, again.contradicted, again.orphans) == (0, 0, 0)
        assert again.compared == 3
        assert [shop.statuses(order.id) for order in orders] == [[("alpha", "approved")]] * 3


def test_a_forgotten_fallback_after_an_attempt_in_the_backup(past, sandbox):
    """The backup was taken while the first provider was asked; the second one was paid."""
    order = past.shop.order()
    dying = past.reopened(past.database, checkpoint=CrashAt(2))
    with pytest.raises(SimulatedCrash):
        dying.pay(order.id)
    past.back_up()
    with past.database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET lease_until = '2026-01-01 00:00:00'")
    past.shop.wired.reconcile.execute()
    assert past.shop.view(order.id).order.status is PaymentStatus.FAILED
    past.shop.pay(order.id, preferred_provider="beta")

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert shop.view(order.id).order.status is PaymentStatus.PAID
        assert [status for _, status in shop.statuses(order.id)] == ["not_sent", "approved"]
        assert report.is_clean
        assert len(approved_at(sandbox)) == 1


def test_a_forgotten_decline_is_left_alone(past, sandbox):
    order = past.shop.order()
    past.back_up()
    past.shop.pay(order.id, instrument=a_card("4000000000000416"))
    assert past.shop.view(order.id).order.status is PaymentStatus.FAILED

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert (report.recreated, report.orphans, report.is_clean) == (0, 0, True)
        assert shop.view(order.id).order.status is PaymentStatus.PENDING


def test_money_of_an_order_that_is_forgotten_too_is_shown_to_staff_once(past):
    past.back_up()
    past.shop.pay()

    with past.restored() as database:
        shop = past.reopened(database)
        assert recover(shop).orphans == 1
        again = recover(shop)

        assert (again.orphans, again.orphans_left, again.is_clean) == (0, 1, False)
        assert count(database, ORPHAN_ORDERS) == 1
        assert count(database, "SELECT count(*) FROM jobs WHERE kind = 'alert_staff'") == 1


def test_a_forgotten_payment_that_waits_for_its_customer_is_stopped_when_nobody_knows_its_order(
    past, sandbox
):
    past.back_up()
    past.shop.pay(instrument=a_card(CHALLENGE))

    with past.restored() as database:
        report = recover(past.reopened(database))

        assert report.is_clean
        assert [p["status"] for p in sandbox.ledger()["payments"]] == ["cancelled"]


def test_an_unexplained_case_keeps_safe_mode_but_for_a_reason(past):
    past.back_up()
    past.shop.pay()

    with past.restored() as database:
        shop = past.reopened(database)
        assert not finish(shop).has_left_safe_mode
        assert shop.services.registry.is_paused()
        with pytest.raises(ReasonRequired):
            finish(shop, force_because=" ")

        assert finish(shop, force_because="Refunded by hand.").has_left_safe_mode
        assert not shop.services.registry.is_paused()
        reasons = "SELECT count(*) FROM journal WHERE reason = 'Refunded by hand.'"
        assert count(database, reasons) == 1


def test_a_provider_that_does_not_answer_leaves_nothing_clean(past, sandbox):
    order = past.shop.order()
    past.back_up()
    past.shop.pay(order.id)

    with past.restored() as database:
        seams = Seams(clock=SkippingClock())
        shop = Shop(database, sandbox_url="http://127.0.0.1:9", methods=[], seams=seams)
        report = recover(shop)

        assert sorted(report.not_listed) == ["alpha", "beta", "gamma"]
        assert not report.is_clean
        assert shop.services.registry.is_paused()


def test_a_provider_that_lists_nothing_is_named(database, sandbox):
    silent = replace(FULL_CAPABILITIES, list_payments=False)
    shop = Shop(
        database, sandbox_url=sandbox.base_url, methods=[a_method("alpha", capabilities=silent)]
    )

    report = recover(shop)

    assert (report.not_listed, report.is_clean) == (["alpha"], False)


@pytest.mark.parametrize("card", ["4242424242424242", CHALLENGE])
def test_payments_of_another_system_on_the_account_are_left_alone(past, sandbox, card):
    past.back_up()
    foreign = pay_there(sandbox, card)

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert (report.foreign, report.orphans, report.is_clean) == (1, 0, True)
        assert finish(shop).has_left_safe_mode
    (payment,) = sandbox.ledger()["payments"]
    assert payment["status"] == foreign["status"]


@pytest.mark.breaks_the_books
def test_a_charge_of_a_closed_attempt_is_given_back(past, sandbox):
    """In the backup the attempt is closed as not charged; the provider says otherwise."""
    order = past.shop.order()
    past.shop.pay(order.id)
    with past.database.tx() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET status = 'failed', paid_transaction_id = NULL"
        )
        connection.exec_driver_sql("UPDATE transactions SET status = 'declined'")
    past.back_up()

    with past.restored() as database:
        shop = past.reopened(database)
        assert recover(shop).contradicted == 1
        recover(shop)

        assert count(database, "SELECT count(*) FROM refunds WHERE is_guard") == 1
        assert shop.view(order.id).order.flag == "surplus_charge"


@pytest.mark.parametrize("step", range(1, 12))
def test_killed_at_any_step_and_run_again_ends_the_same(step, past, sandbox):
    first, second = past.shop.order(), past.shop.order()
    past.back_up()
    past.shop.pay(first.id)
    past.shop.pay(second.id)
    past.shop.pay()

    with past.restored() as database:
        dying = past.reopened(database, checkpoint=CrashAt(step))
        with suppress(SimulatedCrash):
            recover(dying)
        shop = past.reopened(database)
        assert shop.services.registry.is_paused()
        with database.tx() as connection:
            connection.exec_driver_sql(
                "UPDATE transactions SET lease_until = '2026-01-01 00:00:00'"
            )
        recover(shop)

        for order in (first, second):
            assert shop.view(order.id).order.status is PaymentStatus.PAID
            assert shop.statuses(order.id) == [("alpha", "approved")]
        assert count(database, ORPHAN_ORDERS) == 1
        assert len(approved_at(sandbox)) == 3
