"""A passkey in Chromium, with a virtual authenticator: added, used, asked for, removed."""

import os
import socket
from pathlib import Path

import pytest

from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.presentation.backoffice.test_step_up import let_time_pass
from tests.shop import a_payment, an_order

pytestmark = pytest.mark.browser

SIZES = [(1360, "light"), (1360, "dark"), (360, "light"), (360, "dark")]
PICTURES = os.environ.get("PASSKEY_PICTURES")
"""A folder for pictures of each page, to look at."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def office(sqlite_files, sandbox, port):
    opened = Office(
        sqlite_files.new_database_url(),
        sandbox_url=sandbox.base_url,
        second_factor="required",
        # Browsers take passkeys for names only, and over http for this one.
        base_url=f"http://localhost:{port}",
    )
    yield opened
    opened.close()


@pytest.fixture
def page(office, browser_page, port):
    """Finn's browser, before the login."""
    office.hire("finn")
    with serving(office.app, port, visitor=browser_page):
        yield browser_page


@pytest.fixture
def device(page):
    """A phone's authenticator that says yes to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, made["authenticatorId"]


def look(page, name):
    """Each page fits each screen, bright and dark."""
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if PICTURES:
            path = Path(PICTURES) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
    page.set_viewport_size({"width": 1360, "height": 800})


def type_password(page, port, came_for="/admin/account/"):
    page.goto(f"http://localhost:{port}/admin/login?next={came_for}")
    page.fill("#email", "finn@example.org")
    page.fill("#password", PASSWORD)
    follow(page, "main [type=submit]")


def enrol(page, port):
    type_password(page, port)
    look(page, "enrol")
    page.fill("#passkey-name", "Laptop")
    with page.expect_navigation():
        page.get_by_role("button", name="Set up a passkey").click()
    assert page.locator("[data-recovery-codes] li").count() == 10
    follow(page, ".button-primary")


def log_out(page):
    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()


def test_a_passkey_is_added_used_asked_for_and_removed(office, page, page_problems, device, port):
    payment = a_payment(new_order=an_order(amount_minor=1999))
    order_id = office.services.pay_order.execute(payment).order_id
    enrol(page, port)
    page.get_by_role("cell", name="Laptop", exact=True).wait_for()
    look(page, "account")

    log_out(page)
    type_password(page, port, f"/admin/refunds/order/{order_id}")
    look(page, "code")
    # By keyboard: it is the first thing of the form.
    page.get_by_role("button", name="Use a passkey").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")

    page.fill("#reason", "Changed her mind")
    page.click("text=Go on")
    page.wait_for_selector("h1:has-text('Give €19.99 back?')")
    let_time_pass(office)
    page.click("button:has-text('Give €19.99 back')")
    page.wait_for_selector("h1:has-text('Is it you?')")
    look(page, "step-up")
    page_problems.forgive("403")
    with page.expect_navigation():
        page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("€19.99 was given back.").wait_for()

    page.goto(f"http://localhost:{port}/admin/account/")
    assert page.get_by_role("row", name="Laptop").get_by_text("never").count() == 0
    # The last one stays while a factor is required; a second device may come and the first go.
    with page.expect_navigation():
        page.get_by_role("button", name="Remove the passkey Laptop").click()
    page.get_by_text("set up another one first").wait_for()
    session, authenticator = device
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    with page.expect_navigation():
        page.get_by_role("button", name="Add a passkey").click()
    look(page, "add")
    page.fill("#passkey-name", "Key ring")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_text("The passkey is added.").wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Remove the passkey Laptop").click()

    page.get_by_text("your other second factors stay").wait_for()
    assert page.get_by_role("cell", name="Laptop", exact=True).count() == 0


def test_what_went_wrong_is_said_and_can_be_tried_again(page, device, port):
    enrol(page, port)
    log_out(page)
    type_password(page, port)
    session, authenticator = device
    session.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False}
    )

    button = page.get_by_role("button", name="Use a passkey")
    button.click()
    page.get_by_text("No passkey was used").wait_for()
    look(page, "refused")
    assert button.is_enabled()
    session.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True}
    )
    with page.expect_navigation():
        button.click()

    page.get_by_role("heading", name="My account").wait_for()


def test_a_browser_without_passkeys_says_so(page, port):
    page.add_init_script("delete window.PublicKeyCredential")

    type_password(page, port)

    page.get_by_text("This browser has no passkeys.").wait_for()
    assert page.get_by_role("button", name="Set up a passkey").is_disabled()
