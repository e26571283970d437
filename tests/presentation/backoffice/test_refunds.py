"""Finance gives money back: the real application, with the practice provider behind it."""

import re
from datetime import UTC, datetime

import pytest

from payorch.domain.refund import RefundKind, RefundStatus
from payorch.presentation.backoffice.payments.refund_texts import (
    HOW_IT_GOES_BACK,
    REFUND_KINDS,
    REFUND_STATUSES,
)
from tests.presentation.backoffice.office import CAST
from tests.shop import a_payment, an_order

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FinanceDesk:
    """An office with a paid order, and Finn from finance at it."""

    def __init__(self, open_office, database_url, sandbox, **settings) -> None:
        self.office = open_office(database_url, sandbox_url=sandbox.base_url, **settings)
        self.finn = self.office.logged_in("finn")

    def paid_order(self, amount_minor=1999):
        payment = a_payment(new_order=an_order(amount_minor=amount_minor))
        return self.office.services.pay_order.execute(payment).order_id

    def typed(self, order_id, **form):
        """The answer to the refund form."""
        page = f"/admin/refunds/order/{order_id}"
        return self.finn.post(f"{page}/confirm", form, token_from=page)

    def confirmed(self, order_id, page, visitor=None):
        """The answer to the confirmation page's button."""
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form.pop("csrf_token", None)
        return (visitor or self.finn).post(
            f"/admin/refunds/order/{order_id}", form, follow_redirects=True
        )

    def refunds(self, order_id):
        return self.office.services.refunds.of_order(order_id)


@pytest.fixture
def desk(open_office, database_url, sandbox):
    return FinanceDesk(open_office, database_url, sandbox)


def test_finance_gives_a_whole_payment_back_by_a_void(desk):
    order_id = desk.paid_order()

    form = desk.finn.get(f"/admin/refunds/order/{order_id}")
    confirm = desk.typed(order_id, how_much="full", reason="Changed her mind")
    done = desk.confirmed(order_id, confirm)

    assert HOW_IT_GOES_BACK[RefundKind.VOID] in form.text
    assert "Give €19.99 back?" in confirm.text
    assert "€19.99 was given back." in done.text
    (refund,) = desk.refunds(order_id)
    assert (refund.kind, refund.status) == (RefundKind.VOID, RefundStatus.SUCCEEDED)
    assert (refund.requested_by, refund.reason) == ("finn@example.org", "Changed her mind")


def test_finance_gives_a_part_back_and_then_the_rest_by_a_refund(desk):
    order_id = desk.paid_order()

    part = desk.typed(order_id, how_much="part", amount="5.00", reason="One book")
    desk.confirmed(order_id, part)
    form = desk.finn.get(f"/admin/refunds/order/{order_id}").text
    rest = desk.typed(order_id, how_much="full", reason="The other book")
    page = desk.confirmed(order_id, rest)

    assert HOW_IT_GOES_BACK[RefundKind.REFUND] in form
    assert "Give €14.99 back?" in rest.text
    refunds = desk.refunds(order_id)
    assert [(r.kind.value, r.money.amount_minor) for r in refunds] == [
        ("refund", 500),
        ("refund", 1499),
    ]
    assert "One book" in page.text
    assert refunds[0].provider_reference in page.text
    assert f"/admin/refunds/order/{order_id}" not in page.text


def test_a_second_press_of_the_button_is_harmless(desk):
    order_id = desk.paid_order()
    confirm = desk.typed(order_id, how_much="part", amount="5.00", reason="One book")

    desk.confirmed(order_id, confirm)
    again = desk.confirmed(order_id, confirm)

    assert again.status_code == 200
    assert len(desk.refunds(order_id)) == 1


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"how_much": "full", "reason": " "}, "Say why"),
        ({"reason": "Broken"}, "Choose how much"),
        ({"how_much": "part", "amount": "20.00", "reason": "x"}, "At most €19.99"),
        ({"how_much": "part", "amount": "1,5", "reason": "x"}, "plain number"),
        ({"how_much": "part", "amount": "0", "reason": "x"}, "Amount:"),
    ],
)
def test_what_cannot_be_is_said_before_anything_happens(desk, form, problem):
    order_id = desk.paid_order()

    answer = desk.typed(order_id, **form)

    assert answer.status_code == 422
    assert problem in answer.text
    assert desk.refunds(order_id) == ()


@pytest.mark.parametrize(
    "changes", [{"key": "x"}, {"amount_minor": "1.5"}, {"amount_minor": "0"}, {"kind": "gift"}]
)
def test_a_confirmation_that_was_tampered_with_does_nothing(desk, changes):
    order_id = desk.paid_order()
    form = {"key": "a" * 20, "amount_minor": "500", "kind": "refund", "reason": "x"} | changes

    answer = desk.finn.post(f"/admin/refunds/order/{order_id}", form, follow_redirects=True)

    assert "This form is incomplete" in answer.text
    assert desk.refunds(order_id) == ()


def test_more_than_is_left_meanwhile_is_refused_with_what_is_left(desk):
    order_id = desk.paid_order()
    first = desk.typed(order_id, how_much="full", reason="All")
    second = desk.typed(order_id, how_much="part", amount="5.00", reason="A part")
    desk.confirmed(order_id, second)

    answer = desk.confirmed(order_id, first)

    assert "At most 14.99 EUR can be refunded. Nothing was done." in answer.text
    assert len(desk.refunds(order_id)) == 1


def test_a_refusal_can_be_retried(desk, sandbox):
    order_id = desk.paid_order()
    sandbox.patch_profile("alpha", refund_faults={"refused_402": 1})
    confirm = desk.typed(order_id, how_much="part", amount="5.00", reason="One book")
    refused = desk.confirmed(order_id, confirm)
    (refund,) = desk.refunds(order_id)
    sandbox.patch_profile("alpha", refund_faults=None)

    page = f"/admin/refunds/{refund.id}/retry"
    again = desk.finn.post(page, {"reason": "Agreed"}, token_from=page, follow_redirects=True)

    assert "The provider refused (refund refused). Nothing was given back." in refused.text
    assert page in refused.text
    assert "€5.00 was given back." in again.text
    assert [r.status for r in desk.refunds(order_id)] == [RefundStatus.SUCCEEDED]


def test_a_refused_void_is_offered_as_a_refund(desk, sandbox):
    order_id = desk.paid_order()
    sandbox.patch_profile("alpha", refund_faults={"refused_422": 1})
    desk.confirmed(order_id, desk.typed(order_id, how_much="full", reason="All"))

    form = desk.finn.get(f"/admin/refunds/order/{order_id}").text

    assert "A void of this payment was refused before" in form
    assert HOW_IT_GOES_BACK[RefundKind.REFUND] in form


def test_what_is_under_way_says_so(desk):
    order_id = desk.paid_order(amount_minor=90_000)

    page = desk.confirmed(
        order_id, desk.typed(order_id, how_much="part", amount="800.01", reason="Part")
    )

    assert "€800.01 is on its way back" in page.text
    assert "Settles later" in page.text


def test_nobody_but_finance_gives_money_back(desk):
    order_id = desk.paid_order()
    confirm = desk.typed(order_id, how_much="full", reason="All")

    for name in CAST:
        if name == "finn":
            continue
        other = desk.office.logged_in(name)
        order_page = other.get(f"/admin/orders/{order_id}")
        assert order_page.status_code == 200
        assert "Refund or void" not in order_page.text
        assert other.get(f"/admin/refunds/order/{order_id}").status_code == 403
        assert desk.confirmed(order_id, confirm, visitor=other).status_code == 403
        assert other.get("/admin/refunds/re_x/retry").status_code == 403
    assert desk.refunds(order_id) == ()


def test_an_order_that_cannot_be_refunded_has_no_such_page(desk):
    unpaid = desk.office.services.create_order.execute(an_order()).order.id

    assert desk.finn.get(f"/admin/refunds/order/{unpaid}").status_code == 404
    assert desk.finn.get("/admin/refunds/order/po_none").status_code == 404
    assert desk.finn.get("/admin/refunds/re_none/retry").status_code == 404


def test_the_lists_show_what_went_back(desk):
    order_id = desk.paid_order()
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="Part"))
    (refund,) = desk.refunds(order_id)

    everything = desk.finn.get("/admin/refunds/").text
    failed = desk.finn.get("/admin/refunds/?status=failed").text
    guards = desk.finn.get("/admin/refunds/?asked_by=guard").text
    under_way = desk.finn.get("/admin/refunds/?status=under_way&kind=refund&provider=alpha").text
    found = desk.finn.get(f"/admin/refunds/?search={order_id}").text

    assert refund.id in everything
    assert refund.id in found
    for other in (failed, guards, under_way):
        assert refund.id not in other
    assert "€5.00" in desk.finn.get("/admin/orders/").text


def test_the_customer_sees_what_was_refunded(desk):
    order_id = desk.paid_order()
    address = f"/orders/{desk.office.services.tokens.token_for(order_id)}"
    visitor = desk.office.visitor()
    before = visitor.get(address).text
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="Part"))

    part = visitor.get(address).text
    spanish = visitor.get(f"{address}?lang=es").text
    desk.confirmed(order_id, desk.typed(order_id, how_much="full", reason="Rest"))
    whole = visitor.get(f"{address}?lang=en").text

    assert "refunded" not in before
    assert "€5.00 of it was refunded." in part
    assert "Se ha reembolsado" in spanish
    assert "All of it, €19.99, was refunded." in whole
    assert "Part" not in part.split("<main")[-1].split("Receipt")[0]


def test_every_kind_and_status_has_its_text():
    assert set(REFUND_STATUSES) == set(RefundStatus)
    assert set(REFUND_KINDS) == set(HOW_IT_GOES_BACK) == set(RefundKind)
