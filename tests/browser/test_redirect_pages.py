"""The bank's page in a real browser: leave and approve, refuse, fake, close, come back twice."""

import re

import pytest
from playwright.sync_api import expect

from payorch.factory import wired
from tests.browser.test_checkout_pages import CHALLENGE, pay
from tests.webhooks.live_shop import live_shop, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def live(sqlite_files, running_sandbox):
    running_sandbox.reset()
    with live_shop(sqlite_files.new_database_url(), running_sandbox, with_events=False) as shop:
        yield shop


@pytest.fixture
def told(live, sandbox):
    """The same shop, told by the provider what happens."""
    sandbox.patch_profile("alpha", webhook_url=f"{live.url}/webhooks/alpha")
    yield live
    sandbox.patch_profile("alpha", webhook_url="")


@pytest.fixture
def at_the_bank(browser_page, sandbox, live):
    """A customer's page at the provider, after she pressed "Pay"."""
    browser_page.goto(f"{live.url}/checkout?amount=12.50&description=Invoice+7")
    pay(browser_page, CHALLENGE)
    browser_page.wait_for_url(re.compile(re.escape(sandbox.base_url)))
    return browser_page


def heading(page, text):
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def captured(sandbox):
    return [p["status"] for p in sandbox.ledger()["payments"]].count("approved")


def test_approve_and_come_back(at_the_bank, sandbox):
    at_the_bank.get_by_role("button", name="Approve").click()

    heading(at_the_bank, "Thank you")
    assert captured(sandbox) == 1


def test_refuse_and_come_back_to_try_again(at_the_bank, sandbox):
    at_the_bank.get_by_role("button", name="Decline").click()

    at_the_bank.wait_for_url(re.compile("/orders/"))
    expect(at_the_bank.locator("#pay-form")).to_be_visible()
    assert captured(sandbox) == 0


def test_a_faked_success_is_not_believed(at_the_bank, live, sandbox):
    at_the_bank.get_by_role("link", name="Come back with a faked success").click()

    at_the_bank.wait_for_url(re.compile(re.escape(live.url)))
    heading(at_the_bank, "One step is left")
    assert "status=success" not in at_the_bank.url
    assert captured(sandbox) == 0


def test_leaving_without_a_decision_leaves_the_order_open(at_the_bank):
    at_the_bank.get_by_role("link", name="Leave without deciding").click()

    heading(at_the_bank, "One step is left")
    at_the_bank.get_by_role("link", name="Go on to confirm").click()
    at_the_bank.get_by_role("button", name="Approve").click()
    heading(at_the_bank, "Thank you")


def test_coming_back_twice_shows_the_same_receipt(at_the_bank, live, sandbox):
    at_the_bank.get_by_role("button", name="Approve").click()
    heading(at_the_bank, "Thank you")
    order_page = at_the_bank.url

    at_the_bank.goto(f"{order_page}/return?status=failed")
    heading(at_the_bank, "Thank you")
    at_the_bank.goto(f"{order_page}/return?status=success")

    heading(at_the_bank, "Thank you")
    assert captured(sandbox) == 1


def test_a_page_that_waits_shows_the_result_when_the_event_comes(
    at_the_bank, told, browser, sandbox
):
    """She approves in the bank's app and closes its page; the shop's page finds out by itself."""
    bank_page = at_the_bank.url
    at_the_bank.get_by_role("link", name="Leave without deciding").click()
    heading(at_the_bank, "One step is left")
    at_her_phone = browser.new_page()
    # The phone never comes back to the shop.
    at_her_phone.route(f"{told.url}/**", lambda route: route.abort())
    at_her_phone.goto(bank_page)
    at_her_phone.get_by_role("button", name="Approve").click()
    at_her_phone.close()

    expect(at_the_bank.get_by_role("heading", level=1)).to_contain_text("Thank you", timeout=45_000)
    assert captured(sandbox) == 1


def test_a_closed_tab_is_settled_by_the_event(at_the_bank, told, sandbox):
    at_the_bank.route(f"{told.url}/**", lambda route: route.abort())
    at_the_bank.get_by_role("button", name="Approve").click(no_wait_after=True)
    (payment,) = sandbox.ledger()["payments"]
    reader = wired(told.app).services.orders

    def paid_orders():
        with told.database.read() as connection:
            found = connection.exec_driver_sql(
                "SELECT o.public_id FROM orders o JOIN transactions t ON t.order_id = o.id"
                " WHERE t.public_id = ?",
                (payment["reference"],),
            ).scalar_one()
        return reader.by_id(found).order.status.value

    wait_until(lambda: paid_orders() == "paid", paid_orders)
    assert captured(sandbox) == 1
