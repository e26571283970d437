"""Open transactions are settled by proof only: found, cancelled, or handed to finance."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
import urllib3
from sqlalchemy import select

from payorch.application.payment_result import ResultKind
from payorch.application.resolve_transaction import Resolution
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.tables import EvidenceRow
from tests.fakes import CrashAt, FakeClock, SimulatedCrash, fake_time
from tests.shop import FULL_CAPABILITIES, Shop, a_card, a_method

CHALLENGE = "4200000000000018"
CHARGED_WITHOUT_ANSWER = "4100000000000027"
NEVER_ANSWERED = "4100000000000175"
AFTER_CALL = 4


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop_with(database, sandbox, clock):
    def make(*methods, checkpoint=None, **settings) -> Shop:
        return Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=list(methods),
            seams=fake_time(clock, checkpoint=checkpoint or CrashAt(None)),
            **settings,
        )

    return make


def die_after_the_call(shop_with, method, card="4242424242424242"):
    """An order whose process died between the provider's answer and the books."""
    shop_with(method)
    dying = shop_with(checkpoint=CrashAt(AFTER_CALL))
    order = dying.order()
    with pytest.raises(SimulatedCrash):
        dying.pay(order.id, instrument=a_card(card))
    return shop_with(), order


def test_a_customer_who_confirmed_at_the_bank_has_paid(shop_with):
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    press_approve(result.redirect_url)

    resolution = shop.services.resolve.check_order_now(result.order_id)

    assert resolution is Resolution.SETTLED
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def press_approve(redirect_url: str) -> None:
    page, _, token = redirect_url.partition("?token=")
    body = urlencode({"decision": "approve", "token": token})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = urllib3.request("POST", page, body=body, headers=headers, redirect=False)
    assert answer.status == 303


def test_a_customer_who_may_still_act_at_the_bank_is_left_alone(shop_with, clock):
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    clock.advance(minutes=10)

    report = shop.wired.reconcile.execute()

    assert (report.checked, report.still_open) == (1, 1)
    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]


def test_a_customer_who_never_came_back_may_pay_again(shop_with, clock):
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    clock.advance(minutes=31)

    shop.wired.reconcile.execute()

    assert shop.statuses(result.order_id) == [("alpha", "abandoned")]
    assert shop.view(result.order_id).order.status is PaymentStatus.PENDING
    assert shop.pay(result.order_id).kind is ResultKind.PAID


def test_an_order_without_an_open_attempt_has_nothing_to_check(shop_with):
    shop = shop_with(a_method("alpha"))

    assert shop.services.resolve.check_order_now(shop.order().id) is Resolution.GONE


def test_a_running_call_is_not_taken_over(shop_with, clock):
    shop, order = die_after_the_call(shop_with, a_method("alpha"))

    assert shop.services.resolve.check_order_now(order.id) is Resolution.HELD


def test_a_search_that_finds_the_charge_is_proof(shop_with, clock):
    search_only = Capabilities(find_by_reference=True)
    shop, order = die_after_the_call(shop_with, a_method("alpha", capabilities=search_only))
    clock.advance(minutes=1)

    shop.wired.reconcile.execute()

    assert shop.view(order.id).order.status is PaymentStatus.PAID


def test_a_search_that_finds_nothing_proves_nothing(database, shop_with, clock):
    search_only = Capabilities(find_by_reference=True)
    shop = shop_with(a_method("alpha", timeout_s=0.3, capabilities=search_only))
    result = shop.pay(instrument=a_card(NEVER_ANSWERED))

    for _ in range(6):
        clock.advance(hours=20)
        shop.wired.reconcile.execute()

    assert shop.statuses(result.order_id) == [("alpha", "unknown")]
    assert shop.view(result.order_id).order.status is PaymentStatus.PROCESSING


def test_after_a_week_finance_has_to_look(database, shop_with, clock):
    search_only = Capabilities(find_by_reference=True)
    shop = shop_with(a_method("alpha", timeout_s=0.3, capabilities=search_only))
    shop.pay(instrument=a_card(NEVER_ANSWERED))
    clock.advance(days=8)

    report = shop.wired.reconcile.execute()

    assert report.review == 1
    with database.read() as connection:
        since = connection.exec_driver_sql("SELECT review_since FROM transactions").scalar_one()
    assert since is not None


def test_a_dead_process_at_a_provider_that_can_tell_nothing_is_unknown_and_then_reviewed(
    shop_with, clock
):
    shop, order = die_after_the_call(shop_with, a_method("alpha", capabilities=Capabilities()))
    clock.advance(minutes=1)
    assert shop.wired.reconcile.execute().still_open == 1
    assert shop.statuses(order.id) == [("alpha", "unknown")]
    clock.advance(minutes=1)

    report = shop.wired.reconcile.execute()

    assert report.review == 1
    assert shop.view(order.id).order.status is PaymentStatus.PROCESSING


def test_a_provider_that_is_not_connected_any_more_is_a_case_for_finance(
    database, sandbox, shop_with, clock
):
    _, order = die_after_the_call(shop_with, a_method("alpha"))
    clock.advance(minutes=1)
    without = Shop(database, sandbox_url=None, methods=[], seams=fake_time(clock))
    without.wired.reconcile.execute()
    clock.advance(minutes=1)

    assert without.wired.reconcile.execute().review == 1
    assert without.statuses(order.id) == [("alpha", "unknown")]


def test_a_payment_in_doubt_that_waits_at_the_bank_is_cancelled(shop_with, clock, sandbox):
    """Its redirect was never shown: nobody can confirm it any more."""
    search = replace(FULL_CAPABILITIES, cancel_by_reference=False)
    shop, order = die_after_the_call(shop_with, a_method("alpha", capabilities=search), CHALLENGE)
    clock.advance(minutes=1)

    shop.wired.reconcile.execute()

    assert shop.statuses(order.id) == [("alpha", "not_sent")]
    assert [p["status"] for p in sandbox.ledger()["payments"]] == ["cancelled"]


def test_without_a_way_to_cancel_it_stays_in_doubt(shop_with, clock):
    search_only = Capabilities(find_by_reference=True)
    shop, order = die_after_the_call(
        shop_with, a_method("alpha", capabilities=search_only), CHALLENGE
    )
    clock.advance(minutes=1)

    shop.wired.reconcile.execute()

    assert shop.statuses(order.id) == [("alpha", "unknown")]


@pytest.mark.breaks_the_books
def test_a_lookup_that_names_another_amount_is_kept_as_evidence_and_never_applied(
    database, shop_with, clock
):
    shop, order = die_after_the_call(shop_with, a_method("alpha"))
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET amount_minor = 1")
    clock.advance(minutes=1)

    shop.wired.reconcile.execute()

    assert shop.statuses(order.id) == [("alpha", "unknown")]
    assert shop.view(order.id).order.flag == "amount_mismatch"
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT outcome, was_applied FROM transaction_evidence")
        assert [tuple(row) for row in kept] == [("Approved", False)]


def test_one_that_breaks_does_not_keep_the_others_from_being_settled(database, shop_with, clock):
    shop, broken = die_after_the_call(shop_with, a_method("alpha"))
    clock.advance(seconds=1)
    waiting = die_after_the_call_again(shop_with)
    with database.tx() as connection:
        connection.exec_driver_sql(
            "UPDATE transactions SET provider_code = 'gone' WHERE order_id = 1"
        )
    clock.advance(minutes=1)

    first = shop.wired.reconcile.execute(limit=1)
    second = shop.wired.reconcile.execute(limit=1)

    assert (first.checked, first.broken) == (1, 1)
    assert (second.checked, second.settled) == (1, 1)
    assert shop.view(broken.id).order.status is PaymentStatus.PROCESSING
    assert shop.view(waiting.id).order.status is PaymentStatus.PAID


def die_after_the_call_again(shop_with):
    dying = shop_with(checkpoint=CrashAt(AFTER_CALL))
    order = dying.order()
    with pytest.raises(SimulatedCrash):
        dying.pay(order.id)
    return order


def test_a_customer_who_comes_back_often_does_not_put_off_the_reconciler(shop_with, clock):
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    for _ in range(8):
        shop.services.resolve.check_order_now(result.order_id)
    press_approve(result.redirect_url)
    clock.advance(minutes=2)

    shop.wired.reconcile.execute()

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_an_id_that_the_provider_does_not_know_is_not_asked_for_for_ever(
    database, shop_with, clock
):
    """It came with an answer that could not be read; our own reference is still good."""
    shop, order = die_after_the_call(shop_with, a_method("alpha"))
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET provider_reference = 'ghost'")
    clock.advance(minutes=1)

    shop.wired.reconcile.execute()

    assert shop.view(order.id).order.status is PaymentStatus.PAID


def test_two_passes_at_once_settle_once(database, sandbox, shop_with, clock):
    shop, order = die_after_the_call(shop_with, a_method("alpha"))
    clock.advance(minutes=1)
    first = shop.wired.reconcile.execute()
    second = shop.wired.reconcile.execute()

    assert (first.settled, second.checked) == (1, 0)
    assert shop.view(order.id).order.status is PaymentStatus.PAID


def test_nothing_found_is_no_proof_however_often_and_however_late(shop_with, clock):
    shop, order = never_answered(shop_with, clock, find_by_reference=True)

    for _ in range(6):
        clock.advance(hours=1)
        shop.wired.reconcile.execute()

    assert shop.statuses(order) == [("alpha", "unknown")]


def test_a_documented_time_in_flight_is_proof_after_it_has_passed_twice(shop_with, clock):
    shop, order = never_answered(
        shop_with, clock, trusts=True, find_by_reference=True, max_in_flight_s=600
    )

    clock.advance(minutes=5)
    shop.wired.reconcile.execute()
    clock.advance(minutes=10)
    shop.wired.reconcile.execute()
    assert shop.statuses(order) == [("alpha", "unknown")]
    clock.advance(minutes=10)
    shop.wired.reconcile.execute()

    assert shop.statuses(order) == [("alpha", "not_sent")]
    assert shop.view(order).order.status is PaymentStatus.FAILED


@pytest.mark.parametrize("can_search", [True, False])
def test_an_abandoned_challenge_ends_after_its_documented_time_read_twice(
    shop_with, clock, can_search
):
    capabilities = Capabilities(challenge_expires_s=3600, find_by_reference=can_search)
    shop = shop_with(a_method("alpha", capabilities=capabilities))
    order = shop.pay(instrument=a_card(CHALLENGE)).order_id

    for minutes in (50, 20):
        clock.advance(minutes=minutes)
        shop.wired.reconcile.execute()
        assert shop.statuses(order) == [("alpha", "requires_action")]
    clock.advance(minutes=20)
    shop.wired.reconcile.execute()

    assert shop.statuses(order) == [("alpha", "abandoned")]
    assert shop.view(order).order.status is PaymentStatus.PENDING


def test_an_abandoned_challenge_without_a_documented_end_is_never_given_up(shop_with, clock):
    shop = shop_with(a_method("alpha", capabilities=Capabilities()))
    order = shop.pay(instrument=a_card(CHALLENGE)).order_id

    for _ in range(6):
        clock.advance(hours=20)
        shop.wired.reconcile.execute()

    assert shop.statuses(order) == [("alpha", "requires_action")]


def never_answered(shop_with, clock, *, trusts=False, **capabilities):
    shop = shop_with(
        a_method("alpha", timeout_s=0.3, capabilities=Capabilities(**capabilities)),
        trust_documented_absence=trusts,
    )
    result = shop.pay(instrument=a_card(NEVER_ANSWERED))
    assert result.kind is ResultKind.CONFIRMING
    clock.advance(minutes=1)
    return shop, result.order_id


def test_an_answer_that_proves_nothing_is_kept_for_whoever_reviews_it(shop_with, clock):
    shop = shop_with(a_method("alpha"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    clock.advance(minutes=10)

    shop.services.resolve.check_order_now(result.order_id)
    assert evidence(shop) == []
    shop.wired.reconcile.execute()

    assert evidence(shop) == [("read", "RequiresAction", False)]


def evidence(shop):
    with shop.database.read() as connection:
        rows = connection.execute(
            select(EvidenceRow.source, EvidenceRow.outcome, EvidenceRow.was_applied)
        )
        return [tuple(row) for row in rows]
