"""Staff work at orders in Chromium: a review by two people, checks, flags, notes, cancelling."""

import os
from pathlib import Path

import pytest

from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.settlement import FLAG_CONTRADICTION
from payorch.infrastructure.persistence.attempt_statements import flag_order
from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_card, a_method, a_payment, an_order

pytestmark = pytest.mark.browser

CHARGED_WITHOUT_ANSWER = "4100000000000027"
SIZES = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
PICTURES = os.environ.get("ORDER_PICTURES")
"""A folder for pictures of each page, to look at."""


@pytest.fixture
def office(sqlite_files, sandbox):
    silent = a_method("alpha", capabilities=Capabilities(), timeout_s=0.3)
    office = Office(sqlite_files.new_database_url(), sandbox_url=sandbox.base_url, methods=[silent])
    yield office
    office.close()


@pytest.fixture
def site(office, browser_page):
    with serving(office.app, visitor=browser_page) as address:
        yield address


def log_in(page, site, email):
    page.context.clear_cookies()
    page.goto(f"{site}/admin/orders/")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("text=found")


def look(page, name):
    """Each page fits each screen, bright and dark."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if PICTURES:
            path = Path(PICTURES) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_two_people_settle_a_payment_that_nobody_can_prove(office, site, browser_page):
    page = browser_page
    finn, ada = office.hire("finn"), office.hire("ada")
    payment = a_payment(new_order=an_order(), instrument=a_card(CHARGED_WITHOUT_ANSWER))
    order_id = office.services.pay_order.execute(payment).order_id
    office.let_go()

    log_in(page, site, finn)
    page.goto(f"{site}/admin/orders/{order_id}")
    look(page, "order-open")
    follow(page, "a:has-text('Check now')")
    look(page, "check")
    page.fill("#reason", "The customer called")
    page.click("main button:has-text('Check now')")
    page.wait_for_selector("text=two people of the staff have to conclude it")
    look(page, "order-in-review")

    page.goto(f"{site}/admin/attention/")
    look(page, "attention")
    follow(page, "a:has-text('Payments to review')")
    look(page, "reviews")
    follow(page, ".list-table a >> nth=0")
    look(page, "review-to-propose")
    page.check("#not-charged")
    page.fill("#evidence", "Not on the statement of 24 November, page 3.")
    page.click("text=Propose it")
    page.wait_for_selector("text=This is your own proposal")
    look(page, "review-own")
    review = page.url

    log_in(page, site, ada)
    page.goto(review)
    look(page, "review-to-decide")
    page.check("#approve")
    page.fill("#reason", "I see the same on the statement")
    page.click("text=Go on")
    page.wait_for_selector("h1:has-text('Approve “not charged”?')")
    look(page, "review-confirm")
    assert office.services.orders.by_id(order_id).order.status is PaymentStatus.PROCESSING
    page.click("main button:has-text('Approve')")
    page.wait_for_selector("text=You approved the proposal.")
    look(page, "review-settled")

    assert office.services.orders.by_id(order_id).order.status is PaymentStatus.FAILED
    page.goto(f"{site}/admin/orders/{order_id}")
    page.wait_for_selector(f"text=approved the proposal “not charged” of {finn}")
    look(page, "order-reviewed")
    page.goto(f"{site}/admin/journal/")
    look(page, "journal")
    page.click(".changes summary >> nth=0")
    look(page, "journal-unfolded")


def test_finance_notes_deals_with_a_flag_and_cancels(office, site, browser_page):
    page = browser_page
    log_in(page, site, office.hire("finn"))
    order_id = office.services.create_order.execute(an_order()).order.id
    paid = office.services.pay_order.execute(a_payment(new_order=an_order())).order_id
    transaction = office.services.orders.by_id(paid).transactions[0].id
    with office.database.tx() as connection:
        connection.execute(flag_order, {"transaction": transaction, "new_flag": FLAG_CONTRADICTION})

    page.goto(f"{site}/admin/orders/{paid}")
    look(page, "order-flagged")
    follow(page, "text=Mark as dealt with")
    look(page, "flag")
    page.fill("#reason", "The provider has corrected it")
    page.click("main button:has-text('Dealt with')")
    page.wait_for_selector("text=the order is off the queue")
    look(page, "order-flag-dealt-with")
    page.click("text=Take it up again")
    page.fill("#reason", "It was another order")
    page.click("main button:has-text('Take it up again')")
    page.wait_for_selector("text=on the queue again")

    page.goto(f"{site}/admin/orders/{order_id}")
    follow(page, "text=Add a note")
    look(page, "note")
    page.fill("#reason", "Ana called: she does not want the books any more.")
    page.click("text=Save the note")
    page.wait_for_selector("text=The note is saved.")
    follow(page, "text=Cancel the order")
    look(page, "cancel")
    page.fill("#reason", "The customer called")
    page.click("text=Cancel the order for good")
    page.wait_for_selector("text=The order is cancelled.")
    look(page, "order-cancelled")
    follow(page, "text=Journal entries")
    look(page, "entries")
    assert office.services.orders.by_id(order_id).order.status is PaymentStatus.CANCELLED

    page.goto(f"{site}/admin/orders/")
    look(page, "orders")
    frame = page.locator(".list-frame").first
    assert frame.evaluate("(frame) => frame.scrollWidth - frame.clientWidth") <= 0
    page.goto(f"{site}/admin/transactions/")
    look(page, "transactions")


def test_what_payorch_switched_off_and_what_went_back_is_seen(office, site, browser_page):
    page = browser_page
    log_in(page, site, office.hire("finn"))
    paid = office.services.pay_order.execute(a_payment(new_order=an_order())).order_id
    office.services.change_method.set_enabled(
        "alpha",
        is_enabled=False,
        actor="system",
        reason="The provider refused our credentials (401 or 403).",
    )

    page.goto(f"{site}/admin/attention/")
    page.wait_for_selector("text=The provider refused our credentials")
    look(page, "attention-switched-off")
    page.click(".work-queue-items a")
    page.wait_for_selector("h1:has-text('Alpha')")
    follow(page, "text=Journal entries")
    page.wait_for_selector("text=disabled Alpha")
    look(page, "provider-entries")
    page.goto(f"{site}/orders/{office.services.tokens.token_for(paid)}")
    page.wait_for_selector("text=Thank you, your payment arrived")
