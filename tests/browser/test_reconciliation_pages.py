"""Finance holds the books against a settlement report in Chromium, from the file to the reason."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Error

from payorch.factory import wired
from payorch.infrastructure.jobs import drain
from tests.browser.live_server import serving
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.settlements.report import a_line, a_report
from tests.shop import a_card, a_payment, an_order

pytestmark = pytest.mark.browser

DECLINED = "4000000000000515"
SIZES = [(1360, "light"), (1360, "dark"), (360, "light"), (360, "dark")]
PICTURES = os.environ.get("RECONCILIATION_PICTURES")
"""A folder for pictures of each page, to look at."""


@pytest.fixture
def office(sqlite_files, sandbox):
    office = Office(
        sqlite_files.new_database_url(), sandbox_url=sandbox.base_url, scheme_retry_caps=False
    )
    yield office
    office.close()


@pytest.fixture
def finance(office, browser_page):
    """The page of Finn's browser, at the list of reports."""
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/login?next=/admin/settlement-reports/")
        browser_page.fill("#email", office.hire("finn"))
        browser_page.fill("#password", PASSWORD)
        browser_page.click("main button[type=submit]")
        browser_page.get_by_role("heading", name="Upload a settlement report").wait_for()
        yield browser_page


def width_of(page):
    """Of the whole content; asked again when the page looks anew by itself meanwhile."""
    while True:
        try:
            return page.evaluate("document.documentElement.scrollWidth")
        except Error as error:
            if "context was destroyed" not in str(error):
                raise
            page.wait_for_load_state()


def look(page, name):
    """Each page fits each screen, bright and dark."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert width_of(page) <= width, (name, width)
        if PICTURES:
            path = Path(PICTURES) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
    page.set_viewport_size({"width": 1360, "height": 800})


def attempt(office, **fields):
    """A payment at alpha: the order's id and its last attempt."""
    payment = a_payment(new_order=an_order(), preferred_provider="alpha", **fields)
    order_id = office.services.pay_order.execute(payment).order_id
    return order_id, office.services.orders.by_id(order_id).last


def test_from_the_file_to_the_reason(office, finance, tmp_path):
    page = finance
    order_id, paid = attempt(office)
    _, failed = attempt(office, instrument=a_card(DECLINED))
    report = tmp_path / "alpha-2026-11.csv"
    report.write_bytes(
        a_report(
            a_line("", reference=paid.id, fee="0.52", gross="20.00"),
            a_line("", reference=failed.id),
            a_line("alpha_pay_of_another_shop_with_a_very_long_reference_0123456789"),
            a_line("alpha_payout_1", type="payout", gross="-58.98"),
        )
        + b"Total,4\n"
    )

    look(page, "reports-empty")
    page.locator("#upload-provider").select_option("alpha")
    page.get_by_label("CSV file in UTF-8").set_input_files(report)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("heading", name="What do the columns mean?").wait_for()
    look(page, "columns")
    page.get_by_role("button", name="Read the report").click()

    page.get_by_text("This page looks again every 3 seconds.").wait_for()
    look(page, "running")
    drain(wired(office.app).background, queues=["settlements"])
    # The page finds out by itself that it is done.
    page.get_by_role("heading", name="What came of it").wait_for()
    look(page, "report")
    page.get_by_role("link", name="3", exact=True).click()
    page.get_by_role("heading", name="Totals of this list").wait_for()
    look(page, "differences")

    page.get_by_role("link", name="Paid there, not here").last.click()
    page.get_by_role("heading", name="Both sides").wait_for()
    look(page, "difference")
    page.get_by_label("What was found and done?").fill("The provider corrects it tomorrow.")
    page.get_by_role("button", name="Resolved").click()
    page.get_by_text("It is resolved.").wait_for()
    look(page, "difference-resolved")

    page.goto(page.url.split("/admin/")[0] + f"/admin/orders/{order_id}")
    page.get_by_role("heading", name="Settled by the provider").wait_for()
    look(page, "order")
