from concurrent.futures import ThreadPoolExecutor

import pytest

from .practice_merchant import PracticeMerchant


@pytest.fixture
def payment_id(alpha: PracticeMerchant) -> str:
    return alpha.pay(amount=1000)[1]["id"]


def refund(alpha: PracticeMerchant, payment_id: str, amount: int | None, key: str):
    return alpha.post(
        f"/payments/{payment_id}/refunds", {"amount": amount, "reference": key}, key=key
    )


def test_a_refund_is_read_by_its_id_and_found_by_reference(alpha: PracticeMerchant, payment_id):
    status, given_back = refund(alpha, payment_id, 400, "r1")

    assert (status, given_back["status"], given_back["amount"]) == (201, "succeeded", 400)
    assert alpha.get(f"/refunds/{given_back['id']}") == (200, given_back)
    assert alpha.get(f"/payments/{payment_id}/refunds/{given_back['id']}") == (200, given_back)
    assert alpha.get("/refunds?reference=r1") == (200, {"data": [given_back]})
    assert alpha.get(f"/payments/{payment_id}")[1]["refunded_amount"] == 400


def test_no_more_than_what_is_left_is_given_back(alpha: PracticeMerchant, payment_id):
    refund(alpha, payment_id, 700, "r1")

    status, answer = refund(alpha, payment_id, 301, "r2")

    assert (status, answer["error"]["code"]) == (422, "amount_too_large")
    assert refund(alpha, payment_id, None, "r3")[1]["amount"] == 300
    assert refund(alpha, payment_id, None, "r4")[0] == 422


def test_the_same_refund_key_gives_money_back_once(alpha: PracticeMerchant, payment_id):
    first = refund(alpha, payment_id, 400, "r1")

    assert refund(alpha, payment_id, 400, "r1") == first
    assert refund(alpha, payment_id, 500, "r1")[0] == 409
    assert alpha.get(f"/payments/{payment_id}")[1]["refunded_amount"] == 400


def test_refunds_at_once_never_exceed_the_payment(alpha: PracticeMerchant, payment_id):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: refund(alpha, payment_id, 300, f"r{n}"), range(8)))

    assert sorted(status for status, _ in answers) == [201] * 3 + [422] * 5
    assert alpha.get(f"/payments/{payment_id}")[1]["refunded_amount"] == 900


def test_a_declined_payment_has_nothing_to_give_back(alpha: PracticeMerchant):
    _, payment = alpha.pay("4000000000000051")

    status, answer = refund(alpha, payment["id"], 1, "r1")

    assert (status, answer["error"]["code"]) == (409, "not_refundable")


def test_a_void_gives_the_whole_payment_back_once(alpha: PracticeMerchant, payment_id):
    status, voided = alpha.post(f"/payments/{payment_id}/void")

    assert (status, voided["status"], voided["refunded_amount"]) == (200, "voided", 1000)
    assert alpha.post(f"/payments/{payment_id}/void") == (200, voided)
    assert refund(alpha, payment_id, 1, "r1")[0] == 409


def test_a_partly_refunded_payment_cannot_be_voided(alpha: PracticeMerchant, payment_id):
    refund(alpha, payment_id, 1, "r1")

    status, answer = alpha.post(f"/payments/{payment_id}/void")

    assert (status, answer["error"]["code"]) == (409, "not_voidable")
