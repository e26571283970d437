"""Every page of the back office and of the customers stays within its security policy (S10).

The pages come from the application's own list of addresses. `browser_page` fails at its end for a
violation, an error of a script or a request to another host.
"""

import pytest

from tests.browser.live_server import serving
from tests.presentation.every_request import every_request
from tests.presentation.populated_office import PopulatedOffice

pytestmark = pytest.mark.browser

NO_PAGE_OF_ITS_OWN = {"static", "admin.static", "orders.return_from_provider"}
"""Files, and a way that leads to the order's page."""


@pytest.fixture(scope="module")
def office(sqlite_files, running_sandbox):
    opened = PopulatedOffice(sqlite_files.new_database_url(), running_sandbox.base_url)
    yield opened
    opened.close()


def pages_of(office):
    """Addresses that answer with a page, with who may read it."""
    found = []
    for request in every_request(office.app, office.fill):
        if not request.is_safe or request.endpoint in NO_PAGE_OF_ITS_OWN:
            continue
        answer = office.reader_of(request).get(request.path)
        # Parts of pages come without a head, and are loaded by their page.
        is_whole = answer.data.lstrip().lower().startswith(b"<!doctype")
        if answer.status_code == 200 and is_whole:
            found.append(request)
        answer.close()
    return found


def session_of(office, request):
    cookie = office.reader_of(request).client.get_cookie("payorch")
    return None if cookie is None else cookie.value


@pytest.mark.parametrize("half", [0, 1])
def test_no_page_breaks_its_policy(office, browser_page, page_problems, half):
    pages = pages_of(office)
    assert len(pages) > 40
    missing = []
    browser_page.on("response", lambda it: missing.append(it.url) if it.status >= 400 else None)
    with serving(office.app, visitor=browser_page) as address:
        for request in pages[half::2]:
            context = browser_page.context
            context.clear_cookies()
            session = session_of(office, request)
            if session is not None:
                context.add_cookies([{"name": "payorch", "value": session, "url": address}])
            before = list(page_problems)
            answer = browser_page.goto(f"{address}{request.path}")
            browser_page.wait_for_load_state("networkidle")
            assert answer.status == 200, request
            assert page_problems == before, request
        paid = office.services.tokens.token_for(office.paid_order)
        assert browser_page.goto(f"{address}/orders/{paid}").status == 200
    assert missing == []
