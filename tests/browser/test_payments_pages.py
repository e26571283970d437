import pytest

from payorch.domain.payment_status import PaymentStatus
from tests.browser.live_server import serving
from tests.presentation.backoffice.payments_site import (
    Payment,
    T,
    a_journal_entry,
    close,
    held,
    paid_after_fallback,
    payments_app,
    providers,
    store,
)
from tests.presentation.backoffice.toy_site import STAFF_HEADER

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(sqlite_files):
    app = payments_app(sqlite_files.new_database_url())
    store(app, *providers(), a_journal_entry())
    paid_after_fallback(1).save(app)
    held(2).save(app)
    Payment(
        3,
        status=PaymentStatus.PENDING,
        customer_name="<script>alert(1)</script>",
        description="A very long description of one thing " * 5,
        merchant_reference="R" * 120,
        flag="amount_mismatch",
    ).submitted().tried("alpha", T.ABANDONED, provider_reference="P" * 120).save(app)
    real_ids = Payment(
        4,
        public_id="po_k1rfav3d5pwsc0mab67ywajj6b",
        customer_email="rosa.schmidt-tanaka480@example.com",
        amount_minor=1_234_567,
    )
    real_ids.submitted().tried(
        "alpha",
        T.DECLINED,
        public_id="pa_vzr2cx3rk2jgmf3488kvz3w1ns",
        provider_reference="alpha_pay_6e5ce7bd13b5acd34072f970",
    ).save(app)
    with serving(app) as address:
        yield address
    close(app)


@pytest.fixture
def page(browser_page):
    browser_page.set_extra_http_headers({STAFF_HEADER: "olga"})
    return browser_page


@pytest.mark.parametrize(
    "path",
    [
        "/admin/orders/",
        "/admin/orders/?currency=EUR&at_least=1&flag=any",
        "/admin/orders/po_0001",
        "/admin/orders/po_0002",
        "/admin/orders/po_0003",
        "/admin/transactions/?provider=alpha",
        "/admin/journal/",
    ],
)
@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (1360, "dark"), (360, "light")])
def test_page_keeps_to_its_policy_and_its_width(page, site, path, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)

    page.goto(site + path)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("listed", ["orders", "transactions", "journal"])
def test_no_column_of_a_list_is_out_of_sight(page, site, listed, width):
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(f"{site}/admin/{listed}/")

    frame = page.locator(".list-frame").first
    assert frame.evaluate("(frame) => frame.scrollWidth - frame.clientWidth") <= 0


@pytest.mark.parametrize("width", [1280, 1360, 1920])
def test_ids_of_an_order_stay_in_one_line(page, site, width):
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(f"{site}/admin/orders/po_k1rfav3d5pwsc0mab67ywajj6b")

    heights = page.locator(".copyable code").evaluate_all(
        "(codes) => codes.map((code) => code.offsetHeight)"
    )
    assert len(heights) >= 4
    assert max(heights) < 2 * min(heights)


def test_finance_finds_an_order_by_the_providers_reference_and_opens_it(page, site):
    page.goto(f"{site}/admin/transactions/")

    page.get_by_label("Search").fill("beta_pay_1_2")
    page.get_by_label("Search").press("Enter")
    page.get_by_role("link", name="po_0001").click()

    page.get_by_text("then Beta Pay approved it: the order is paid.").wait_for()
    page.get_by_role("heading", name="€19.99").wait_for()


def test_reference_is_copied_with_one_press_and_announced(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/admin/orders/po_0001")

    page.get_by_role("button", name="Copy the order id").click()

    page.get_by_role("status").get_by_text("Copied po_0001").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == "po_0001"


def test_list_can_be_filtered_by_keyboard_alone(page, site):
    page.goto(f"{site}/admin/orders/")

    page.locator("#filter-status").focus()
    page.keyboard.type("Conf")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.get_by_text("1 found").wait_for()
