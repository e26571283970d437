"""A restored backup has forgotten refunds and voids: recovery finds each, and gives back once."""

from contextlib import suppress
from dataclasses import replace

import pytest
import urllib3

from payorch.domain.errors import RefundTooLarge
from payorch.domain.payment_status import TransactionStatus
from payorch.infrastructure.jobs import run_for
from payorch.wiring import Seams
from tests.fakes import CrashAt, SimulatedCrash, SkippingClock
from tests.recovery.test_compare_providers import DECLINED, alerts, compare
from tests.recovery.test_recover_ledger import Past, count, finish, pay_there, recover
from tests.refunds.refund_shop import a_refund
from tests.shop import FULL_CAPABILITIES, a_card, a_method
from tests.verified_books import broken_invariants
from tests.webhooks.test_follow_up import charge_again

REFUNDS = "SELECT count(*) FROM refunds"


@pytest.fixture
def past(database, database_url, sandbox, tmp_path):
    return Past(database, database_url, sandbox, tmp_path)


def give_back(shop, order_id, amount_minor=None, **fields):
    return shop.services.refund_payment.execute(a_refund(order_id, amount_minor, **fields)).refund


def refundable(shop, order_id):
    return shop.services.refund_payment.options(order_id).refundable


def refunded_there(sandbox) -> int:
    return sum(
        refund["amount"] for refund in sandbox.ledger()["refunds"] if refund["status"] != "failed"
    )


def is_sound(database) -> bool:
    return broken_invariants(database.engine.url.render_as_string(hide_password=False)) == []


def test_a_forgotten_refund_counts_again_and_its_money_cannot_be_given_back_twice(past, sandbox):
    order_id = past.shop.pay().order_id
    past.back_up()
    given_back = give_back(past.shop, order_id, 600)

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert (report.refunds_recreated, report.refunds_settled) == (1, 1)
        assert finish(shop).has_left_safe_mode
        assert shop.services.refunds.by_id(given_back.id).status == "succeeded"
        assert refundable(shop, order_id).refunded_minor == 600
        with pytest.raises(RefundTooLarge):
            give_back(shop, order_id, 1999 - 599)
        assert refunded_there(sandbox) == 600
        assert is_sound(database)


def test_a_forgotten_refund_of_a_forgotten_payment_is_found_too(past):
    order = past.shop.order()
    past.back_up()
    past.shop.pay(order.id)
    give_back(past.shop, order.id, 600)

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert (report.recreated, report.refunds_recreated, report.is_clean) == (1, 1, True)
        assert refundable(shop, order.id).refunded_minor == 600


def test_a_forgotten_void_is_found_and_the_transaction_voided(past):
    order_id = past.shop.pay().order_id
    past.back_up()
    give_back(past.shop, order_id, prefers_void=True)

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert (report.refunds_recreated, report.refunds_settled, report.is_clean) == (1, 1, True)
        (transaction,) = shop.view(order_id).transactions
        assert transaction.status is TransactionStatus.VOIDED
        assert refundable(shop, order_id).left_minor == 0
        assert is_sound(database)


def test_recovering_twice_takes_each_refund_up_once(past, sandbox):
    order_id = past.shop.pay().order_id
    past.back_up()
    give_back(past.shop, order_id, 600)
    give_back(past.shop, order_id, 600)

    with past.restored() as database:
        shop = past.reopened(database)
        recover(shop)
        again = recover(shop)

        assert (again.refunds_listed, again.refunds_recreated) == (2, 0)
        assert count(database, REFUNDS) == 2
        assert refunded_there(sandbox) == 1200


def test_in_safe_mode_an_open_refund_only_waits_and_is_sent_afterwards(past, sandbox):
    order_id = past.shop.pay().order_id
    dying = past.reopened(past.database, checkpoint=CrashAt(1))
    with pytest.raises(SimulatedCrash):
        give_back(dying, order_id, 600)
    past.back_up()

    with past.restored() as database:
        shop = past.reopened(database)
        recover(shop)

        assert refunded_there(sandbox) == 0
        assert count(database, f"{REFUNDS} WHERE review_since IS NOT NULL") == 0
        assert count(database, f"{REFUNDS} WHERE sent_at IS NOT NULL") == 0
        assert finish(shop).has_left_safe_mode


def test_a_refund_made_at_the_provider_s_own_pages_is_named(past, sandbox):
    order_id = past.shop.pay().order_id
    (payment,) = sandbox.ledger()["payments"]
    past.back_up()
    answer = urllib3.request(
        "POST",
        f"{sandbox.base_url}/alpha/v1/payments/{payment['id']}/refunds",
        headers={"Authorization": "Bearer practice_key_alpha"},
        json={"reference": "by-hand-1", "amount": 100},
    )
    assert answer.status == 201, answer.data

    with past.restored() as database:
        shop = past.reopened(database)
        report = recover(shop)

        assert list(report.unclear.values()) == ["given back at the provider, not by payorch"]
        assert refundable(shop, order_id).refunded_minor == 0
        assert not finish(shop).has_left_safe_mode


def test_a_refund_of_another_system_on_the_account_is_left_alone(past, sandbox):
    past.back_up()
    foreign = pay_there(sandbox, "4242424242424242")
    urllib3.request(
        "POST",
        f"{sandbox.base_url}/alpha/v1/payments/{foreign['id']}/refunds",
        headers={"Authorization": "Bearer practice_key_alpha"},
        json={"reference": "credit-note-7", "amount": 100},
    )

    with past.restored() as database:
        report = recover(past.reopened(database))

        assert (report.refunds_listed, report.is_clean) == (1, True)


@pytest.mark.parametrize("charged_again", ["the declined attempt", "the paid attempt"])
def test_a_forgotten_refund_of_the_guard_stays_the_guard_s(
    database, database_url, sandbox, tmp_path, charged_again
):
    """It gave back what the order never needed: the order's own payment stays whole."""
    method = a_method("alpha", capabilities=replace(FULL_CAPABILITIES, void=False))
    seams = {"clock": SkippingClock(), "uses_database_clock": False}
    past = Past(database, database_url, sandbox, tmp_path, methods=[method], seams=Seams(**seams))
    order_id = past.shop.pay(instrument=a_card(DECLINED)).order_id
    past.shop.pay(order_id)
    declined, paid = past.shop.view(order_id).transactions
    again = paid if charged_again == "the paid attempt" else declined
    charge_again(sandbox, again.id, metadata={"order": order_id})
    past.back_up()
    compare(past.shop)
    run_for(past.shop.wired.background, seconds=60)
    assert refunded_there(sandbox) == 1999

    with past.restored() as restored_books:
        shop = past.reopened(restored_books, **seams)
        recover(shop)
        assert finish(shop).has_left_safe_mode
        run_for(shop.wired.background, seconds=60)

        assert refundable(shop, order_id).left_minor == 1999
        assert count(restored_books, f"{REFUNDS} WHERE is_guard AND status = 'succeeded'") == 1
        open_ones = f"{REFUNDS} WHERE status NOT IN ('succeeded', 'failed')"
        assert count(restored_books, open_ones) == 0
        assert refunded_there(sandbox) == 1999
        assert "guard_refund_failed" not in alerts(restored_books)
        assert is_sound(restored_books)


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_at_any_step_and_run_again_ends_the_same(step, past, sandbox):
    order_id = past.shop.pay().order_id
    past.back_up()
    give_back(past.shop, order_id, 600)
    give_back(past.shop, order_id, 300)

    with past.restored() as database:
        with suppress(SimulatedCrash):
            recover(past.reopened(database, checkpoint=CrashAt(step)))
        with database.tx() as connection:
            connection.exec_driver_sql("UPDATE refunds SET lease_until = '2026-01-01 00:00:00'")
        shop = past.reopened(database)
        recover(shop)

        assert refundable(shop, order_id).refunded_minor == 900
        assert count(database, REFUNDS) == 2
        assert refunded_there(sandbox) == 900
