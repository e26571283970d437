from concurrent.futures import ThreadPoolExecutor

import pytest

from payorch.wiring import Seams
from tests.presentation.orchestration.conftest import (
    APPROVED,
    BEARER,
    CHALLENGE,
    INSUFFICIENT_FUNDS,
    ON_BOTH_DATABASES,
    Api,
    a_card,
    an_app,
    an_order,
)

pytestmark = ON_BOTH_DATABASES

REPLAYED = "Idempotent-Replayed"


def test_creating_again_with_the_same_key_gives_the_same_order(api):
    first = api.post("/orders", an_order(), key="create-1")
    again = api.post("/orders", an_order(), key="create-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"


def test_without_a_key_each_request_makes_an_order(api):
    def create():
        return api.client.post("/api/v1/orders", json=an_order(), headers=BEARER).json["id"]

    assert create() != create()


@pytest.mark.parametrize("number", [APPROVED, INSUFFICIENT_FUNDS, CHALLENGE])
def test_paying_again_with_the_same_key_gives_the_stored_answer(api, sandbox, number):
    body = an_order(card=a_card(number))

    first = api.post("/payments", body, key=f"pay-{number}")
    again = api.post("/payments", body, key=f"pay-{number}")

    assert again.json == first.json
    assert again.status_code == first.status_code
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert len(sandbox.ledger()["payments"]) == 1


def test_fields_in_another_order_are_the_same_request(api):
    body = an_order(card=a_card())

    first = api.post("/payments", body, key="sorted")
    again = api.post("/payments", dict(reversed(body.items())), key="sorted")

    assert (again.headers[REPLAYED], again.json) == ("true", first.json)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_minor": 1251},
        {"description": "Three tickets"},
        {"card": a_card(INSUFFICIENT_FUNDS)},
        {"card": a_card(cvc="738")},
        {"provider": "beta"},
        {"metadata": {"a": "b"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_same_key_with_another_request_is_refused(api, sandbox, changed):
    body = an_order(card=a_card())
    key = f"reused-{hash(str(changed))}"
    paid = api.post("/payments", body, key=key)

    answer = api.post("/payments", {**body, **changed}, key=key)

    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_key_reused")
    assert answer.json["order_id"] == paid.json["order"]["id"]
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_key_belongs_to_one_order(api):
    first, second = (api.post("/orders", an_order()).json["id"] for _ in range(2))
    api.post(f"/orders/{first}/pay", {"card": a_card()}, key="one-order")

    answer = api.post(f"/orders/{second}/pay", {"card": a_card()}, key="one-order")

    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_key_reused")
    assert api.get(f"/orders/{second}").json["status"] == "pending"


@pytest.mark.parametrize("path", ["/payments", "/orders/po_1/pay"])
def test_paying_without_a_key_is_refused(api, path):
    body = an_order() if path == "/payments" else {}

    answer = api.client.post(f"/api/v1{path}", json=body, headers=BEARER)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "with blank", "k" * 101, "caf\u00e9"])
@pytest.mark.parametrize("path", ["/payments", "/orders"])
def test_a_malformed_key_is_refused(api, path, key):
    headers = {**BEARER, "Idempotency-Key": key}

    answer = api.client.post(f"/api/v1{path}", json=an_order(), headers=headers)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_invalid")


def test_while_the_first_is_in_flight_the_second_is_told_to_wait(new_database_url, sandbox):
    seen = []

    def while_calling(step: str) -> None:
        if step == "before_call":
            with ThreadPoolExecutor(1) as other:
                seen.append(other.submit(pay).result())

    def pay():
        return Api(app.test_client()).post("/payments", an_order(card=a_card()), key="in-flight")

    url, sandbox_url = new_database_url(), sandbox.base_url
    with an_app(url, sandbox_url=sandbox_url, seams=Seams(checkpoint=while_calling)) as app:
        first = pay()
        after = pay()

    assert first.json["result"] == "paid"
    assert (seen[0].status_code, seen[0].json["code"]) == (409, "payment_in_progress")
    assert int(seen[0].headers["Retry-After"]) > 0
    assert seen[0].json["order_id"] == first.json["order"]["id"]
    assert (after.headers[REPLAYED], after.json) == ("true", first.json)
    assert len(sandbox.ledger()["payments"]) == 1


def test_sixteen_clients_with_the_same_key_pay_once(api, app, sandbox):
    def pay(_number):
        body = an_order(card=a_card())
        return Api(app.test_client()).post("/payments", body, key="sixteen")

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(pay, range(16)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({a.json["order"]["id"] for a in answers if a.status_code == 201}) == 1
    assert len(sandbox.ledger()["payments"]) == 1
