from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox_process import SandboxProcess, sandbox_process

from .practice_merchant import APPROVED, PracticeMerchant, a_payment


def test_an_approved_payment_is_read_by_its_id_and_found_by_reference(alpha: PracticeMerchant):
    status, payment = alpha.pay()

    assert status == 201
    assert payment["status"] == "approved"
    assert payment["captured_amount"] == payment["amount"] == 1999
    assert payment["card"] == {"brand": "visa", "bin": "424242", "last4": "4242"}
    assert alpha.get(f"/payments/{payment['id']}") == (200, payment)
    assert alpha.get("/payments?reference=order-1") == (200, {"data": [payment]})


def test_an_unknown_reference_finds_nothing_and_an_unknown_id_is_404(alpha: PracticeMerchant):
    assert alpha.get("/payments?reference=nobody") == (200, {"data": []})
    assert alpha.get("/payments/alpha_pay_0")[0] == 404


def test_one_account_does_not_see_another_ones_payments(alpha: PracticeMerchant):
    _, payment = alpha.pay()
    beta = PracticeMerchant(alpha.sandbox, "beta")

    assert beta.get(f"/payments/{payment['id']}")[0] == 404
    assert beta.get("/payments?reference=order-1") == (200, {"data": []})


def test_the_same_key_and_body_give_the_same_payment(alpha: PracticeMerchant):
    first = alpha.pay()

    assert alpha.pay() == first
    assert alpha.charged() == [1999]


def test_a_replayed_decline_is_answered_as_a_decline(alpha: PracticeMerchant):
    first = alpha.pay("4000000000000515")

    assert first[0] == 402
    assert alpha.pay("4000000000000515") == first


def test_the_same_key_with_another_body_is_refused(alpha: PracticeMerchant):
    alpha.pay()

    status, answer = alpha.pay(amount=2000)

    assert (status, answer["error"]["code"]) == (409, "idempotency_mismatch")
    assert alpha.charged() == [1999]


def test_requests_with_one_key_at_once_charge_once(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", latency={"p50_ms": 50, "p95_ms": 50})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: alpha.pay(), range(32)))

    assert alpha.charged() == [1999]
    assert {status for status, _ in answers} <= {201, 409}
    refused = {answer["error"]["code"] for status, answer in answers if status == 409}
    assert refused <= {"idempotency_in_flight"}


def test_without_an_idempotency_window_each_request_charges(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", idempotency_window_s=0)

    alpha.pay()
    alpha.pay()

    assert alpha.charged() == [1999, 1999]


def test_a_wrong_key_is_401_and_nothing_is_charged(alpha: PracticeMerchant):
    for headers in ({}, {"Authorization": "Bearer practice_key_beta"}):
        status, answer = alpha.sandbox.send(
            "POST", "/alpha/v1/payments", body=a_payment(), headers=headers
        )
        assert (status, answer["error"]["code"]) == (401, "bad_api_key")
    assert alpha.charged() == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reference": ""}, "reference"),
        ({"reference": 5}, "reference"),
        ({"amount": 0}, "amount"),
        ({"amount": 19.99}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "1999"}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"method": "cash"}, "method"),
        ({"method": "wallet"}, "method"),
        ({"card": None}, "card"),
        ({"card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2040}}, "card.number"),
        ({"card": {"number": APPROVED, "exp_month": 13, "exp_year": 2040}}, "card.exp_month"),
        ({"card": {"number": APPROVED, "exp_month": 1, "exp_year": "x"}}, "card.exp_year"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_charged(alpha: PracticeMerchant, fields, param):
    status, answer = alpha.pay(key="bad", **fields)

    assert (status, answer["error"]["type"]) == (422, "invalid_request")
    assert answer["error"]["param"] == param
    assert alpha.sandbox.ledger()["payments"] == []


def test_a_refused_request_does_not_use_up_its_key(alpha: PracticeMerchant):
    assert alpha.pay(currency="euro")[0] == 422

    assert alpha.pay()[0] == 201


def test_a_cancelled_reference_refuses_the_payment_that_comes_later(alpha: PracticeMerchant):
    cancelled = alpha.post("/payments/cancel", {"reference": "order-1"})

    status, answer = alpha.pay()

    assert cancelled == (200, {"status": "cancelled", "reference": "order-1", "id": None})
    assert (status, answer["error"]["code"]) == (409, "reference_cancelled")
    assert alpha.charged() == []


@pytest.mark.parametrize("number", [APPROVED, "4000000000000051"])
def test_a_payment_that_has_ended_cannot_be_cancelled(alpha: PracticeMerchant, number):
    _, payment = alpha.pay(number)

    for path, body in (
        (f"/payments/{payment['id']}/cancel", None),
        ("/payments/cancel", {"reference": "order-1"}),
    ):
        status, answer = alpha.post(path, body)
        assert (status, answer["error"]["code"]) == (409, "not_cancellable")
        assert answer["payment"] == payment
    assert alpha.pay(number)[1] == payment


def test_an_open_payment_is_cancelled_once_and_for_ever(alpha: PracticeMerchant):
    _, payment = alpha.pay("4200000000000018")

    first = alpha.post(f"/payments/{payment['id']}/cancel")

    assert (first[0], first[1]["status"]) == (200, "cancelled")
    assert alpha.post(f"/payments/{payment['id']}/cancel") == first
    assert alpha.post("/payments/cancel", {"reference": "order-1"}) == first
    assert alpha.pay("4200000000000018") == first


@pytest.mark.parametrize(("number", "end"), [(26, "approved"), (34, "declined")])
def test_a_pending_payment_ends_by_itself(alpha: PracticeMerchant, number, end):
    alpha.sandbox.patch_profile("alpha", pending_settles_after_s=0)

    status, payment = alpha.pay(f"42000000000000{number}")

    assert (status, payment["status"], payment["captured_amount"]) == (201, "pending", 0)
    assert alpha.get(f"/payments/{payment['id']}")[1]["status"] == end
    assert alpha.charged() == ([1999] if end == "approved" else [])


def test_a_capability_that_is_switched_off_is_404_unsupported(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", find_by_reference=False, cancel_by_reference=False)

    for status, answer in (
        alpha.get("/payments?reference=order-1"),
        alpha.post("/payments/cancel", {"reference": "order-1"}),
    ):
        assert (status, answer["error"]["code"]) == (404, "unsupported")


def test_the_ledger_survives_a_killed_process_and_holds_no_card_number(tmp_path: Path):
    with sandbox_process(tmp_path, sync=True) as sandbox:
        before = PracticeMerchant(sandbox, "alpha").pay()
        sandbox.kill()
    with sandbox_process(tmp_path, sync=True) as sandbox:
        after = PracticeMerchant(sandbox, "alpha").pay()

    assert after == before
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert APPROVED.encode() not in written
    assert b"order-1" in written


def test_a_cancel_during_a_slow_payment_wins(sandbox: SandboxProcess):
    """The tombstone is read in the step that charges, not when the request arrives."""
    alpha = PracticeMerchant(sandbox, "alpha")
    sandbox.patch_profile("alpha", latency={"p50_ms": 400, "p95_ms": 400})

    with ThreadPoolExecutor(1) as pool:
        paying = pool.submit(alpha.pay)
        while not sandbox.admin("GET", "/stats")["in_flight"]:
            pass
        cancelled = alpha.post("/payments/cancel", {"reference": "order-1"})
        status, answer = paying.result()

    assert cancelled[0] == 200
    assert (status, answer["error"]["code"]) == (409, "reference_cancelled")
    assert alpha.charged() == []
