"""Setting up a second factor and logging in with it, in a browser."""

import base64
import re

import pytest

from payorch.domain.one_time_code import code_of, step_at
from payorch.infrastructure.system_clock import SystemClock
from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def office(sqlite_files):
    opened = Office(sqlite_files.new_database_url(), sandbox_url=None, second_factor="required")
    yield opened
    opened.close()


@pytest.fixture
def page(office, browser_page):
    """Ada of admin, whose password was right."""
    email = office.hire("ada")
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/login?next=/admin/account/")
        browser_page.fill("input[name=email]", email)
        browser_page.fill("input[name=password]", PASSWORD)
        follow(browser_page, "[type=submit]")
        yield browser_page


def code_now(page, *, steps=0):
    """As a phone says it that has read the page; one step later the clock may be before ours."""
    key = page.locator(".factor-key").inner_text().replace(" ", "")
    return code_of(base64.b32decode(key), step_at(SystemClock().now()) + steps)


def set_up(page):
    later = code_now(page, steps=1)
    page.fill("#code", code_now(page))
    follow(page, "[type=submit]")
    return later


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_their_window(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})

    picture = page.locator(".factor-picture")
    assert picture.evaluate("picture => picture.naturalWidth") > 100
    assert page.evaluate(OVERFLOW) <= 0
    set_up(page)
    assert page.locator("[data-recovery-codes] li").count() == 10
    assert page.evaluate(OVERFLOW) <= 0
    follow(page, ".button-primary")
    for path in ("/admin/account/", "/admin/staff/", "/admin/staff/ada@example.org"):
        page.goto(re.sub(r"/admin/.*", path, page.url))
        assert page.evaluate(OVERFLOW) <= 0, path


def test_a_person_sets_up_a_second_factor_and_logs_in_with_it(page, page_problems):
    later = set_up(page)
    follow(page, ".button-primary")
    page.get_by_text("this one", exact=True).wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()

    page.fill("input[name=email]", "ada@example.org")
    page.fill("input[name=password]", PASSWORD)
    follow(page, "[type=submit]")
    page.get_by_role("heading", name="Second factor").wait_for()
    page.fill("#code", later)
    follow(page, "[type=submit]")

    page.get_by_role("button", name="Log out").wait_for()
