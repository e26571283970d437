import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select, text

from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.database import db
from tests.presentation.backoffice.payments_site import (
    START,
    Payment,
    T,
    close,
    held,
    paid_after_fallback,
    payments_app,
    providers,
    reader,
    store,
)


@pytest.fixture(scope="module")
def read_some(shared_payments):
    """Reads pages over four orders that no test changes."""
    store(shared_payments, *providers())
    paid_after_fallback(1).save(shared_payments)
    held(2).save(shared_payments)
    yen = Payment(3, status=PaymentStatus.PENDING, currency="JPY", amount_minor=2500)
    yen.save(shared_payments)
    flagged = Payment(4, flag="amount_mismatch", country="AR")
    flagged.submitted().tried("beta", T.NOT_SENT, technical_reason="connection_refused")
    flagged.save(shared_payments)
    return reader(shared_payments)


def orders_in(response):
    return re.findall(r'href="/admin/orders/(po_\d+)"', response.text)


def test_list_shows_what_scanning_needs(read_some):
    row = read_some("/admin/orders/", status="paid").text

    for shown in ("po_0001", "Two books", "INV-1", "A••• D•••", "a•••@example.com", "€19.99"):
        assert shown in row
    assert "Alpha Pay &rarr; Beta Pay" in row
    assert 'datetime="2026-03-01T12:01:00.000000Z"' in row


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["po_0004", "po_0003", "po_0002", "po_0001"]),
        ({"status": "processing"}, ["po_0002"]),
        ({"provider": "beta"}, ["po_0004", "po_0001"]),
        ({"currency": "JPY"}, ["po_0003"]),
        ({"currency": "JPY", "at_least": "2501"}, []),
        ({"currency": "JPY", "at_most": "2500"}, ["po_0003"]),
        ({"currency": "EUR", "at_least": "19.99", "status": "failed"}, ["po_0004"]),
        ({"country": "AR"}, ["po_0004"]),
        ({"flag": "any"}, ["po_0004"]),
        ({"flag": "contradicting_outcome"}, []),
        ({"fallback": "yes"}, ["po_0001"]),
        ({"since": "2026-03-01T12:02", "until": "2026-03-01T12:04"}, ["po_0003", "po_0002"]),
    ],
)
def test_filters_are_exact_and_narrow_together(read_some, query, found):
    assert orders_in(read_some("/admin/orders/", **query)) == found


@pytest.mark.parametrize(
    "text",
    [
        "po_0001",
        "PO_0001",
        "pa_0001_2",
        "beta_pay_1_2",
        "INV-1",
        "ana1@example.com",
        "Ana1@Example.COM",
        "<ana1@example.com>",
    ],
)
def test_search_finds_an_order_by_any_id_of_it(read_some, text):
    assert orders_in(read_some("/admin/orders/", search=text)) == ["po_0001"]


def test_order_page_tells_the_payment_in_one_sentence(read_some):
    page = read_some("/admin/orders/po_0001").text

    assert (
        "Alpha Pay declined the payment (do not honor), "
        "then Beta Pay approved it: the order is paid." in page
    )


def test_order_page_says_why_each_provider_was_chosen_or_left_out(read_some):
    page = read_some("/admin/orders/po_0001").text

    assert "Routing policy version 7" in page
    assert (
        "<strong>Alpha Pay</strong>: the policy&#39;s order (first with probability 0.75)" in page
    )
    assert "<strong>gamma</strong>: it does not serve the currency" in page


def test_order_page_shows_codes_latencies_and_references_to_copy(read_some):
    page = read_some("/admin/orders/po_0001").text

    for shown in ("visa 05", "do not honor", "issuer decline", "1,234 ms", "Visa ending in 4242"):
        assert shown in page
    for copied in ("po_0001", "INV-1", "pa_0001_1", "alpha_pay_1_1", "beta_pay_1_2"):
        assert f'data-copy="{copied}"' in page


def test_order_page_names_the_country(read_some):
    assert "<dd>Argentina (AR)</dd>" in read_some("/admin/orders/po_0004").text


def test_order_page_shows_evidence_and_whether_it_was_applied(read_some):
    page = read_some("/admin/orders/po_0002").text

    assert "nothing else is charged until this is settled" in page
    assert "Searched at the provider by our reference: no clear answer" in page
    assert "kept, not applied" not in page
    assert "&#34;http_status&#34;: 404" in page


@pytest.mark.parametrize("odd_id", ["po_9999", "1", "%00", "x" * 500, "..", "po_0001%00"])
def test_order_that_does_not_exist_is_not_found(read_some, odd_id):
    assert read_some(f"/admin/orders/{odd_id}").status_code == 404


def test_orders_are_closed_to_people_without_the_permission(read_some):
    assert read_some("/admin/orders/", staff="nobody").status_code == 403
    assert read_some("/admin/orders/po_0001", staff="nobody").status_code == 403


def test_names_from_customers_are_shown_as_text_only(payments, read):
    Payment(
        1,
        status=PaymentStatus.PENDING,
        customer_name="<script>alert(1)</script>",
        description="{{ 7*7 }}<img src=x onerror=alert(1)>",
        merchant_reference='"><svg onload=alert(1)>',
    ).save(payments)

    for page in (read("/admin/orders/").text, read("/admin/orders/po_0001").text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert "{{ 7*7 }}" in page


@pytest.mark.breaks_the_books
def test_unknown_codes_are_shown_as_they_are_stored(payments, read):
    strange = Payment(1).submitted(left_out=[("omega", "some_new_reason")])
    strange.tried("omega", T.NOT_SENT, technical_reason="some_new_failure").save(payments)

    page = read("/admin/orders/po_0001").text

    assert "<strong>omega</strong>: some new reason" in page
    assert "omega did not process the payment (some new failure)" in page


@pytest.mark.parametrize("endpoint", ["backoffice_orders", "backoffice_transactions"])
def test_search_reads_no_table_from_end_to_end(sqlite_files, endpoint):
    app = payments_app(sqlite_files.new_database_url())
    view = next(view for view in app.extensions["admin"][0]._views if view.endpoint == endpoint)

    with app.app_context():
        found = select(view.model.id).where(view.search_condition("po_0001"))
        sql = found.compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]

    close(app)
    assert [step for step in plan if step.startswith("SCAN")] == []


def test_attempt_in_review_says_since_when(payments, read):
    waiting = Payment(1, status=PaymentStatus.PROCESSING).submitted()
    waiting.tried("alpha", T.UNKNOWN, review_since=START).save(payments)

    page = read("/admin/orders/po_0001").text
    assert re.search("In review since</dt><dd><time[^>]+>2026-03-01 12:00:00", page)


@contextmanager
def counted_statements(app):
    """Collects the SQL that `app` runs meanwhile."""
    with app.app_context():
        engine = db.engine
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.breaks_the_books
def test_list_costs_the_same_few_statements_for_one_order_and_for_fifty(payments, read):
    store(payments, *providers())
    paid_after_fallback(1).save(payments)
    with counted_statements(payments) as for_one:
        read("/admin/orders/")
    for number in range(2, 51):
        paid_after_fallback(number).save(payments)

    with counted_statements(payments) as for_fifty:
        page = read("/admin/orders/")

    assert len(orders_in(page)) == 50
    assert len(for_one) == len(for_fifty)
    # How long a statement may take is set before two of them, and reset afterwards.
    assert len([it for it in for_fifty if not it.startswith("SET LOCAL")]) <= 7
