import pytest

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import (
    IdempotencyKeyReused,
    InvalidMoney,
    LedgerUnavailable,
    NoProviderForOrder,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
    TooManySubmissions,
)
from payorch.domain.payment_order import OrderId
from tests.presentation.checkout.conftest import hidden_fields
from tests.presentation.checkout.fake_services import a_view


@pytest.mark.parametrize("kind", [k for k in ResultKind if k is not ResultKind.ACTION_REQUIRED])
def test_every_result_is_shown_on_the_orders_page(send, fakes, kind):
    fakes.pay_order.answer = PaymentResult(OrderId("po_1"), kind, attempts=1)

    assert send().location == "/orders/token-po_1"


def test_customer_who_has_to_confirm_is_sent_to_the_providers_page(send, fakes):
    fakes.pay_order.answer = PaymentResult(
        OrderId("po_1"), ResultKind.ACTION_REQUIRED, 1, redirect_url="http://provider.test/c/1"
    )

    answer = send()

    assert (answer.status_code, answer.location) == (303, "http://provider.test/c/1")


def test_replay_that_no_longer_knows_the_providers_page_leads_to_the_order(send, fakes):
    fakes.pay_order.answer = PaymentResult(OrderId("po_1"), ResultKind.ACTION_REQUIRED, 1)

    assert send().location == "/orders/token-po_1"


@pytest.mark.parametrize(
    "error",
    [
        PaymentInProgress("in flight", order_id="po_1"),
        OrderAlreadyPaid("paid"),
        OrderNotPayable("expired"),
    ],
)
def test_second_press_on_an_order_leads_to_its_page(send, fakes, error):
    fakes.orders.view = a_view()
    fakes.pay_order.answer = error

    answer = send("/checkout/token-po_1")

    assert (answer.status_code, answer.location) == (303, "/orders/token-po_1")


def test_double_press_on_the_open_checkout_leads_to_the_order_of_the_first(send, fakes):
    fakes.pay_order.answer = PaymentInProgress("in flight", order_id="po_9")

    assert send().location == "/orders/token-po_9"


def test_double_press_before_the_order_exists_asks_for_patience_under_the_same_key(
    client, send, fakes
):
    fakes.pay_order.answer = PaymentInProgress("in flight")
    hidden = hidden_fields(client.get("/checkout").text)

    answer = send(**hidden)

    assert answer.status_code == 409
    assert "you will not be charged twice" in answer.text
    assert hidden_fields(answer.text)["submit_key"] == hidden["submit_key"]


def test_same_key_with_other_data_links_to_the_first_payment_and_keeps_its_key(client, send, fakes):
    fakes.pay_order.answer = IdempotencyKeyReused("reused", order_id="po_9")
    hidden = hidden_fields(client.get("/checkout").text)

    answer = send(**hidden)

    assert answer.status_code == 409
    assert "already sent with other data" in answer.text
    assert 'href="/orders/token-po_9"' in answer.text
    assert hidden_fields(answer.text)["submit_key"] == hidden["submit_key"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NoProviderForOrder("none", reasons={}), 422, "No provider can take this payment."),
        (InvalidMoney("too much"), 422, "This amount cannot be paid here."),
        (TooManySubmissions("too many"), 429, "This order was tried too often."),
        (LedgerUnavailable("away"), 503, "Please press Pay again: you will not be charged twice."),
    ],
)
def test_refusal_is_explained_above_the_form_with_its_data_kept(send, fakes, error, status, text):
    fakes.pay_order.answer = error

    answer = send()

    assert answer.status_code == status
    assert text in answer.text
    assert 'value="Ana Lopez"' in answer.text
    assert 'value="123"' not in answer.text


def commands(send, fakes, *changes):
    fakes.pay_order.answer = PaymentResult(OrderId("po_1"), ResultKind.PAID, 1)
    for change in changes:
        send(**change)
    return fakes.pay_order.commands


def test_same_data_has_the_same_hash_whatever_number_and_code_are_typed_how(send, fakes):
    first, second = commands(
        send, fakes, {}, {"card_number": "4242424242424242", "card_cvc": "999", "amount": "12,50"}
    )

    assert first.request_hash == second.request_hash
    assert first.idempotency_key != second.idempotency_key


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "12.51"},
        {"currency": "USD"},
        {"description": "Other"},
        {"country": "FR"},
        {"provider": "alpha"},
        {"name": "Bo"},
        {"email": "bo@example.com"},
        {"card_number": "4000 0000 0000 0051"},
        {"card_expiry": "10/29"},
        {"extra_document_number": "1"},
    ],
)
def test_other_data_has_another_hash(send, fakes, change):
    first, second = commands(send, fakes, {}, change)

    assert first.request_hash != second.request_hash
