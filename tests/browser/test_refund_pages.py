"""Finance gives money back in Chromium: form, confirmation, result, and the customer's page."""

import os
from pathlib import Path

import pytest

from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_payment, an_order

pytestmark = pytest.mark.browser

SIZES = [(1360, "light"), (1360, "dark"), (360, "light"), (360, "dark")]
PICTURES = os.environ.get("REFUND_PICTURES")
"""A folder for pictures of each page, to look at."""


@pytest.fixture
def office(sqlite_files, sandbox):
    office = Office(sqlite_files.new_database_url(), sandbox_url=sandbox.base_url)
    yield office
    office.close()


@pytest.fixture
def finance(office, browser_page):
    """The page of Finn's browser, and the site's address."""
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/orders/")
        browser_page.fill("#email", office.hire("finn"))
        browser_page.fill("#password", PASSWORD)
        browser_page.click("main button[type=submit]")
        browser_page.wait_for_selector("text=found")
        yield browser_page, address


def paid_order(office, amount_minor=1999):
    payment = a_payment(new_order=an_order(amount_minor=amount_minor))
    return office.services.pay_order.execute(payment).order_id


def look(page, name):
    """Each page fits each screen, bright and dark."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if PICTURES:
            path = Path(PICTURES) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
    page.set_viewport_size({"width": 1360, "height": 800})


def test_finance_gives_a_part_and_then_the_rest_back(office, finance):
    page, address = finance
    order_id = paid_order(office)

    page.goto(f"{address}/admin/orders/{order_id}")
    look(page, "order-before")
    follow(page, "text=Refund or void")
    look(page, "form")
    page.check("#in-part")
    page.fill("#amount", "5.00")
    page.fill("#reason", "One of the two books came back")
    page.click("text=Go on")
    page.wait_for_selector("h1:has-text('Give €5.00 back?')")
    look(page, "confirm")
    page.click("button:has-text('Give €5.00 back')")
    page.wait_for_selector("text=€5.00 was given back.")
    look(page, "order-after-part")

    page.goto(f"{address}/orders/{office.services.tokens.token_for(order_id)}")
    page.wait_for_selector("text=€5.00 of it was refunded.")
    look(page, "customer-part")

    page.goto(f"{address}/admin/refunds/order/{order_id}")
    page.fill("#reason", "The other one as well")
    page.click("text=Go on")
    page.click("button:has-text('Give €14.99 back')")
    page.wait_for_selector("text=€14.99 was given back.")
    assert page.query_selector("text=Refund or void") is None
    refunds = office.services.refunds.of_order(order_id)
    assert [refund.money.amount_minor for refund in refunds] == [500, 1499]

    page.goto(f"{address}/admin/refunds/")
    look(page, "list")


def test_going_back_and_pressing_again_gives_back_once(office, finance):
    page, address = finance
    order_id = paid_order(office)
    page.goto(f"{address}/admin/refunds/order/{order_id}")
    page.check("#in-part")
    page.fill("#amount", "5")
    page.fill("#reason", "Once")
    page.click("text=Go on")
    page.wait_for_selector("h1:has-text('Give €5.00 back?')")
    form = page.content()

    page.click("button:has-text('Give €5.00 back')")
    page.wait_for_selector("text=€5.00 was given back.")
    # As "back" shows it: the same form with the same key.
    page.set_content(form.replace('action="', f'action="{address}'))
    page.click("button:has-text('Give €5.00 back')")
    page.wait_for_selector("text=Can still be refunded")

    assert len(office.services.refunds.of_order(order_id)) == 1


def test_a_problem_with_the_form_keeps_what_was_typed(office, finance, page_problems):
    page, address = finance
    order_id = paid_order(office)
    page.goto(f"{address}/admin/refunds/order/{order_id}")
    page.check("#in-part")
    page.fill("#amount", "25")
    page.fill("#reason", "Too much")
    page.click("text=Go on")

    page.wait_for_selector("text=At most €19.99 can be given back.")
    page_problems.forgive("422")
    assert page.is_checked("#in-part")
    assert page.input_value("#amount") == "25"
    assert page.input_value("#reason") == "Too much"
    look(page, "problem")


def test_a_refused_refund_is_retried(office, finance, sandbox):
    page, address = finance
    order_id = paid_order(office)
    sandbox.patch_profile("alpha", refund_faults={"refused_402": 1})
    page.goto(f"{address}/admin/refunds/order/{order_id}")
    page.fill("#reason", "All of it")
    page.click("text=Go on")
    page.click("button:has-text('Give €19.99 back')")
    page.wait_for_selector("text=The provider refused (void refused).")
    look(page, "order-refused")
    sandbox.patch_profile("alpha", refund_faults=None)

    follow(page, "a:has-text('Retry')")
    look(page, "retry")
    page.fill("#reason", "The bank agreed")
    page.click("button:has-text('Retry')")
    page.wait_for_selector("text=€19.99 was given back.")

    (refund,) = office.services.refunds.of_order(order_id)
    assert refund.status == "succeeded"
