"""How the demo's customers read pages and fill in forms."""

from collections import Counter
from random import Random

import pytest

from payorch.cli.browser import BrowsingError, Form, Page
from payorch.cli.demo_run import status_line
from payorch.cli.traffic import amount_text, choice_of, draw_wishes, fields_of, kind_of
from payorch.infrastructure.demo_shop import DemoOrder, draw_order

SITE = "http://localhost:4321"


def _page(text: str = "", *, url: str = f"{SITE}/orders/t", status: int = 200) -> Page:
    return Page(url, status, text, ())


def _order(amount_minor: int, currency: str) -> DemoOrder:
    return DemoOrder(amount_minor, currency, "DE", "A book", "Ana Diaz", "ana@example.com")


@pytest.mark.parametrize(
    ("color", "kind"),
    [
        ("success", "paid"),
        ("danger", "declined"),
        ("unknown", "confirming"),
        ("warning", "left at the bank"),
    ],
)
def test_the_result_page_says_what_came_of_it(color: str, kind: str) -> None:
    assert kind_of(_page(f'<p class="card result-card result-{color}">'), SITE) == kind


def test_a_page_of_the_bank_is_not_a_result() -> None:
    assert kind_of(_page(url="http://localhost:4330/alpha/challenge/1"), SITE) == "left at the bank"


def test_a_refusal_keeps_its_status() -> None:
    assert kind_of(_page(status=422), SITE) == "refused (422)"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [(1250, "EUR", "12.50"), (1250, "JPY", "1250"), (5, "EUR", "0.05"), (1250, "BHD", "1.250")],
)
def test_amounts_are_typed_with_the_currencys_decimals(
    amount_minor: int, currency: str, text: str
) -> None:
    assert amount_text(_order(amount_minor, currency)) == text


def test_a_wallet_needs_no_card() -> None:
    wishes = draw_wishes(Random(1))

    assert "card_number" not in fields_of(wishes, "delta")
    assert fields_of(wishes, "")["card_number"] == wishes.card_number


def offering(*codes: str) -> Page:
    options = [f'<input type="radio" name="provider" value="{code}">' for code in ("", *codes)]
    return _page("".join(options))


def test_some_customers_pay_from_their_bank_account_where_that_is_offered() -> None:
    random = Random(3)
    wishes = [draw_wishes(random) for _ in range(1_000)]
    everywhere = offering("alpha", "beta", "delta", "delta_bank")
    choices = Counter(choice_of(everywhere, wish) for wish in wishes)

    assert 10 <= choices["delta_bank"] <= 60
    assert choices["delta"] > choices["delta_bank"]
    assert not {choice_of(offering("alpha", "beta"), wish) for wish in wishes} & {"delta_bank"}


def test_a_bank_transfer_needs_no_card() -> None:
    assert "card_number" not in fields_of(draw_wishes(Random(1)), "delta_bank")


def test_customers_in_brazil_bring_their_document() -> None:
    random = Random(1)
    orders = [draw_order(random) for _ in range(500)]

    brazilian = [order for order in orders if order.country == "BR"]

    assert brazilian
    assert all(order.customer_fields["document_type"] == "CPF" for order in brazilian)


def test_a_page_without_the_form_is_an_error_and_not_a_guess() -> None:
    page = Page(SITE, 200, "", (Form(f"{SITE}/language", "languages"),))

    with pytest.raises(BrowsingError):
        page.form("pay-form")


def test_the_status_line_puts_the_most_frequent_first() -> None:
    counts = Counter({"orders": 5, "declined": 1, "paid": 4})

    assert status_line(counts) == "5 orders: 4 paid, 1 declined"
    assert status_line(Counter()) == "waiting for customers"
