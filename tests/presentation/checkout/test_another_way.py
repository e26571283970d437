"""The way out of a provider's page: cancelled there first, and only then another way is offered."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from payorch.config import Settings
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.factory import create_app, wired
from tests.presentation.checkout.conftest import GOOD_FORM, hidden_fields
from tests.presentation.checkout.fake_services import NOW, a_view, an_attempt, an_order
from tests.shop import a_method, seed
from tests.webhooks.challenge import press

BUTTON = "Cancel and choose another way"
CHALLENGE = "4200 0000 0000 0018"
APPROVED = "4242 4242 4242 4242"
T = TransactionStatus


class Customer:
    """A browser without scripts on the real application."""

    def __init__(self, shop, client=None):
        self.shop = shop
        self.client = client or shop.app.test_client()

    def pay(self, card, url="/checkout", **changes):
        fields = {**GOOD_FORM, **hidden_fields(self.client.get(url).text), "card_number": card}
        answer = self.client.post(url, data={**fields, **changes})
        assert answer.status_code == 303, answer.text
        return answer.location

    def leave(self, page):
        """Press the button on the order's page."""
        form = hidden_fields(self.client.get(page).text)
        return self.client.post(f"{page}/another-way", data=form)

    def read(self, page):
        return self.client.get(page).text


class RealShop:
    def __init__(self, url, sandbox_url):
        self.app = create_app(
            Settings(database_url=url, sandbox_url=sandbox_url, log_level="CRITICAL")
        )
        self.database = wired(self.app).database
        self.services = wired(self.app).services
        seed(self.database, [a_method("alpha", timeout_s=1.0), a_method("beta")])

    def order_and_page(self, payment):
        with self.database.read() as connection:
            order_id = connection.exec_driver_sql(
                "SELECT o.public_id FROM orders o JOIN transactions t ON t.order_id = o.id"
                f" WHERE t.public_id = '{payment['reference']}'"
            ).scalar_one()
        return order_id, f"/orders/{self.services.tokens.token_for(order_id)}"

    def order(self, order_id):
        view = self.services.orders.by_id(order_id)
        return view.order.status.value, [t.status.value for t in view.transactions]


@pytest.fixture
def shop(database_url, sandbox):
    shop = RealShop(database_url, sandbox.base_url)
    yield shop
    shop.database.engine.dispose()


@pytest.fixture
def at_the_bank(shop, sandbox):
    """(customer, order id, the order's page, the bank's page) after she pressed Pay."""
    customer = Customer(shop)
    bank_page = customer.pay(CHALLENGE)
    assert bank_page.startswith(sandbox.base_url)
    (payment,) = sandbox.ledger()["payments"]
    order_id, page = shop.order_and_page(payment)
    return customer, order_id, page, bank_page


def test_proved_cancelled_the_form_is_there_again_with_its_data(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank

    answer = customer.leave(page)

    assert (answer.status_code, answer.location) == (303, page)
    assert shop.order(order_id) == ("pending", ["abandoned"])
    assert [p["status"] for p in sandbox.ledger()["payments"]] == ["cancelled"]
    shown = customer.read(page)
    assert "You were not charged" in shown
    assert 'value="Ana Lopez"' in shown
    assert 'value="ana@example.com"' in shown
    assert BUTTON not in shown


def test_the_order_is_then_paid_another_way_and_charged_once(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank
    customer.leave(page)

    customer.pay(APPROVED, page.replace("/orders/", "/checkout/"), provider="beta")

    assert shop.order(order_id) == ("paid", ["abandoned", "approved"])
    assert sorted(p["status"] for p in sandbox.ledger()["payments"]) == ["approved", "cancelled"]


def test_approved_meanwhile_it_is_paid(at_the_bank, shop, sandbox):
    customer, order_id, page, bank_page = at_the_bank
    press("approve", bank_page)

    answer = customer.leave(page)

    assert answer.location == page
    assert shop.order(order_id) == ("paid", ["approved"])
    assert "Thank you, your payment arrived" in customer.read(page)
    assert [p["status"] for p in sandbox.ledger()["payments"]] == ["approved"]


def test_without_proof_no_other_way_is_offered(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank
    sandbox.start_outage("alpha", "not_processed_503", scope="all")

    answer = customer.leave(page)

    assert answer.location == f"{page}?asked=another-way"
    assert shop.order(order_id) == ("processing", ["requires_action"])
    shown = customer.read(answer.location)
    assert "This payment is not cancelled yet" in shown
    assert "pay-form" not in shown
    assert BUTTON in shown


def test_when_the_provider_is_back_the_next_press_succeeds(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank
    sandbox.start_outage("alpha", "not_processed_503", scope="all")
    customer.leave(page)
    sandbox.end_outages()

    customer.leave(page)

    assert shop.order(order_id) == ("pending", ["abandoned"])


def test_pressed_twice_the_second_press_finds_it_done(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank
    form = hidden_fields(customer.read(page))

    answers = [customer.client.post(f"{page}/another-way", data=form) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, page)] * 2
    assert shop.order(order_id) == ("pending", ["abandoned"])


def test_pressed_in_two_tabs_at_once_it_is_cancelled_once(at_the_bank, shop, sandbox):
    customer, order_id, page, _ = at_the_bank
    form = hidden_fields(customer.read(page))
    name = shop.app.config["SESSION_COOKIE_NAME"]
    cookie = customer.client.get_cookie(name)
    both, answers = Barrier(2), []

    def press_in_a_tab():
        client = shop.app.test_client()
        client.set_cookie(name, cookie.value)
        both.wait(timeout=30)
        answers.append(client.post(f"{page}/another-way", data=form))

    tabs = [Thread(target=press_in_a_tab) for _ in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(timeout=60)

    assert [answer.status_code for answer in answers] == [303, 303]
    assert shop.order(order_id) == ("pending", ["abandoned"])
    assert [p["status"] for p in sandbox.ledger()["payments"]] == ["cancelled"]


def test_what_was_cancelled_cannot_be_approved_any_more(at_the_bank, shop, sandbox):
    customer, order_id, page, bank_page = at_the_bank
    customer.leave(page)

    sent_back_to = press("approve", bank_page)

    assert "status=cancelled" in sent_back_to
    customer.read(f"{page}/return?status=success")
    assert shop.order(order_id) == ("pending", ["abandoned"])
    assert [p["status"] for p in sandbox.ledger()["payments"]] == ["cancelled"]


@pytest.fixture
def show(client, fakes):
    def page(status=PaymentStatus.PROCESSING, attempt=T.REQUIRES_ACTION, **changes):
        attempt = an_attempt(status=attempt, redirect_url=changes.pop("url", "http://p.test/1"))
        fakes.orders.view = a_view(an_order(status=status, **changes), attempt)
        return client.get("/orders/token-po_1").text

    return page


@pytest.fixture
def leave(client, show):
    """Press the button on a page that was opened before the order came to be as it is now."""

    def press_button(**state):
        token = hidden_fields(show())["csrf_token"]
        show(**state)
        return client.post("/orders/token-po_1/another-way", data={"csrf_token": token})

    return press_button


def test_it_is_offered_while_the_customer_has_to_act(show):
    assert BUTTON in show()
    assert BUTTON in show(url="javascript:alert(1)")


@pytest.mark.parametrize("attempt", [T.UNKNOWN, T.STARTED, T.PENDING])
def test_it_is_never_offered_while_nobody_knows(show, leave, fakes, attempt):
    assert BUTTON not in show(attempt=attempt)

    answer = leave(attempt=attempt)

    assert answer.location == "/orders/token-po_1?asked=another-way"
    assert fakes.resolve.cancelled == []


@pytest.mark.parametrize(
    "state",
    [
        {"status": PaymentStatus.PAID, "attempt": T.APPROVED},
        {"status": PaymentStatus.PENDING, "attempt": T.ABANDONED},
        {"status": PaymentStatus.FAILED, "attempt": T.DECLINED},
        {"status": PaymentStatus.CANCELLED, "attempt": T.DECLINED},
    ],
)
def test_a_payment_that_has_ended_is_left_alone(leave, fakes, state):
    assert leave(**state).location == "/orders/token-po_1"
    assert fakes.resolve.cancelled == []


def test_past_its_time_an_order_has_no_other_way(show):
    assert BUTTON not in show(expires_at=NOW - timedelta(seconds=1))


def test_a_forged_press_is_refused(client, show, fakes):
    show()

    assert client.post("/orders/token-po_1/another-way").status_code == 400
    assert fakes.resolve.cancelled == []


def test_a_database_that_is_away_is_shown_as_not_cancelled_yet(leave, fakes):
    fakes.resolve.error = LedgerUnavailable("away")

    assert leave().location == "/orders/token-po_1?asked=another-way"
    assert fakes.resolve.cancelled == ["po_1"]


def test_what_is_still_confirmed_says_when_another_way_is_offered(client, show):
    show(attempt=T.PENDING)

    page = client.get("/orders/token-po_1?asked=another-way").text

    assert "as soon as it is certain that this payment is not charged" in page
    assert not re.search("failed|declined", page)


def test_it_reads_in_spanish(client, show):
    show()

    page = client.get("/orders/token-po_1", headers={"Accept-Language": "es"}).text

    assert "Cancelar y elegir otra forma de pago" in page
