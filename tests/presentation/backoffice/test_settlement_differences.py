"""The list of differences, the page of one, and what finance does there."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from payorch.application.settlement_reports import DifferenceState
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.tables import (
    JournalRow,
    OrderRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
    TransactionRow,
)
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    DIFFERENCE_KINDS,
    DIFFERENCE_STATES,
    WHAT_IT_MEANS,
)
from tests.presentation.backoffice.payments_site import paid_after_fallback

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = "/admin/settlement-differences/"
D = DifferenceKind


def store_report(office, **fields):
    defaults = {
        "provider_code": "alpha",
        "state": "done",
        "file_name": "march.csv",
        "uploaded_by": "finn@example.org",
        "uploaded_at": START,
        "currencies": [],
    }
    with office.database.tx() as connection:
        made = insert(SettlementImportRow).values(defaults | fields)
        return connection.execute(made.returning(SettlementImportRow.id)).scalar_one()


def store(office, number, *, report=None, line=None, **fields):
    """A difference, with a line of the report unless it is missing there."""
    report = report or store_report(office)
    at = START + timedelta(minutes=number)
    kind = fields.get("kind", D.MISSING_HERE)
    with office.database.tx() as connection:
        line_key = None
        if kind is not D.MISSING_THERE:
            values = {
                "import_id": report,
                "seen_in": report,
                "line_number": number + 1,
                "provider_code": "alpha",
                "identity": f"line-{number}",
                "occurrence": 1,
                "kind": "payment",
                "reference": f"alpha_pay_{number}",
                "our_reference": f"pa_{number}",
                "amount_minor": 1999,
                "currency": "EUR",
                "settled_on": date(2026, 3, 1),
            } | (line or {})
            made = insert(SettlementLineRow).values(values).returning(SettlementLineRow.id)
            line_key = connection.execute(made).scalar_one()
        values = {
            "import_id": report,
            "line_id": line_key,
            "kind": D.MISSING_HERE,
            "state": DifferenceState.OPEN,
            "provider_code": "alpha",
            "currency": "EUR",
            "there_minor": None if line_key is None else 1999,
            "here_minor": None,
            "found_at": at,
        } | fields
        made = insert(SettlementDifferenceRow).values(values)
        return connection.execute(made.returning(SettlementDifferenceRow.id)).scalar_one()


def keys_of(office, reference):
    with office.database.read() as connection:
        return connection.execute(
            select(OrderRow.id, TransactionRow.id)
            .join(TransactionRow, TransactionRow.order_id == OrderRow.id)
            .where(TransactionRow.public_id == reference)
        ).one()


def found_in(page, keys):
    return {key for key in keys if f'href="{LIST}{key}"' in page}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {1, 2, 3, 4}),
        ({"kind": "paid_there"}, {2}),
        ({"state": "open"}, {1, 2, 3}),
        ({"state": "resolved"}, {4}),
        ({"provider": "beta"}, {3}),
        ({"import": "2"}, {3}),
        ({"currency": "USD"}, {4}),
        ({"search": "alpha_pay_2"}, {2}),
        ({"search": "pa_1"}, {1}),
        ({"since": "2026-03-01T12:03"}, {3, 4}),
    ],
)
def test_filters_are_exact(office, query, found):
    report = store_report(office)
    store(office, 1, report=report)
    store(office, 2, report=report, kind=D.PAID_THERE, here_minor=1999)
    store(office, 3, report=store_report(office), provider_code="beta")
    resolved = {"state": DifferenceState.RESOLVED, "resolved_at": START}
    store(office, 4, report=report, currency="USD", **resolved)

    page = office.logged_in("vera").get(LIST, query_string=query).text

    assert found_in(page, {1, 2, 3, 4}) == found


@pytest.mark.parametrize("value", ["x", "-1", "1e3", "9" * 30])
def test_a_report_number_that_is_none_empties_the_list_with_a_message(office, value):
    answer = office.logged_in("vera").get(LIST, query_string={"import": value})

    assert answer.status_code == 422
    assert "write a whole number" in answer.text


def test_totals_are_those_of_the_filter_in_each_currency(office):
    report = store_report(office)
    store(office, 1, report=report)
    store(office, 2, report=report, kind=D.OTHER_AMOUNT, there_minor=2000, here_minor=1999)
    store(office, 3, report=report, currency="JPY", there_minor=500)

    page = office.logged_in("vera").get(LIST).text
    filtered = office.logged_in("vera").get(f"{LIST}?kind=other_amount").text

    assert "€39.99" in page
    assert "¥500" in page
    assert "€39.99" not in filtered
    assert "€20.00" in filtered


def test_pages_go_on_where_the_last_one_ended(office):
    report = store_report(office)
    for number in range(60):
        store(office, number, report=report)
    visitor = office.logged_in("vera")

    first = visitor.get(LIST).text
    (older,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = visitor.get(older.replace("&amp;", "&")).text

    assert "60 found" in first
    assert found_in(first, range(1, 61)) == set(range(11, 61))
    assert found_in(second, range(1, 61)) == set(range(1, 11))


def test_both_sides_stand_next_to_each_other(office):
    paid_after_fallback(7).save(office.app)
    order, transaction = keys_of(office, "pa_0007_1")
    key = store(
        office,
        1,
        kind=D.PAID_THERE,
        here_minor=1999,
        here_currency="EUR",
        here_status="declined",
        order_id=order,
        transaction_id=transaction,
    )

    page = office.logged_in("vera").get(f"{LIST}{key}").text

    assert "Paid there, not here" in page
    assert "Alpha says" in page
    assert "Declined" in page
    assert "/admin/orders/po_0007#pa_0007_1" in page
    assert "march.csv" in page


@pytest.mark.parametrize(("fee", "is_said"), [(45, True), (43, True), (46, False)])
def test_one_minor_unit_of_a_fee_is_explained(office, fee, is_said):
    key = store(
        office, 1, kind=D.OTHER_FEE, there_minor=fee, here_minor=44, line={"fee_minor": fee}
    )

    page = office.logged_in("vera").get(f"{LIST}{key}").text

    assert ("most likely the provider rounds" in page) is is_said


def test_texts_of_a_report_are_shown_as_texts(office):
    key = store(office, 1, line={"reference": "<script>alert(1)</script>"})

    page = office.logged_in("vera").get(f"{LIST}{key}").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_finance_resolves_a_difference_and_takes_it_up_again(office):
    key = store(office, 1)
    page, finn = f"{LIST}{key}", office.logged_in("finn")

    answer = finn.post(f"{page}/resolve", {"reason": "Our other shop."}, token_from=page)
    resolved = finn.get(page).text
    finn.post(f"{page}/reopen", {"reason": "It was not."}, token_from=page)

    assert answer.status_code == 303
    assert "Our other shop." in resolved
    assert "finn@example.org" in resolved
    with office.database.read() as connection:
        assert connection.scalar(select(SettlementDifferenceRow.state)) == "open"
        entries = connection.execute(
            select(JournalRow.__table__).where(JournalRow.subject == f"settlement_difference:{key}")
        ).all()
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("settlement_difference_resolved", "Our other shop."),
        ("settlement_difference_reopened", "It was not."),
    ]
    journal = finn.get(f"/admin/entries/settlement_difference/{key}").text
    assert f"resolved the settlement difference {key}" in journal


def test_without_a_reason_it_stays_open(office):
    key = store(office, 1)
    page = f"{LIST}{key}"

    answer = office.logged_in("finn").post(f"{page}/resolve", {"reason": " "}, token_from=page)

    assert answer.status_code == 422
    assert "Say why" in answer.text


def test_what_somebody_else_has_resolved_is_said(office):
    key = store(office, 1, state=DifferenceState.RESOLVED, resolved_at=START, reason="Done")
    page, finn = f"{LIST}{key}", office.logged_in("finn")

    finn.post(f"{page}/resolve", {"reason": "Mine"}, token_from=page)

    assert "It is resolved already" in finn.get(page).text


@pytest.mark.parametrize("name", ["vera", "olga", "ada", "ari"])
def test_others_may_look_and_not_resolve(office, name):
    key = store(office, 1)
    page, visitor = f"{LIST}{key}", office.logged_in(name)

    assert "Resolve it" not in visitor.get(page).text
    for action in ("resolve", "reopen"):
        answer = visitor.post(f"{page}/{action}", {"reason": "mine"}, token_from=page)
        assert answer.status_code == 403


def test_the_menu_and_the_queue_count_what_is_open(office):
    finn = office.logged_in("finn")
    assert "menu-count" not in finn.get("/admin/orders/").text

    store(office, 1)
    store(office, 2, state=DifferenceState.RESOLVED, resolved_at=START)

    assert finn.get("/admin/orders/").text.count("</span>1</span>") == 2
    assert f"{LIST}?state=open" in finn.get("/admin/attention/").text


def test_the_list_is_taken_away_as_it_is_filtered(office):
    report = store_report(office)
    store(office, 1, report=report, line={"reference": "=1+1"})
    store(office, 2, report=report, kind=D.OTHER_AMOUNT, there_minor=2000, here_minor=1999)
    finn = office.logged_in("finn")
    assert f"{LIST}export.csv?kind=missing_here" in finn.get(f"{LIST}?kind=missing_here").text

    answer = finn.get(f"{LIST}export.csv?kind=missing_here")

    (row,) = list(csv.DictReader(io.StringIO(answer.text)))
    assert (row["kind"], row["there"], row["here"]) == ("missing_here", "19.99", "")
    assert row["reference"] == "'=1+1"
    with office.database.read() as connection:
        assert "figures_exported" in set(connection.scalars(select(JournalRow.action)))


def test_a_long_list_is_written_page_by_page(office, monkeypatch):
    monkeypatch.setattr("payorch.presentation.backoffice.shell.exported_list.ROWS_AT_ONCE", 2)
    report = store_report(office)
    keys = [store(office, number, report=report) for number in range(5)]

    text = office.logged_in("ari").get(f"{LIST}export.csv").text

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["difference"]) for row in rows] == keys[::-1]


@pytest.mark.parametrize("name", ["vera", "olga", "ada"])
def test_others_may_not_take_it_away(office, name):
    visitor = office.logged_in(name)

    assert "CSV of this list" not in visitor.get(LIST).text
    assert visitor.get(f"{LIST}export.csv").status_code == 403


@pytest.mark.parametrize("key", ["0", "99", "x", "%00", "9" * 40])
def test_a_difference_that_is_not_there_is_not_found(office, key):
    assert office.logged_in("vera").get(f"{LIST}{key}").status_code == 404


def test_every_kind_and_state_has_words():
    assert set(DIFFERENCE_KINDS) == set(WHAT_IT_MEANS) == set(DifferenceKind)
    assert set(DIFFERENCE_STATES) == set(DifferenceState)
