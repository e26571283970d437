from datetime import timedelta

import pytest

from payorch.domain.decline_terms import CustomerText
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.presentation.checkout.texts import DECLINE_TEXTS
from tests.presentation.checkout.fake_services import NOW, a_view, an_attempt, an_order

PAGE = "/orders/token-po_1"


@pytest.fixture
def show(client, fakes):
    """The page of an order in a given state."""

    def page(status, *attempts, last_result=None, url=PAGE, **order):
        fakes.orders.view = a_view(
            an_order(status=status, **order), *attempts, last_result=last_result
        )
        return client.get(url)

    return page


def test_paid_order_shows_a_receipt_with_the_last_four_digits_only(show):
    page = show(PaymentStatus.PAID, an_attempt(), merchant_reference="R-1").text

    assert "Thank you, your payment arrived" in page
    assert "€12.50" in page
    assert "Alpha Pay, Visa •••• 4242" in page
    assert "R-1" in page
    assert "424242" not in page
    assert "pay-form" not in page


@pytest.mark.parametrize("text", list(CustomerText))
def test_declined_order_says_what_to_do_and_offers_the_form_with_the_data_kept(show, text):
    page = show(
        PaymentStatus.FAILED,
        an_attempt(status=TransactionStatus.DECLINED, decline_reason="stolen"),
        last_result={"kind": "declined", "customer_text": text.value},
    ).text

    assert str(DECLINE_TEXTS[text].headline) in page
    assert "You were not charged." in page
    assert 'action="/checkout/token-po_1"' in page
    assert 'value="Ana Lopez"' in page
    assert "stolen" not in page


def test_decline_without_a_stored_text_reads_as_a_generic_one(show):
    page = show(PaymentStatus.FAILED, an_attempt(status=TransactionStatus.DECLINED)).text

    assert "The payment was declined" in page


@pytest.mark.parametrize("status", list(TransactionStatus))
def test_order_with_a_flag_never_says_that_the_customer_was_not_charged(show, status):
    page = show(
        PaymentStatus.FAILED,
        an_attempt(status=status),
        last_result={"kind": "declined", "customer_text": "generic_decline"},
        flag="surplus_charge",
    ).text

    assert "You were not charged" not in page
    assert "it is given back to you" in page
    assert "pay-form" in page


def test_payment_that_no_provider_took_is_told_so(show):
    page = show(
        PaymentStatus.FAILED,
        an_attempt(status=TransactionStatus.NOT_SENT, technical_reason="connect_timeout"),
        last_result={"kind": "not_charged", "customer_text": None},
    ).text

    assert "The payment did not go through" in page
    assert "connect_timeout" not in page


def test_abandoned_confirmation_can_be_tried_again(show):
    page = show(PaymentStatus.PENDING, an_attempt(status=TransactionStatus.ABANDONED)).text

    assert "The payment was not completed" in page
    assert "pay-form" in page


@pytest.mark.parametrize(
    "status",
    [
        TransactionStatus.UNKNOWN,
        TransactionStatus.STARTED,
        TransactionStatus.PENDING,
    ],
)
def test_open_payment_is_being_confirmed_and_cannot_be_paid_again(show, status):
    page = show(PaymentStatus.PROCESSING, an_attempt(status=status)).text

    assert "We are confirming your payment" in page
    assert "you will not be charged twice" in page
    assert 'http-equiv="refresh"' in page
    assert 'data-status-url="/orders/token-po_1/status.json"' in page
    assert "pay-form" not in page
    assert "declined" not in page


def test_waiting_provider_page_is_linked_again(show):
    page = show(
        PaymentStatus.PROCESSING,
        an_attempt(status=TransactionStatus.REQUIRES_ACTION, redirect_url="http://p.test/1"),
    ).text

    assert 'href="http://p.test/1"' in page


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        (PaymentStatus.EXPIRED, "This order has expired"),
        (PaymentStatus.CANCELLED, "This order was cancelled"),
    ],
)
def test_ended_order_has_no_form(show, status, headline):
    page = show(status).text

    assert headline in page
    assert "pay-form" not in page


def test_order_past_its_time_is_expired_even_before_it_is_marked(show):
    page = show(PaymentStatus.FAILED, expires_at=NOW - timedelta(seconds=1)).text

    assert "This order has expired" in page


def test_order_that_was_never_paid_shows_the_form(show):
    assert "This order is not paid yet" in show(PaymentStatus.PENDING).text


def test_links_end_after_thirty_days(show, fakes):
    show(PaymentStatus.PENDING)

    assert fakes.orders.asked_since == NOW - timedelta(days=30)


def test_unknown_link_is_a_404(client):
    assert client.get("/orders/nothing").status_code == 404
    assert client.get("/orders/nothing/return").status_code == 404


def test_status_changes_when_the_page_would(show):
    unknown = an_attempt(status=TransactionStatus.UNKNOWN)
    first = show(PaymentStatus.PROCESSING, unknown, url=f"{PAGE}/status.json").json
    same = show(PaymentStatus.PROCESSING, unknown, url=f"{PAGE}/status.json").json
    paid = show(PaymentStatus.PAID, an_attempt(), url=f"{PAGE}/status.json").json

    assert first == same
    assert first != paid


def test_return_asks_the_provider_and_ignores_what_the_address_says(show, fakes):
    answer = show(PaymentStatus.PROCESSING, url=f"{PAGE}/return?status=approved&payment=x")

    assert (answer.status_code, answer.location) == (303, PAGE)
    assert fakes.resolve.checked == ["po_1"]


def test_return_leads_to_the_order_even_if_nothing_can_be_asked(show, fakes):
    fakes.resolve.error = LedgerUnavailable("away")

    assert show(PaymentStatus.PROCESSING, url=f"{PAGE}/return").location == PAGE


def test_result_is_shown_in_the_browsers_language(client, fakes):
    fakes.orders.view = a_view(an_order(status=PaymentStatus.PAID), an_attempt())

    page = client.get(PAGE, headers={"Accept-Language": "es-AR,es;q=0.9"}).text

    assert "Gracias, hemos recibido tu pago" in page
    assert "12,50" in page
