"""Refunds over the API, on both databases."""

import pytest

from payorch.presentation.orchestration.answer_schemas import OrderOut, ProblemOut
from payorch.presentation.orchestration.refund_schemas import RefundOut, RefundsOut
from tests.presentation.orchestration.conftest import ON_BOTH_DATABASES, a_card, an_order

pytestmark = ON_BOTH_DATABASES

PENDING, REFUSED = 80_001, 80_004


@pytest.fixture
def paid(api) -> dict:
    body = an_order(amount_minor=90_000)
    return api.post("/payments", {**body, "provider": "beta", "card": a_card()}).json["order"]


def refund(api, order, amount_minor=None, *, key=None, reason="Came back broken"):
    body = {"reason": reason}
    if amount_minor is not None:
        body["amount_minor"] = amount_minor
    return api.post(f"/orders/{order['id']}/refunds", body, key=key)


def test_an_order_is_refunded_in_part_and_then_in_full(api, paid):
    part = refund(api, paid, 500)
    rest = refund(api, paid)

    assert (part.status_code, part.json["status"]) == (201, "succeeded")
    assert (rest.status_code, rest.json["amount_minor"]) == (201, 89_500)
    assert part.json["reason"] == "Came back broken"
    assert part.json["requested_by"] == "api"
    RefundOut.model_validate(part.json)
    order = api.get(f"/orders/{paid['id']}").json
    assert (order["refunded_minor"], order["refundable_minor"]) == (90_000, 0)
    assert order["status"] == "paid"
    OrderOut.model_validate(order)


def test_a_refund_is_read_where_its_address_says(api, paid):
    made = refund(api, paid, 500)

    read = api.get(made.headers["Location"].removeprefix("/api/v1"))

    assert (read.status_code, read.json) == (200, made.json)


def test_refunds_are_listed_with_what_is_left(api, paid):
    first, second = refund(api, paid, 500).json, refund(api, paid, 300).json

    answer = api.get(f"/orders/{paid['id']}/refunds")

    assert answer.json["refunds"] == [first, second]
    assert (answer.json["refunded_minor"], answer.json["refundable_minor"]) == (800, 89_200)
    RefundsOut.model_validate(answer.json)


def test_the_same_key_is_one_refund(api, paid):
    first = refund(api, paid, 500, key="refund-twice")
    again = refund(api, paid, 500, key="refund-twice")
    other = refund(api, paid, 600, key="refund-twice")

    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json["code"]) == (409, "idempotency_key_reused")
    assert api.get(f"/orders/{paid['id']}").json["refunded_minor"] == 500


def test_a_refund_needs_a_key(api, paid):
    headers = {"Authorization": "Bearer an-api-token-of-the-tests-0123456789"}

    answer = api.client.post(
        f"/api/v1/orders/{paid['id']}/refunds", json={"reason": "x"}, headers=headers
    )

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


def test_too_much_is_refused_with_what_is_left(api, paid):
    refund(api, paid, 89_000)

    answer = refund(api, paid, 1_001)

    assert (answer.status_code, answer.json["code"]) == (409, "refund_too_large")
    assert answer.json["refundable_minor"] == 1_000
    ProblemOut.model_validate(answer.json)


def test_what_was_never_paid_is_not_refundable(api):
    order = api.post("/orders", an_order()).json

    answer = refund(api, order)

    assert (answer.status_code, answer.json["code"]) == (409, "order_not_refundable")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "amount_minor": 0}])
def test_a_refund_needs_a_reason_and_a_positive_amount(api, paid, body):
    answer = api.post(f"/orders/{paid['id']}/refunds", body)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_error")


def test_a_refusal_by_the_provider_is_an_answer(api, paid):
    answer = refund(api, paid, REFUSED)

    assert (answer.status_code, answer.json["status"]) == (201, "failed")
    assert answer.json["failure_code"] == "refund_refused"
    assert api.get(f"/orders/{paid['id']}").json["refundable_minor"] == 90_000


def test_what_is_under_way_is_202_and_cannot_be_tried_again(api, paid):
    answer = refund(api, paid, PENDING)
    retry = api.post(f"/refunds/{answer.json['id']}/retry", {"reason": "Again"})

    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    assert (retry.status_code, retry.json["code"]) == (409, "refund_in_progress")
    assert api.get(f"/orders/{paid['id']}").json["refundable_minor"] == 9_999


def test_a_failed_refund_is_tried_again(api, paid, sandbox):
    sandbox.patch_profile("beta", refund_faults={"refused_402": 1})
    failed = refund(api, paid, 500).json
    sandbox.patch_profile("beta", refund_faults=None)

    again = api.post(f"/refunds/{failed['id']}/retry", {"reason": "The bank said so"})
    once_more = api.post(f"/refunds/{failed['id']}/retry", {"reason": "Again"})

    assert (again.status_code, again.json["status"]) == (200, "succeeded")
    assert (once_more.status_code, once_more.json["code"]) == (409, "refund_not_retryable")


@pytest.mark.parametrize("refund_id", ["re_nothing", "1", "%00", "x" * 300])
def test_a_refund_that_is_not_there_is_not_found(api, refund_id):
    answer = api.get(f"/refunds/{refund_id}")

    assert (answer.status_code, answer.json["code"]) == (404, "refund_not_found")


def test_a_whole_payment_is_voided_where_that_is_preferred(api, paid):
    answer = api.post(
        f"/orders/{paid['id']}/refunds", {"reason": "Never shipped", "prefer_void": True}
    )

    assert (answer.status_code, answer.json["kind"]) == (201, "void")
    assert api.get(f"/orders/{paid['id']}").json["refundable_minor"] == 0


def test_a_part_is_refunded_whatever_was_preferred(api, paid):
    body = {"reason": "One book", "prefer_void": True, "amount_minor": 500}

    assert api.post(f"/orders/{paid['id']}/refunds", body).json["kind"] == "refund"
