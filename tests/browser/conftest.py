"""Debian's Chromium through Playwright; each page must stay within its security policy."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root, which containers and CI are
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OWN_HOSTS = {"127.0.0.1", "localhost"}
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.violatedDirective} blocked ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class PageProblems(list):
    """What went wrong on a page, as text: policy violations, errors, requests to other hosts.

    A test that expects a failing answer removes it with `forgive`.
    """

    def forgive(self, part):
        forgiven = [problem for problem in self if part in problem]
        assert forgiven, f"no problem mentions {part!r}: {list(self)}"
        self[:] = [problem for problem in self if part not in problem]


@pytest.fixture
def page_problems():
    return PageProblems()


@pytest.fixture
def browser_page(browser, page_problems):
    """A fresh page in a fresh profile. The test fails at its end if the page had problems."""
    context = browser.new_context()
    context.expose_function(
        "reportViolation", lambda text: page_problems.append(f"policy violation: {text}")
    )
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on(
        "console",
        lambda message: (
            page_problems.append(f"console {message.type}: {message.text}")
            if message.type in {"error", "warning"}
            else None
        ),
    )
    page.on("pageerror", lambda error: page_problems.append(f"script error: {error}"))
    page.on(
        "request",
        lambda request: (
            page_problems.append(f"request to another host: {request.url}")
            if urlsplit(request.url).hostname not in {*OWN_HOSTS, None}
            else None
        ),
    )
    yield page
    context.close()
    assert page_problems == []
