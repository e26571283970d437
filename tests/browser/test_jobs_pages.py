"""The pages of background jobs, as ops see and use them."""

import pytest

from payorch.application.jobs import NOTIFY_CUSTOMER, SEND_REFUND, SETTLE_TRANSACTION, NewJob
from payorch.factory import wired
from tests.browser.live_server import serving
from tests.presentation.backoffice.office import PASSWORD, Office

pytestmark = pytest.mark.browser

KINDS = ["settle_transaction", "send_refund", "notify_customer"]


@pytest.fixture
def office(sqlite_files):
    opened = Office(sqlite_files.new_database_url(), sandbox_url=None)
    yield opened
    opened.close()


@pytest.fixture
def page(office, browser_page):
    """Olga of ops, logged in, with jobs of every state: of two dead ones one has odd texts."""
    queue = wired(office.app).background.queue
    queue.enqueue(
        [
            NewJob(SEND_REFUND, {"refund": "re_1"}, dedup_key="refund:re_1", destination="alpha"),
            NewJob(SEND_REFUND, {"note": "<script>alert(1)</script>"}, destination="beta"),
            NewJob(NOTIFY_CUSTOMER, {"order": "po_1"}, dedup_key="notify:" + "k" * 150),
            NewJob(SETTLE_TRANSACTION, {"transaction": "pa_1"}),
        ]
    )
    dead, odd = queue.claim("refunds", kinds=KINDS, limit=2, lease_s=20)
    queue.bury(dead, error="The provider was away for six hours.")
    queue.bury(odd, error="<img src=x onerror=alert(1)>" + "very long " * 40)
    (letter,) = queue.claim("mail", kinds=KINDS, limit=1, lease_s=20)
    queue.complete(letter)
    email = office.hire("olga")
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/login?next=/admin/jobs/")
        browser_page.fill("input[name=email]", email)
        browser_page.fill("input[name=password]", PASSWORD)
        browser_page.click("[type=submit]")
        yield browser_page


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_their_window(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})

    for look_at in ("Background jobs", "Send refund"):
        if look_at == "Send refund":
            page.get_by_role("link", name="Send refund").first.click()
        page.get_by_role("heading", name=look_at).first.wait_for()
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, look_at


def test_a_dead_job_is_replayed_by_hand(page):
    page.get_by_role("link", name="Dead", exact=True).click()
    page.get_by_role("link", name="Send refund").last.click()
    page.locator("#replay-reason").fill("The provider is back.")

    page.get_by_role("button", name="Replay").click()

    page.get_by_text("The job runs again.").wait_for()
    assert page.get_by_role("link", name="Send refund").count() == 1
