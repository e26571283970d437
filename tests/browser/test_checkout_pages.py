"""The customer's pages in a real browser: real application, real practice provider."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.demo_providers import publish_first_policy, seed_methods
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from tests.browser.live_server import serving
from tests.sandbox_process import free_port
from tests.shop import an_order

pytestmark = pytest.mark.browser

APPROVED = "4242 4242 4242 4242"
FIRST_PROVIDER_DECLINES = "4300 0000 0000 0017"
NOT_ENOUGH_MONEY = "4000 0000 0000 0515"
CHALLENGE = "4200 0000 0000 0018"
PENDING_THEN_APPROVED = "4200 0000 0000 0026"
SLOWLY_APPROVED = "4100 0000 0000 0167"


@pytest.fixture(scope="module")
def app(sqlite_files, running_sandbox):
    app = create_app(
        Settings(
            database_url=sqlite_files.new_database_url(),
            sandbox_url=running_sandbox.base_url,
            base_url=f"http://127.0.0.1:{free_port()}",
            max_submissions_per_hour=1000,
            log_level="ERROR",
        )
    )
    database, now = wired(app).database, datetime.now(UTC)
    seed_methods(SqlAlchemyPaymentMethodRepository(database), at=now)
    publish_first_policy(SqlAlchemyRoutingPolicyRepository(database), at=now)
    return app


@pytest.fixture(scope="module")
def shop(app):
    settings = app.extensions["payorch_settings"]
    port = int(settings.base_url.rsplit(":", 1)[1])
    with serving(app, port) as address:
        yield address


@pytest.fixture
def page(browser_page, sandbox, shop):
    browser_page.goto(f"{shop}/checkout?amount=12.50&description=Invoice+7")
    return browser_page


def fill_person(page):
    page.get_by_label("Your name").fill("Ana Lopez")
    page.get_by_label("E-mail").fill("ana@example.com")


def fill_card(page, number):
    page.get_by_label("Card number").press_sequentially(number.replace(" ", ""))
    page.get_by_label("Expiry date").press_sequentially("1234")
    page.get_by_label("Security code").fill("123")


def pay(page, number):
    fill_person(page)
    fill_card(page, number)
    page.locator("[data-pay-button]").click()


def heading(page, text):
    expect(page.get_by_role("heading", level=1)).to_contain_text(text, timeout=15_000)


def payments(sandbox):
    return [p for p in sandbox.ledger()["payments"] if p["status"] == "approved"]


def test_card_is_typed_with_spaces_and_brand_and_pays(page, sandbox):
    fill_person(page)
    fill_card(page, APPROVED)

    expect(page.get_by_label("Card number")).to_have_value(APPROVED)
    expect(page.get_by_label("Expiry date")).to_have_value("12/34")
    expect(page.locator("[data-card-brand]")).to_have_text("Visa")
    page.locator("[data-pay-button]").click()

    heading(page, "Thank you, your payment arrived")
    expect(page.get_by_text("Alpha Pay, Visa •••• 4242")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    assert [p["amount"] for p in payments(sandbox)] == [1250]


def test_next_provider_takes_over_unseen(page, sandbox):
    pay(page, FIRST_PROVIDER_DECLINES)

    heading(page, "Thank you")
    expect(page.get_by_text("Beta Payments")).to_be_visible()
    assert len(payments(sandbox)) == 1


def test_declined_customer_pays_again_with_only_the_card_to_type(page, sandbox):
    pay(page, NOT_ENOUGH_MONEY)
    heading(page, "There is not enough money on this card")
    order_url = page.url
    expect(page.get_by_label("Your name")).to_have_value("Ana Lopez")
    expect(page.get_by_label("Card number")).to_have_value("")

    fill_card(page, APPROVED)
    page.locator("[data-pay-button]").click()

    heading(page, "Thank you")
    assert page.url == order_url
    assert len(payments(sandbox)) == 1


def test_customer_confirms_on_the_providers_page_and_comes_back(page, sandbox):
    pay(page, CHALLENGE)

    page.wait_for_url(re.compile(re.escape(sandbox.base_url)))
    page.get_by_role("button", name="Approve").click()

    heading(page, "Thank you")


def test_customer_who_left_the_providers_page_finds_it_again(page, app, sandbox, shop):
    created = wired(app).services.create_order.execute(an_order(1250))
    page.goto(f"{shop}/checkout/{created.token}")
    pay(page, CHALLENGE)
    page.wait_for_url(re.compile(re.escape(sandbox.base_url)))

    page.goto(f"{shop}/orders/{created.token}")
    heading(page, "One step is left")
    page.get_by_role("link", name="Go on to confirm").click()
    page.get_by_role("button", name="Approve").click()

    heading(page, "Thank you")


def test_confirming_page_has_no_pay_button_and_shows_the_result_by_itself(page, app, sandbox):
    for account in ("alpha", "beta", "gamma"):
        sandbox.patch_profile(account, pending_settles_after_s=0)

    pay(page, PENDING_THEN_APPROVED)
    heading(page, "We are confirming your payment")
    expect(page.locator("#pay-form")).to_have_count(0)
    expect(page.get_by_text("you will not be charged twice")).to_be_visible()

    order_id = page.locator(".order-id").inner_text()
    wired(app).services.resolve.check_order_now(order_id)

    heading(page, "Thank you")


def test_double_press_charges_once(page, sandbox):
    fill_person(page)
    fill_card(page, SLOWLY_APPROVED)
    button = page.locator("[data-pay-button]")

    button.dblclick(no_wait_after=True)

    heading(page, "Thank you")
    assert len(payments(sandbox)) == 1


def test_options_follow_the_country_and_typed_fields_survive(page):
    fill_person(page)
    expect(page.get_by_role("button", name="Update options")).to_be_hidden()
    expect(page.get_by_label("Delta Wallet")).to_be_visible()

    page.get_by_label("Currency").select_option("USD")
    page.get_by_label("Country").select_option("BR")
    document = page.get_by_label("Number of the identity document")
    expect(document).to_be_visible()
    expect(page.get_by_label("Delta Wallet")).to_have_count(0)
    expect(page.locator("[data-options-status]")).to_have_text("2 ways to pay in Brazil.")
    document.fill("529")

    page.get_by_label("Country").select_option("DE")
    expect(document).to_have_count(0)
    page.get_by_label("Country").select_option("BR")

    expect(document).to_have_value("529")
    expect(page.get_by_label("Your name")).to_have_value("Ana Lopez")


def test_wallet_hides_the_card_fields_and_does_not_ask_for_them(page, sandbox):
    fill_person(page)
    page.get_by_label("Delta Wallet").check()
    expect(page.get_by_label("Card number")).to_be_hidden()

    page.locator("[data-pay-button]").click()

    page.wait_for_url(re.compile(re.escape(sandbox.base_url)))


def test_practice_card_is_filled_in_by_a_click(page):
    page.get_by_role("button", name=APPROVED).click()

    expect(page.get_by_label("Card number")).to_have_value(APPROVED)
    expect(page.locator("[data-pay-button]")).to_be_focused()


def test_server_error_puts_the_focus_on_the_first_wrong_field(page, page_problems):
    page.locator("#pay-form").evaluate("form => { form.noValidate = true; }")
    page.get_by_label("Your name").fill("Ana Lopez")
    page.locator("[data-pay-button]").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("Your name")).to_have_value("Ana Lopez")
    page_problems.forgive("422")


def test_enter_in_a_field_pays_instead_of_updating_options(page):
    fill_person(page)
    fill_card(page, APPROVED)

    page.get_by_label("E-mail").press("Enter")

    heading(page, "Thank you")


def test_language_is_switched_without_losing_the_form(page):
    fill_person(page)

    page.get_by_role("button", name="Español").click()

    expect(page.get_by_label("Tu nombre")).to_have_value("Ana Lopez")
    expect(page.locator("html")).to_have_attribute("lang", "es")


@pytest.mark.parametrize("number", [APPROVED, NOT_ENOUGH_MONEY, PENDING_THEN_APPROVED])
def test_pages_fit_a_narrow_phone(page, number):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    pay(page, number)
    page.wait_for_url(re.compile("/orders/"))

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_everything_works_without_scripts(browser, sandbox, shop):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/checkout?amount=12.50&currency=USD&description=Invoice+7")
    page.get_by_label("Country").select_option("BR")
    page.get_by_role("button", name="Update options").click()
    page.get_by_label("Beta LatAm").check()
    page.get_by_label("Type of identity document").fill("CPF")
    page.get_by_label("Number of the identity document").fill("529")

    pay(page, "4242424242424242")

    heading(page, "Thank you")
    expect(page.get_by_text("Beta LatAm")).to_be_visible()
    context.close()
