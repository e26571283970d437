"""My account in Chromium: the password changed by keyboard, a passkey renamed; lists arranged."""

import pytest

from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from tests.browser.navigation import follow
from tests.browser.test_passkey_pages import (  # noqa: F401 - fixtures
    device,
    enrol,
    log_out,
    look,
    office,
    page,
    port,
)
from tests.presentation.backoffice.office import NOW, PASSWORD, QUICK_HASHER
from tests.presentation.backoffice.test_provider_events import store_event
from tests.presentation.backoffice.test_step_up import let_time_pass
from tests.shop import an_order

pytestmark = pytest.mark.browser

OTHER = "seven quiet owls at noon"


def typed(page, *texts):  # noqa: F811 - the fixture
    """Three passwords, from the field that has the focus on."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_password_is_changed_and_a_passkey_renamed(
    office,  # noqa: F811
    page,  # noqa: F811
    page_problems,
    device,  # noqa: F811
    port,  # noqa: F811
):
    enrol(page, port)
    let_time_pass(office)

    follow(page, "text=Change the password")
    page.wait_for_selector("h1:has-text('Is it you?')")
    page_problems.forgive("403")
    with page.expect_navigation():
        page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_selector("h1:has-text('Change your password')")
    look(page, "password")
    page.locator("#present_password").focus()
    typed(page, PASSWORD, "password1234", "password1234")
    assert page.evaluate("document.activeElement.id") == "new_password"
    look(page, "password-common")
    page.locator("#present_password").focus()
    typed(page, "not this one, sorry", OTHER, OTHER)
    assert page.evaluate("document.activeElement.id") == "present_password"
    look(page, "password-wrong")
    page_problems.forgive("422")
    typed(page, PASSWORD, OTHER, OTHER)
    page.get_by_text("Your password is changed.").wait_for()
    look(page, "account-changed")

    with page.expect_navigation():
        page.get_by_role("button", name="Rename the passkey Laptop").click()
    page.fill("#passkey-name", "   ")
    follow(page, "button:has-text('Rename')")
    look(page, "rename-refused")
    page_problems.forgive("422")
    page.fill("#passkey-name", "An old laptop of the office, third floor, near a printer")
    follow(page, "button:has-text('Rename')")
    page.get_by_text("The passkey has its new name.").wait_for()
    look(page, "account-renamed")

    log_out(page)
    page.fill("#email", "finn@example.org")
    page.fill("#password", OTHER)
    follow(page, "main [type=submit]")
    assert page.get_by_role("button", name="Use a passkey").is_enabled()


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "one",
    [
        ("provider-events", "provider=alpha", ["Told by", "Processed"]),
        ("jobs", "state=ready", ["Dedup key", "Finished"]),
        ("journal", "action=logged_in", ["Number", "Hash"]),
    ],
)
def test_a_list_of_records_is_arranged(
    office,  # noqa: F811
    page,  # noqa: F811
    port,  # noqa: F811
    one,
):
    name, query, more = one
    roles = StaffAccounts(office.database, QUICK_HASHER)
    roles.set_roles("finn@example.org", ["admin", "finance"], at=NOW)
    for number in range(3):
        store_event(office, number, note="The provider was asked: settled.")
    office.services.create_order.execute(an_order())
    enrol(page, port)

    page.goto(f"http://localhost:{port}/admin/{name}/?{query}")
    page.click("summary:has-text('Columns')")
    for label in more:
        page.get_by_label(label, exact=True).check()
    look(page, f"{name}-columns")
    follow(page, "button:has-text('Show these')")
    page.click("summary:has-text('Your views')")
    page.fill("#view-name", "My own")
    follow(page, "button:has-text('Save this view')")

    page.get_by_role("link", name="My own").wait_for()
    for label in more:
        page.get_by_role("columnheader", name=label, exact=True).wait_for()
    look(page, name)
