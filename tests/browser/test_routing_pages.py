"""Rules, explanations and history in Chromium: by keyboard, without scripts, on a phone."""

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.domain.routing_policy import PolicyEntry
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_method

pytestmark = pytest.mark.browser

CODES = ["alpha", "beta", "gamma"]
BRAZIL = RoutingRule(
    "Brazil", RuleConditions(countries=frozenset({"BR"})), (PolicyEntry("beta", 1),)
)
PAGES = [
    "routing/",
    "routing/rules/",
    "routing/rules/edit?rule=Brazil",
    "routing/explain/?amount=25.00&currency=EUR&country=BR&method=card&brand=visa&bin=424242",
    "routing/history/",
]


@pytest.fixture
def office(sqlite_files):
    office = Office(sqlite_files.new_database_url(), methods=[a_method(code) for code in CODES])
    yield office
    office.close()


def log_in(page, office, address):
    page.goto(f"{address}/admin/routing/")
    page.fill("#email", office.hire("olga"))
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("[data-board-row]")


@pytest.fixture
def page(office, browser_page):
    """Olga's, on the board; `page.address` is that of the back office."""
    with serving(office.app, visitor=browser_page) as address:
        log_in(browser_page, office, address)
        browser_page.address = f"{address}/admin/"
        yield browser_page


def rules(office):
    return office.services.registry.configuration().policy.rules


def publish(office, *published):
    office.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=tuple(PolicyEntry(code, tier) for tier, code in enumerate(CODES, start=1)),
            rules=published,
            based_on_version=1,
            actor="ana@example.org",
            reason="A rule for Brazil",
        )
    )


def tab_to(page, target):
    """Presses Tab until the focus is on `target`, a selector."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("target => document.activeElement.matches(target)", target):
            return
    pytest.fail(f"{target} cannot be reached by the keyboard")


def test_a_rule_is_written_and_published_by_keyboard_alone(office, page):
    page.goto(page.address + "routing/rules/")
    tab_to(page, 'main a[href$="/rules/edit"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/edit")
    for field, text in (("#name", "Brazil"), ("#countries", "br"), ("#tier-beta", "1")):
        tab_to(page, field)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice-success")
    tab_to(page, 'a[href$="#pending-title"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-handle]:visible")
    tab_to(page, "#reason")
    page.keyboard.type("Cheaper there")
    tab_to(page, "#publish")
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice-success")

    assert rules(office) == (BRAZIL,)


def test_a_typed_exploration_share_is_previewed_and_can_be_published_at_once(office, page):
    page.fill("#exploration", "2.5")
    page.press("#exploration", "Tab")
    page.wait_for_selector('[data-pending="1"]')
    assert "Exploration: 0% → 2.5% of orders" in page.text_content(".pending .changes")

    page.fill("#reason", "To compare them")
    page.fill("#exploration", "3")
    page.click("#publish")
    page.wait_for_selector(".notice-success")

    assert office.services.registry.configuration().policy.exploration_share == 0.03


def test_a_draft_is_there_again_after_a_new_login_and_can_be_discarded(office, page):
    page.click("#up-gamma")
    page.wait_for_selector('[data-pending="2"]')
    page.context.clear_cookies()
    log_in(page, office, page.address.removesuffix("/admin/"))

    assert page.get_attribute("[data-pending]", "data-pending") == "2"
    page.click("#discard")
    page.wait_for_selector(".notice-success")
    assert page.get_attribute("[data-pending]", "data-pending") == "0"


def test_no_page_is_wider_than_a_small_phone_or_breaks_its_policy(office, page):
    publish(office, BRAZIL)
    page.set_viewport_size({"width": 360, "height": 740})

    widths = {}
    for path in PAGES:
        page.goto(page.address + path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(PAGES, 360)


def test_rules_are_edited_moved_and_published_without_scripts(office, browser):
    publish(office, BRAZIL)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with serving(office.app) as address:
        log_in(page, office, address)
        page.click("nav.tabs >> text=Rules")
        page.click("text=Add a rule")
        page.fill("#name", "Visa")
        page.check("#brand-visa")
        page.fill("#tier-gamma", "1")
        page.check("#then-nobody")
        page.click("text=Save in my draft")
        page.click("[aria-label='Move Visa up']")
        page.click("a:has-text('Edit') >> nth=1")
        page.fill("#countries", "BR AR")
        page.click("text=Save in my draft")
        page.click("text=Preview and publish")
        page.fill("#reason", "By hand")
        follow(page, "#publish")
        assert "Version 3 is in force" in page.text_content("main")
        page.click("nav.tabs >> text=History")
        page.click("#version-2 summary:has-text('Roll back')")
        page.fill("#restore-2", "It was right")
        follow(page, "text=Roll back to version 2")
        assert "version 2 over again" in page.text_content("main")
    context.close()

    assert rules(office) == (BRAZIL,)
    assert [rule.name for rule in office.services.policies.version(3).policy.rules] == [
        "Visa",
        "Brazil",
    ]
