from datetime import datetime, timedelta

import pytest

from payorch.presentation.orchestration.answer_schemas import MethodsOut, OrderOut
from tests.presentation.orchestration.conftest import ON_BOTH_DATABASES, a_card, an_order

pytestmark = ON_BOTH_DATABASES


def test_an_order_is_created_and_read_again(api):
    customer = {"name": "Ana Cliente", "email": "ana@example.com"}
    body = an_order(merchant_reference="A-17", metadata={"cart": "17"}, customer=customer)

    created = api.post("/orders", body)
    read = api.get(f"/orders/{created.json['id']}")

    assert created.status_code == 201
    assert created.headers["Location"] == f"/api/v1/orders/{created.json['id']}"
    assert read.json == created.json
    assert created.json["status"] == "pending"
    assert (created.json["amount_minor"], created.json["amount"]) == (1250, "12.50")
    assert created.json["metadata"] == {"cart": "17"}
    assert created.json["transactions"] == []
    OrderOut.model_validate(created.json)


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "12.50"), ("JPY", "1250"), ("BHD", "1.250")]
)
def test_the_decimal_amount_has_as_many_digits_as_the_currency(api, currency, amount):
    assert api.post("/orders", an_order(currency=currency)).json["amount"] == amount


def test_the_links_lead_to_pages_that_exist(api):
    order = api.post("/orders", an_order()).json

    for link in (order["checkout_url"], order["status_url"]):
        assert link.startswith("http://localhost:4321/")
        page = api.client.get(link.removeprefix("http://localhost:4321"))
        assert page.status_code == 200


def test_an_order_expires_when_it_was_asked_to(api):
    order = api.post("/orders", an_order(expires_in_minutes=15)).json

    lifetime = datetime.fromisoformat(order["expires_at"]) - datetime.fromisoformat(
        order["created_at"]
    )
    assert lifetime == timedelta(minutes=15)


@pytest.mark.parametrize("order_id", ["po_nothing", "1", "%00", "po_%F0%9F%92%B3", "x" * 300])
def test_an_order_that_is_not_there_is_not_found(api, order_id):
    answer = api.get(f"/orders/{order_id}")

    assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")


def test_methods_come_in_the_order_of_trying_with_reasons_for_the_others(api):
    order = api.post("/orders", an_order()).json

    answer = api.get(f"/orders/{order['id']}/payment-methods")

    codes = [method["code"] for method in answer.json["methods"]]
    assert codes == ["alpha", "beta", "gamma", "delta", "delta_bank"]
    assert answer.json["left_out"] == [{"code": "beta_latam", "reason": "country_not_served"}]
    MethodsOut.model_validate(answer.json)


def test_methods_can_be_asked_for_before_there_is_an_order(api):
    answer = api.get("/payment-methods?amount_minor=1250&currency=BRL&country=BR")

    methods = {method["code"]: method for method in answer.json["methods"]}
    assert list(methods) == ["beta", "beta_latam"]
    assert methods["beta_latam"]["required_fields"] == ["document_type", "document_number"]


def test_an_amount_above_the_shops_limit_is_refused(api):
    answer = api.post("/orders", an_order(amount_minor=100_000_001))

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_money")


def test_an_order_is_cancelled_and_cannot_be_paid_any_more(api):
    order = api.post("/orders", an_order()).json

    cancelled = api.post(f"/orders/{order['id']}/cancel", {"reason": "Sold out"})
    again = api.post(f"/orders/{order['id']}/cancel", {"reason": "Sold out"})
    paid = api.post(f"/orders/{order['id']}/pay", {"card": a_card()})

    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    assert (again.status_code, again.json) == (200, cancelled.json)
    assert (paid.status_code, paid.json["code"]) == (409, "order_not_payable")
    OrderOut.model_validate(cancelled.json)


def test_a_paid_order_is_not_cancelled(api):
    order = api.post("/payments", {**an_order(), "card": a_card()}).json["order"]

    answer = api.post(f"/orders/{order['id']}/cancel", {"reason": "Sold out"})

    assert (answer.status_code, answer.json["code"]) == (409, "order_already_paid")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "more": 1}])
def test_cancelling_needs_a_reason_and_nothing_else(api, body):
    order = api.post("/orders", an_order()).json

    assert api.post(f"/orders/{order['id']}/cancel", body).status_code == 422
