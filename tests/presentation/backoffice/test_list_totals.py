"""Totals of the lists: of each currency, for exactly the filter, and bounded in work."""

import re

import pytest

from payorch.domain.payment_status import PaymentStatus
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.infrastructure.persistence.database import db
from payorch.infrastructure.persistence.tables import RefundRow
from payorch.presentation.backoffice.shell import list_totals
from payorch.presentation.backoffice.shell.bounded_work import TooMuchWork, answered_within
from tests.presentation.backoffice.payments_site import (
    START,
    Payment,
    paid_after_fallback,
    providers,
    store,
)

pytestmark = pytest.mark.breaks_the_books

ORDERS, TRANSACTIONS, REFUNDS = (
    f"/admin/{name}/" for name in ("orders", "transactions", "refunds")
)


@pytest.fixture
def shop(payments):
    """Two paid orders and a failed one in EUR, a paid one in JPY, and some money that went back."""
    store(payments, *providers())
    for number in (1, 2):
        paid_after_fallback(number).save(payments)
    paid_after_fallback(3, currency="JPY", amount_minor=5000).save(payments)
    Payment(4, country="FR").submitted().tried("alpha", Status.DECLINED).save(payments)
    with payments.app_context():
        db.session.add_all(
            [
                a_refund(1, 500),
                a_refund(1, 250),
                a_refund(2, 100, status=RefundStatus.FAILED),
                a_refund(2, 1999, is_guard=True),
                a_refund(3, 5000, currency="JPY"),
            ]
        )
        db.session.commit()
        db.session.remove()
    return payments


def a_refund(order, amount_minor, **fields):
    a_refund.number += 1
    return RefundRow(
        **(
            {
                "public_id": f"rf_{a_refund.number}",
                "order_id": order,
                "transaction_id": 2 * order,
                "kind": RefundKind.REFUND,
                "status": RefundStatus.SUCCEEDED,
                "is_guard": False,
                "amount_minor": amount_minor,
                "currency": "EUR",
                "provider_code": "beta",
                "payment_reference": f"pay_{a_refund.number}",
                "requested_by": "finn@example.org",
                "reason": "Torn",
                "requested_at": START,
                "changed_at": START,
                "lease_until": START,
                "next_check_at": START,
            }
            | fields
        )
    )


a_refund.number = 0


def shown(read, page, **query):
    """The lines of the totals as lists of texts."""
    answer = read(f"{page}totals", part=1, **query)
    assert answer.status_code == 200
    lines = re.findall(r"<tr>(.*?)</tr>", answer.text, re.DOTALL)[1:]
    return [re.findall(r"<td[^>]*>([^<]*)</td>", line) for line in lines]


def test_each_currency_has_its_own_sums(shop, read):
    assert shown(read, ORDERS) == [
        ["EUR", "3", "€59.97", "€39.98", "€7.50"],
        ["JPY", "1", "¥5,000", "¥5,000", "¥5,000"],
    ]
    assert shown(read, TRANSACTIONS) == [
        ["EUR", "5", "€99.95", "€39.98"],
        ["JPY", "2", "¥10,000", "¥5,000"],
    ]
    assert shown(read, REFUNDS) == [
        ["EUR", "4", "€28.49", "€27.49"],
        ["JPY", "1", "¥5,000", "¥5,000"],
    ]


def test_they_are_of_the_filter_and_of_the_search(shop, read):
    assert shown(read, ORDERS, country="FR") == [["EUR", "1", "€19.99", "€0.00", "€0.00"]]
    assert shown(read, ORDERS, search="INV-2") == [["EUR", "1", "€19.99", "€19.99", "€0.00"]]
    assert shown(read, ORDERS, status=PaymentStatus.PAID.value, since="2026-03-01T12:03") == [
        ["JPY", "1", "¥5,000", "¥5,000", "¥5,000"]
    ]
    assert shown(read, ORDERS, country="XX") == []
    assert "Nothing to add up" in read(f"{ORDERS}totals", country="XX").text


def test_where_a_list_is_on_its_third_page_they_are_of_the_whole_list(shop, read):
    assert shown(read, ORDERS, after="po_0002") == shown(read, ORDERS)


def test_of_a_long_list_the_newest_are_added_up_and_that_is_said(shop, read, monkeypatch):
    monkeypatch.setattr(list_totals, "MOST_ROWS", 2)

    text = read(f"{ORDERS}totals").text

    assert "Of the newest 2 only" in text
    assert [line[:2] for line in shown(read, ORDERS)] == [["EUR", "1"], ["JPY", "1"]]


def test_what_takes_too_long_is_given_up_and_that_is_said(shop, read, monkeypatch):
    def never(*_):
        raise TooMuchWork

    monkeypatch.setattr(list_totals, "answered_within", never)

    answer = read(f"{ORDERS}totals")

    assert answer.status_code == 200
    assert "could not be added up within 2 seconds" in answer.text


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def test_the_database_is_stopped_and_answers_the_next_question(shop):
    with shop.app_context():
        session = db.session
        endless = db.text(ENDLESS[session.get_bind().dialect.name])

        with pytest.raises(TooMuchWork), answered_within(session, 0.05):
            session.execute(endless)

        assert session.scalar(db.text("SELECT 1")) == 1
        with answered_within(session, 5):
            assert session.scalar(db.text("SELECT 2")) == 2
        with pytest.raises(ZeroDivisionError), answered_within(session, 5):
            session.execute(db.text(str(1 // 0)))
        if session.get_bind().dialect.name == "postgresql":
            assert session.scalar(db.text("SHOW statement_timeout")) == "0"
        session.remove()


def test_a_filter_that_makes_no_sense_is_said(shop, read):
    answer = read(f"{ORDERS}totals", at_least="5")

    assert answer.status_code == 422
    assert "choose a currency as well" in answer.text
    assert "data-totals" not in read(ORDERS, at_least="5").text


def test_the_list_leads_to_them_and_does_not_wait_for_them(shop, read):
    page = read(ORDERS, country="FR", after="po_0004").text

    assert 'href="/admin/orders/totals?country=FR"' in page
    assert 'data-totals="/admin/orders/totals?part=1&amp;country=FR"' in page
    assert "€0.00" not in page
    assert "list-totals.js" in page


def test_whoever_may_not_see_the_list_does_not_see_its_totals(shop, read):
    assert read(f"{ORDERS}totals", staff="nobody").status_code == 403
