"""Events that match nothing of ours: matched again for a day, then money without an order."""

import pytest

from payorch.application.orphan_events import MATCHED_FOR
from payorch.domain.payment_status import PaymentStatus
from tests.fakes import CrashAt
from tests.shop import a_card, a_method
from tests.webhooks.challenge import press
from tests.webhooks.events import job_rows
from tests.webhooks.test_follow_up import charge_again


@pytest.fixture
def work_for_a_day(shop, clock):
    def work():
        results = []
        for _ in range(36):
            clock.advance(hours=1)
            results += shop.work()
        return results

    return work


def alerts(shop):
    return [job.payload for job in job_rows(shop.database, "alert_staff")]


def test_money_without_an_order_is_told_to_staff_after_a_day(shop, sandbox, clock, work_for_a_day):
    charged = charge_again(sandbox, "pa_of_another_shop", amount=4200)

    assert shop.tell(shop.event(of=charged)) == ["It matches nothing of ours yet."]
    assert shop.states() == ["orphan"]
    assert alerts(shop) == []
    results = work_for_a_day()

    assert results[-1] == "done"
    assert set(results[:-1]) == {"It matches nothing of ours yet."}
    assert shop.states() == ["alerted"]
    (alert,) = alerts(shop)
    assert alert["alert"] == "orphan_money"
    assert alert["provider_reference"] == charged["id"]
    assert (alert["amount_minor"], alert["currency"]) == (4200, "EUR")


def test_an_orphan_that_finds_its_match_is_followed_up(shop_with, sandbox, clock):
    """A backup came back late: the order is there again before the day is over."""
    shop = shop_with(a_method("alpha"), a_method("beta"))
    result = shop.pay(instrument=a_card("4200000000000018"))
    attempt = shop.view(result.order_id).last
    press("approve", result.redirect_url)
    (payment,) = sandbox.payments_of(attempt.id)
    with shop.database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET provider_code = 'beta'")
        connection.exec_driver_sql("UPDATE transactions SET provider_reference = NULL")
    assert shop.tell(shop.event(of=payment)) == ["It matches nothing of ours yet."]
    with shop.database.tx() as connection:
        connection.exec_driver_sql("UPDATE transactions SET provider_code = 'alpha'")

    clock.advance(hours=1)
    shop.work()

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert shop.states() == ["applied"]
    assert alerts(shop) == []


@pytest.mark.parametrize("card", ["4000000000000515", "4200000000000018"])
def test_an_orphan_without_money_is_nobodys_trouble(shop, sandbox, work_for_a_day, card):
    body = {
        "reference": "pa_of_another_shop",
        "amount": 1999,
        "currency": "EUR",
        "method": "card",
        "card": {"number": card, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    }
    _, payment = sandbox.call("alpha", "POST", "/payments", body=body, key="other")
    shop.tell(shop.event(of=payment, status="approved"))

    work_for_a_day()

    assert shop.states() == ["no_change"]
    assert alerts(shop) == []


def test_a_payment_that_the_provider_does_not_know_is_nobodys_trouble(shop, work_for_a_day):
    shop.tell(shop.event("pa_nobody"))

    work_for_a_day()

    assert shop.states() == ["no_change"]


def test_while_the_provider_does_not_answer_it_stays_an_orphan(
    shop, sandbox, clock, work_for_a_day
):
    charged = charge_again(sandbox, "pa_of_another_shop")
    shop.tell(shop.event(of=charged))
    sandbox.start_outage("alpha", "error_500_before", scope="all")
    clock.advance(seconds=MATCHED_FOR.total_seconds())

    assert shop.work() == ["The provider did not say: server_error."]
    assert shop.states() == ["orphan"]
    sandbox.end_outages()
    clock.advance(hours=4)

    assert shop.work() == ["done"]
    assert shop.states() == ["alerted"]


def test_several_events_of_one_orphan_make_one_alert(shop, sandbox, work_for_a_day):
    charged = charge_again(sandbox, "pa_of_another_shop")
    shop.tell(shop.event(of=charged))
    shop.tell(shop.event(of=charged))

    work_for_a_day()

    assert shop.states() == ["alerted", "alerted"]
    assert len(alerts(shop)) == 1


def test_a_refund_that_was_not_asked_for_here_is_told_to_staff(shop, work_for_a_day):
    refund = {"id": "re_1", "object": "refund", "reference": "re_x", "status": "succeeded"}
    shop.tell(shop.event(of=refund))

    work_for_a_day()

    assert shop.states() == ["alerted"]
    assert [alert["alert"] for alert in alerts(shop)] == ["orphan_refund"]


def test_a_provider_that_is_not_connected_any_more_leaves_it_to_staff(
    shop, shop_with, sandbox, clock
):
    shop.tell(shop.event(of=charge_again(sandbox, "pa_of_another_shop")))
    without = shop_with(sandbox_url=None, checkpoint=CrashAt(None))
    clock.advance(hours=25)

    assert without.work() == ["done"]
    assert shop.states() == ["alerted"]
