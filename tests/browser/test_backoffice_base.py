import pytest

from tests.browser.live_server import serving
from tests.presentation.backoffice.toy_site import STAFF_HEADER, toy_app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site():
    with serving(toy_app()) as address:
        yield address


@pytest.fixture
def page(browser_page):
    browser_page.set_extra_http_headers({STAFF_HEADER: "olga"})
    return browser_page


@pytest.mark.parametrize(
    "path",
    [
        "/admin/parcels/?color=red&since=2026-03-01T12:00",
        "/admin/stock/",
        "/admin/stock/?flt0_color_equals=red",
        "/admin/stock/details/?id=pc_003",
        "/admin/notes/",
    ],
)
@pytest.mark.parametrize("width", [1280, 360])
def test_page_keeps_to_its_policy_and_its_width(page, site, path, width):
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(site + path)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_flask_admins_filter_bar_works_without_inline_handlers(page, site):
    page.goto(f"{site}/admin/stock/")

    page.get_by_text("Add Filter").click()
    page.locator(".field-filters").get_by_text("Color").click()

    page.locator("table.filters tr").wait_for()
    page.get_by_role("link", name="List", exact=True).click()


def test_filter_is_set_and_removed_by_its_chip(page, site):
    page.goto(f"{site}/admin/parcels/")

    page.get_by_label("Color").select_option("blue")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("12 found").wait_for()

    page.get_by_role("link", name="Color: Blue").click()
    page.get_by_text("24 found").wait_for()


def test_dark_is_chosen_with_one_press_and_stays(page, site):
    page.goto(f"{site}/admin/parcels/")
    page.get_by_role("button", name="Dark").click()

    page.goto(f"{site}/admin/notes/")

    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"


def test_system_setting_decides_until_somebody_chooses(page, site):
    page.emulate_media(color_scheme="dark")

    page.goto(f"{site}/admin/parcels/")

    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_menu_opens_and_closes_by_keyboard_on_a_phone(page, site):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site}/admin/parcels/")
    button = page.get_by_role("button", name="Menu")
    assert page.get_by_role("link", name="Stock").is_hidden()

    button.press("Enter")
    page.get_by_role("link", name="Stock").focus()
    page.keyboard.press("Escape")

    assert button.get_attribute("aria-expanded") == "false"
    assert page.get_by_role("link", name="Stock").is_hidden()
