"""The order that a submission puts together from its own writes is the one in the books."""

import pytest

from payorch.application.payment_result import ResultKind
from tests.shop import Shop, a_card, a_customer, a_method, an_order

APPROVED = "4242424242424242"
GENERIC_DECLINE = "4000000000000051"
TIMEOUT_AFTER_CHARGE = "4100000000000027"


@pytest.fixture
def shop(database, sandbox):
    methods = [a_method("alpha", timeout_s=0.5), a_method("beta"), a_method("gamma")]
    return Shop(database, sandbox_url=sandbox.base_url, methods=methods)


@pytest.mark.parametrize("number", [APPROVED, GENERIC_DECLINE], ids=["paid", "declined"])
@pytest.mark.parametrize("failing", [(), ("alpha",), ("alpha", "beta", "gamma")], ids=len)
def test_a_new_order_is_known_without_reading_it(shop, sandbox, number, failing):
    for account in failing:
        sandbox.start_outage(account, "not_processed_503")
    new_order = an_order(
        customer=a_customer(email="Ana@Example.com", fields={"phone": "1"}),
        merchant_reference="order 7",
        metadata={"cart": "9"},
    )

    result = shop.pay(new_order=new_order, instrument=a_card(number))

    assert result.order is not None
    assert result.order == shop.view(result.order_id)


def test_an_order_that_existed_before_is_read(shop):
    assert shop.pay(shop.order().id).order is None


def test_an_order_whose_payment_had_to_be_looked_up_is_read(shop):
    result = shop.pay(instrument=a_card(TIMEOUT_AFTER_CHARGE))

    assert result.kind is ResultKind.PAID
    assert result.order is None


def test_a_replay_reads_the_order_as_it_is_now(shop):
    again = {"idempotency_key": "api:again", "request_hash": "same"}
    new_order = an_order(idempotency_key="api:again", request_hash="same")
    shop.pay(new_order=new_order, **again)

    assert shop.pay(new_order=new_order, **again).order is None
