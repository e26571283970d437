import re
from dataclasses import replace

import pytest

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.config import Settings
from payorch.domain.money import Money
from payorch.domain.payment_method import AmountLimits
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from tests.presentation.checkout.conftest import hidden_fields
from tests.presentation.checkout.fake_services import ALPHA, BETA, a_view, an_order

PAID = PaymentResult(OrderId("po_1"), ResultKind.PAID, attempts=1, provider_code="alpha")


@pytest.fixture(autouse=True)
def paid(fakes):
    fakes.pay_order.answer = PAID


def value_of(page, name):
    """What the field `name` of the page is filled with."""
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)[0]
    return re.search(r'value="([^"]*)"', tag)[1]


def test_start_page_leads_to_the_checkout(client):
    assert client.get("/").location == "/checkout"


def test_payment_link_fills_the_form(client):
    page = client.get("/checkout?amount=9.90&currency=usd&description=Tea&country=fr").text

    assert value_of(page, "amount") == "9.90"
    assert value_of(page, "description") == "Tea"
    assert '<option selected value="USD">' in page
    assert '<option selected value="FR">' in page


def test_page_is_not_indexed_and_has_no_inline_script_or_style(client):
    page = client.get("/checkout").text

    assert '<meta name="robots" content="noindex">' in page
    assert not re.search(r"<style|<script(?![^>]*src=)|\son[a-z]+=|\sstyle=", page)


def test_valid_form_pays_and_leads_to_the_order(send, fakes):
    answer = send()

    assert (answer.status_code, answer.location) == (303, "/orders/token-po_1")
    command = fakes.pay_order.commands[0]
    assert command.new_order.money == Money(1250, "EUR")
    assert command.instrument.number == "4242424242424242"
    assert command.instrument.holder == "Ana Lopez"
    assert command.customer.email == "ana@example.com"
    assert command.preferred_provider is None
    assert command.idempotency_key.startswith("checkout:")
    assert command.new_order.idempotency_key == command.idempotency_key


def test_chosen_provider_is_sent_as_the_preferred_one(send, fakes):
    send(provider="alpha")

    assert fakes.pay_order.commands[0].preferred_provider == "alpha"


def test_wallet_needs_no_card_even_if_one_was_typed(send, fakes):
    answer = send(provider="delta", card_number="1", card_expiry="", card_cvc="")

    assert answer.status_code == 303
    assert fakes.pay_order.commands[0].instrument is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("amount", "", "Enter the amount."),
        ("amount", "0", "The amount must be more than zero."),
        ("amount", "1.000,50", "Write the amount as a plain number"),
        ("amount", "99999999", "The largest amount is €1,000,000.00."),
        ("currency", "XAU", "Choose a currency."),
        ("description", " ", "Say what the payment is for"),
        ("name", " \t", "Enter your name."),
        ("name", "x" * 101, "At most 100 characters."),
        ("email", "ana@", "Write an e-mail address"),
        ("country", "XX", "Choose a country."),
        ("provider", "beta", "This option does not take such a payment."),
        ("card_number", "4242 4242 4242 4241", "This is not a card number."),
        ("card_expiry", "10/26", "This card has expired."),
        ("card_cvc", "12", "Enter the 3 digits"),
    ],
)
def test_field_error_is_shown_at_its_field_which_has_the_focus(send, fakes, field, value, message):
    answer = send(**{field: value})

    assert answer.status_code == 422
    assert fakes.pay_order.commands == []
    assert re.search(rf'id="{field}-error">{re.escape(message)}', answer.text)
    if field == "provider":  # the radio button that is chosen now is another one
        return
    tag = re.search(rf'<(?:input|select)[^>]*id="{field}"[^>]*>', answer.text)[0]
    assert "autofocus" in tag
    assert 'aria-invalid="true"' in tag
    assert f"{field}-error" in re.search(r'aria-describedby="([^"]*)"', tag)[1]


def test_after_an_error_only_number_and_code_have_to_be_typed_again(send):
    page = send(email="ana@", provider="alpha", card_holder="A. Lopez").text

    assert "4242" not in page.replace("4242 4242 4242 4242</button>", "").replace(
        'data-practice-card="4242 4242 4242 4242"', ""
    )
    assert 'value="123"' not in page
    kept = {"amount": "12.50", "name": "Ana Lopez", "email": "ana@", "card_expiry": "09/29"}
    assert {name: value_of(page, name) for name in kept} == kept
    assert value_of(page, "card_holder") == "A. Lopez"
    assert re.search(r'value="alpha"[^>]* checked', page)


def test_error_keeps_the_submit_key_as_nothing_was_sent_with_it(client, send):
    hidden = hidden_fields(client.get("/checkout").text)

    page = send(**hidden, email="ana@").text

    assert hidden_fields(page)["submit_key"] == hidden["submit_key"]


def test_forged_submit_key_is_replaced_and_nothing_is_paid(send, fakes):
    answer = send(submit_key="forged")

    assert answer.status_code == 422
    assert fakes.pay_order.commands == []
    assert hidden_fields(answer.text)["submit_key"] != "forged"


def test_form_without_its_csrf_token_is_shown_again_with_its_data(send, fakes):
    answer = send(csrf_token=None)

    assert answer.status_code == 400
    assert fakes.pay_order.commands == []
    assert value_of(answer.text, "name") == "Ana Lopez"


def test_submit_key_of_the_open_checkout_does_not_pay_an_order(client, send, fakes):
    fakes.orders.view = a_view()
    open_key = hidden_fields(client.get("/checkout").text)["submit_key"]

    answer = send("/checkout/token-po_1", submit_key=open_key)

    assert answer.status_code == 422
    assert fakes.pay_order.commands == []


def test_options_can_be_updated_without_a_script_and_nothing_is_lost(send, fakes):
    page = send(
        country="BR", update="1", extra_document_number="123", name="", card_number="x"
    ).text

    assert fakes.pay_order.commands == []
    assert "Beta Payments" in page
    assert "Delta Wallet" not in page
    assert value_of(page, "extra_document_number") == "123"
    assert "field-error" not in page


def test_extra_field_is_kept_while_no_option_needs_it(send):
    page = send(country="DE", update="1", extra_document_number="123").text

    assert '<input type="hidden" name="extra_document_number" value="123"' in page


def test_language_can_be_changed_without_losing_the_form(send, client):
    page = send(lang="es", name="Ana").text

    assert '<html lang="es">' in page
    assert value_of(page, "name") == "Ana"
    assert "¿Cómo quieres pagar?" in client.get("/checkout").text


def test_fields_of_the_chosen_provider_are_required(send, fakes):
    answer = send(country="BR", provider="beta")

    assert answer.status_code == 422
    assert 'id="extra_document_type-error"' in answer.text
    assert fakes.pay_order.commands == []


def test_best_available_goes_without_fields_that_another_provider_does_not_need(send, fakes):
    send(country="BR")

    assert fakes.pay_order.commands[0].customer.fields == {}


def test_best_available_asks_for_the_fields_when_nobody_goes_without(send, fakes):
    fakes.registry.methods = (BETA,)

    missing = send(country="BR")
    filled = send(country="BR", extra_document_type="CPF", extra_document_number="529")

    assert missing.status_code == 422
    assert filled.status_code == 303
    fields = {"document_type": "CPF", "document_number": "529"}
    assert fakes.pay_order.commands[0].customer.fields == fields


def test_no_way_to_pay_names_what_the_customer_can_change(client, fakes):
    limited = replace(ALPHA, amount_limits={"EUR": AmountLimits(min_minor=500)})
    fakes.registry.methods = (limited,)

    page = client.get("/checkout?amount=1").text

    assert "This amount is too small for any way to pay in Germany." in page


def test_options_part_follows_country_and_keeps_the_choice(client):
    part = client.get("/checkout/options?amount=10&currency=EUR&country=BR&provider=beta").text

    assert "<html" not in part
    assert 'data-summary="2 ways to pay in Brazil."' in part
    assert re.search(r'value="beta"[^>]* checked', part)
    assert 'name="extra_document_number"' in part


def test_options_part_answers_anything_that_is_typed(client):
    for query in ("", "?amount=x&currency=ZZZ&country=%00&provider=%22", "?amount=" + "9" * 400):
        assert client.get(f"/checkout/options{query}").status_code == 200


def test_order_checkout_shows_the_order_and_keeps_its_amount(send, client, fakes):
    fakes.orders.view = a_view()

    page = client.get("/checkout/token-po_1").text
    send("/checkout/token-po_1", amount="0.01", currency="JPY")

    assert "€12.50" in page
    assert 'name="amount"' not in page
    command = fakes.pay_order.commands[0]
    assert (command.order_id, command.new_order) == ("po_1", None)


def test_order_options_are_for_the_orders_amount(client, fakes):
    fakes.orders.view = a_view()

    part = client.get("/checkout/token-po_1/options?country=FR&amount=0.01").text

    assert 'data-summary="2 ways to pay in France."' in part


@pytest.mark.parametrize(
    "status",
    [
        PaymentStatus.PAID,
        PaymentStatus.PROCESSING,
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELLED,
    ],
)
def test_order_that_cannot_be_paid_leads_to_its_page(client, send, fakes, status):
    form = hidden_fields(client.get("/checkout").text)
    fakes.orders.view = a_view(an_order(status=status))

    shown = client.get("/checkout/token-po_1")
    sent = client.post("/checkout/token-po_1", data=form)

    assert shown.location == "/orders/token-po_1"
    assert (sent.status_code, sent.location) == (303, "/orders/token-po_1")
    assert fakes.pay_order.commands == []


def test_unknown_order_is_a_plain_404(client):
    assert client.get("/checkout/nothing").status_code == 404


def test_new_key_each_time_the_form_is_opened(client):
    first, second = (hidden_fields(client.get("/checkout").text) for _ in range(2))

    assert first["submit_key"] != second["submit_key"]


def test_customers_text_is_escaped_everywhere(send):
    page = send(name="<script>alert(1)</script>", email="{{7*7}}").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "{{7*7}}" in page


class TestWithoutTypedCards:
    @pytest.fixture
    def settings(self):
        return Settings(sandbox_url=None)

    def test_page_has_no_card_input_and_no_practice_numbers(self, client, fakes):
        fakes.registry.methods = ()

        page = client.get("/checkout").text

        assert "card_number" not in page
        assert "4242" not in page


@pytest.mark.parametrize(("lang", "name"), [("en", "Germany"), ("es", "Alemania")])
def test_every_country_can_be_chosen_in_the_pages_language_and_the_usual_one_is(client, lang, name):
    page = client.get(f"/checkout?country=DE&lang={lang}").text
    select = re.search(r'<select[^>]*name="country".*?</select>', page, re.DOTALL)[0]

    assert select.count("<option") > 240
    assert re.findall(r"<option selected[^>]*>([^<]*)", select) == [name]


def test_country_that_does_not_exist_is_not_written_into_the_page(client):
    page = client.get('/checkout?country=X"><b>').text
    select = re.search(r'<select[^>]*name="country".*?</select>', page, re.DOTALL)[0]

    assert "selected" not in select
    assert "<b>" not in select.lower()
