"""Circuits in Chromium: countdowns, an outage that starts while the page is open, a hold."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.circuit import CircuitSettings, Evidence
from payorch.domain.provider_fees import ProviderFee
from payorch.domain.shared_circuit import OpenedBecause
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.system_clock import SystemClock
from tests.browser.live_server import serving
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_method

pytestmark = pytest.mark.browser

FAILED = Evidence(12, 9, {"read_timeout": 7, "connection_refused": 2})
SIZES = [(1360, "light"), (1360, "dark"), (360, "light"), (360, "dark")]


@pytest.fixture
def office(sqlite_files):
    office = Office(
        sqlite_files.new_database_url(), methods=[a_method(code) for code in ("alpha", "beta")]
    )
    yield office
    office.close()


@pytest.fixture
def page(office, browser_page):
    """The page of Alpha as Olga sees it."""
    with serving(office.app, visitor=browser_page) as address:
        browser_page.goto(f"{address}/admin/providers/alpha")
        browser_page.fill("#email", office.hire("olga"))
        browser_page.fill("#password", PASSWORD)
        browser_page.click("main button[type=submit]")
        browser_page.wait_for_selector('[data-circuit="alpha"]')
        yield browser_page


def open_alpha(office, *, for_s=90.0):
    clock = SystemClock()
    circuits = SqlAlchemySharedCircuits(
        LedgerTransactions(office.database, clock), clock, CircuitSettings()
    )
    circuits.open(
        "alpha",
        because=OpenedBecause.FAILURES,
        evidence=FAILED,
        for_s=for_s,
        seen_by="web-7:4711",
    )


def seconds_left(page):
    minutes, seconds = re.match(
        r"(?:(\d+) min )?(\d+) s", page.text_content("[data-countdown]")
    ).groups()
    return int(minutes or 0) * 60 + int(seconds)


def show(page, path):
    page.goto(re.sub(r"/admin/.*", path, page.url))


def test_the_countdown_runs(office, page):
    open_alpha(office)
    page.reload()

    before = seconds_left(page)
    page.wait_for_function(
        "start => document.querySelector('[data-countdown]').textContent !== start",
        arg=page.text_content("[data-countdown]"),
    )

    assert seconds_left(page) < before


@pytest.mark.parametrize("path", ["/admin/providers/alpha", "/admin/providers/", "/admin/routing/"])
def test_an_outage_that_starts_while_the_page_is_open_appears_and_is_said(office, page, path):
    show(page, path)
    assert page.get_attribute('[data-circuit="alpha"]', "data-state") == "Closed"

    open_alpha(office)

    page.wait_for_selector('[data-circuit="alpha"][data-state="Open"]')
    assert page.text_content("[data-circuits]") == "Alpha: circuit Open."


def test_when_the_time_is_over_it_becomes_half_open_by_itself(office, page):
    open_alpha(office, for_s=3)
    page.reload()

    page.wait_for_selector('[data-circuit="alpha"][data-state="Half open"]')

    assert page.query_selector("[data-countdown]") is None


def test_a_person_holds_it_confirms_and_releases_it(office, page):
    page.click("text=Hold it open or closed")
    page.fill("#reason", "announced maintenance")
    page.click("text=See what it means")
    page.wait_for_selector("text=Nothing is sent to it")
    page.click("main form .btn-danger")
    page.wait_for_selector('[data-circuit="alpha"][data-state="Held open"]')
    assert 3500 < seconds_of_hold(office) <= 3900

    page.fill("#release-reason", "done")
    page.click("text=Release: the breaker decides again")

    page.wait_for_selector('[data-circuit="alpha"][data-state="Closed"]')


def seconds_of_hold(office):
    clock = SystemClock()
    transactions = LedgerTransactions(office.database, clock)
    circuits = SqlAlchemySharedCircuits(transactions, clock, CircuitSettings())
    return (circuits.circuit("alpha").hold.until - datetime.now(UTC)) / timedelta(seconds=1)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_every_page_fits_its_screen(office, page, width, scheme, tmp_path):
    open_alpha(office)
    contract = datetime(2026, 1, 1, tzinfo=UTC)
    fee = ProviderFee("alpha", "EUR", contract, 29_000, 30, 2)
    office.services.fees.add(fee, actor="olga", reason="contract", at=contract)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    widths = {}
    for name, path in (
        ("provider", "/admin/providers/alpha"),
        ("providers", "/admin/providers/"),
        ("board", "/admin/routing/"),
        ("hold", "/admin/circuits/alpha/hold"),
    ):
        show(page, path)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
        for summary in page.query_selector_all("#fees summary"):
            summary.click()
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    page.fill("#reason", "announced maintenance")
    page.click("text=See what it means")
    page.wait_for_selector("text=Nothing is sent to it")
    page.screenshot(path=tmp_path / "confirm.png", full_page=True)
    widths["confirm"] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(widths, width)


def test_without_scripts_a_reload_shows_the_time_that_is_left(office, browser):
    open_alpha(office)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with serving(office.app) as address:
        page.goto(f"{address}/admin/providers/alpha")
        page.fill("#email", office.hire("olga"))
        page.fill("#password", PASSWORD)
        page.click("main button[type=submit]")
        before = seconds_left(page)
        assert 60 < before <= 90

        page.wait_for_timeout(1100)
        page.reload()

        assert seconds_left(page) < before
    context.close()
