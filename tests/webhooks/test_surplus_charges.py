"""A charge that the books do not know, told by an event, is given back by itself, once."""

import pytest

from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.jobs import run_for
from payorch.infrastructure.persistence.tables import RefundRow
from tests.shop import a_card
from tests.webhooks.events import rows
from tests.webhooks.test_follow_up import charge_again

DECLINED = "4000000000000515"


def kept_by_the_provider(sandbox):
    """What each payment of the ledger still holds of the customer's money, in minor units."""
    return {
        payment["id"]: payment["captured_amount"] - payment["refunded_amount"]
        for payment in sandbox.ledger()["payments"]
        if payment["status"] == "approved"
    }


@pytest.mark.parametrize("times", [1, 3])
def test_a_charge_for_a_declined_attempt_is_given_back_once(shop, sandbox, times):
    result = shop.pay(instrument=a_card(DECLINED))
    charged = charge_again(sandbox, shop.view(result.order_id).last.id)

    for _ in range(times):
        shop.tell(shop.event(of=charged))
    run_for(shop.wired.background, seconds=60)

    assert len(rows(shop.database, RefundRow)) == 1
    assert sum(kept_by_the_provider(sandbox).values()) == 0
    assert shop.statuses(result.order_id) == [("alpha", "declined")]


def test_a_second_charge_is_given_back_and_the_first_one_stays(shop, sandbox):
    result = shop.pay()
    attempt = shop.view(result.order_id).last
    (first,) = sandbox.payments_of(attempt.id)
    charged = charge_again(sandbox, attempt.id)

    shop.tell(shop.event(of=charged))
    run_for(shop.wired.background, seconds=60)

    kept = kept_by_the_provider(sandbox)
    assert kept.get(charged["id"], 0) == 0
    assert kept[first["id"]] == 1999
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert shop.view(result.order_id).order.flag is not None
