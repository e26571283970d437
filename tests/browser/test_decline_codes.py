"""The decline codes in Chromium: no policy violation, no sideways scrolling, and a ruling made."""

import pytest

from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_method

pytestmark = pytest.mark.browser

SIZES = [(1360, "light"), (1360, "dark"), (360, "light"), (360, "dark")]


@pytest.fixture
def page(sqlite_files, browser_page):
    office = Office(sqlite_files.new_database_url(), methods=[a_method("alpha")])
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/decline-codes/")
        browser_page.fill("#email", office.hire("olga"))
        browser_page.fill("#password", PASSWORD)
        follow(browser_page, "main button[type=submit]")
        yield browser_page
    office.close()


@pytest.mark.parametrize(("width", "appearance"), SIZES)
def test_list_and_code_fit_the_screen(page, width, appearance):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=appearance)
    page.click("summary")
    assert page.evaluate("document.documentElement.scrollWidth") == width

    follow(page, 'a:has-text("visa 54"), a:has-text("any 54")')

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_ruling_is_made_and_taken_back(page):
    page.click("summary")
    follow(page, 'a:has-text("any 91")')
    page.select_option("#ruling-failover", "no")
    page.fill("#ruling-reason", "our acquirer asks us not to")
    follow(page, 'button:has-text("In force from the next order on")')
    assert "ruled" in page.inner_text("h1")

    page.click('summary:has-text("Take the ruling back")')
    page.fill("#withdraw-reason", "they changed their mind")
    follow(page, 'button:has-text("Take it back")')

    assert "ruled" not in page.inner_text("h1")
    assert "they changed their mind" in page.inner_text("main")
