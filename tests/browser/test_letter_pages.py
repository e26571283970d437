"""E-mails and work queues as staff see them, in Chromium."""

import pytest
from sqlalchemy import insert, update

from payorch.application.jobs import ALERT_STAFF
from payorch.infrastructure.persistence.tables import JobRow, NoticeRow, OrderRow
from tests.browser.live_server import serving
from tests.databases import open_database
from tests.notices.conftest import MailingShop
from tests.notices.test_letter_pages import a_dead_job
from tests.presentation.backoffice.office import PASSWORD, Office

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop(sqlite_files, running_sandbox):
    url = sqlite_files.new_database_url()
    office = Office(url)
    office.hire("olga")
    with open_database(url) as database, serving(office.app) as address:
        shop = MailingShop(database, sandbox_url=running_sandbox.base_url, methods=[])
        shop.address = address
        nasty = "<img src=x onerror=alert(1)><style>*{display:none}</style>" + "Words " * 20
        paid = shop.order(description=nasty)
        shop.pay(paid.id)
        shop.order_id = paid.id
        shop.drain_mail()
        shop.handle(ALERT_STAFF, {"alert": "orphan_money", "event": "evt_" + "1" * 80})
        shop.receipt, shop.alert = (notice["public_id"] for notice in shop.notices())
        shop.run(
            update(NoticeRow)
            .where(NoticeRow.public_id == shop.alert)
            .values(state="failed", error="The mail server said 550 " + "no such mailbox " * 8)
        )
        shop.run(update(OrderRow).values(flag="surplus_charge"))
        shop.run(insert(JobRow), **a_dead_job(shop.services.clock.now()))
        yield shop
    office.close()


@pytest.fixture
def page(browser_page, shop):
    browser_page.goto(f"{shop.address}/admin/login")
    browser_page.locator("[name=email]").fill("olga@example.org")
    browser_page.locator("[name=password]").fill(PASSWORD)
    browser_page.keyboard.press("Enter")
    browser_page.get_by_role("button", name="Log out").wait_for(state="attached")
    return browser_page


@pytest.mark.parametrize("path", ["attention/", "emails/", "emails/{receipt}", "emails/{alert}"])
@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (1360, "dark"), (360, "light")])
def test_page_keeps_to_its_policy_and_its_width(page, shop, path, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)

    page.goto(f"{shop.address}/admin/{path.format(receipt=shop.receipt, alert=shop.alert)}")
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_finance_gets_from_the_order_to_a_receipt_that_is_sent_again(page, shop):
    page.goto(f"{shop.address}/admin/orders/{shop.order_id}")

    page.get_by_role("link", name="Resend receipt").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Thank you, your payment arrived").wait_for()
    # What the customer typed is text there, too.
    frame.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
    page.get_by_label("Why?").fill("lost it")
    page.get_by_role("button", name="Send again").click()

    page.get_by_text("on its way again").wait_for()
    assert shop.receipt not in page.url


def test_the_menus_count_leads_to_the_queues_and_they_to_their_lists(page, shop):
    page.get_by_role("link", name="Needs attention").click()

    page.get_by_role("link", name="Flagged orders").click()

    page.get_by_role("link", name=shop.order_id).wait_for()
