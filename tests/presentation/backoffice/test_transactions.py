import re

import pytest

from payorch.presentation.backoffice.payments.transactions import TransactionsView
from tests.presentation.backoffice.payments_site import (
    Payment,
    T,
    held,
    paid_after_fallback,
    providers,
    reader,
    store,
)


@pytest.fixture(scope="module")
def read(shared_payments):
    """Reads pages over four transactions that no test changes."""
    store(shared_payments, *providers())
    paid_after_fallback(1).save(shared_payments)
    held(2).save(shared_payments)
    Payment(3, currency="JPY", amount_minor=2500).submitted().tried(
        "beta",
        T.DECLINED,
        decline_reason="expired_card",
        decline_class="customer_data",
        decline_code="54",
    ).save(shared_payments)
    return reader(shared_payments)


def transactions_in(response):
    return re.findall(r'href="/admin/orders/po_\d+#(pa_[\d_]+)"', response.text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["pa_0003_1", "pa_0002_1", "pa_0001_2", "pa_0001_1"]),
        ({"status": "unknown"}, ["pa_0002_1"]),
        ({"provider": "beta"}, ["pa_0003_1", "pa_0001_2"]),
        ({"provider": "beta", "attempt": "first"}, ["pa_0003_1"]),
        ({"attempt": "fallback"}, ["pa_0001_2"]),
        ({"decline_class": "customer_data"}, ["pa_0003_1"]),
        ({"follows": "alpha"}, ["pa_0001_2"]),
        ({"currency": "JPY", "at_least": "2500"}, ["pa_0003_1"]),
        ({"since": "2026-03-01T12:01:02", "until": "2026-03-01T12:03"}, ["pa_0002_1", "pa_0001_2"]),
    ],
)
def test_filters_are_exact_and_narrow_together(read, query, found):
    assert transactions_in(read("/admin/transactions/", **query)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pa_0001_2", ["pa_0001_2"]),
        ("beta_pay_1_2", ["pa_0001_2"]),
        ("po_0001", ["pa_0001_2", "pa_0001_1"]),
        ("INV-1", ["pa_0001_2", "pa_0001_1"]),
        ("ana2@example.com", ["pa_0002_1"]),
        ("nothing like it", []),
    ],
)
def test_search_finds_transactions_by_any_id(read, text, found):
    assert transactions_in(read("/admin/transactions/", search=text)) == found


def test_row_shows_attempt_reason_and_latency(read):
    row = read("/admin/transactions/", search="pa_0001_1").text

    for shown in ("Alpha Pay", "first attempt", "do not honor", "visa 05", "1,234 ms", "Declined"):
        assert shown in row


def test_unknown_status_value_is_refused(read):
    assert read("/admin/transactions/", status="approvedd").status_code == 422


def test_older_and_newer_pages_follow(read, monkeypatch):
    monkeypatch.setattr(TransactionsView, "page_size", 2)

    older = read("/admin/transactions/", after="pa_0002_1")
    newer = read("/admin/transactions/", before="pa_0001_2")

    assert (transactions_in(older), older.status_code) == (["pa_0001_2", "pa_0001_1"], 200)
    assert (transactions_in(newer), newer.status_code) == (["pa_0003_1", "pa_0002_1"], 200)
