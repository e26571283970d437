"""The lists as XLSX: row by row what their CSV holds, for the same people, under the same limit."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow
from payorch.presentation.backoffice.shell import exported_list
from payorch.presentation.export_cells import AmountCell
from payorch.presentation.workbook import XLSX
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.test_refunds import FinanceDesk
from tests.presentation.backoffice.test_settlement_differences import store, store_report

ORDERS, TRANSACTIONS, REFUNDS, DIFFERENCES = (
    f"/admin/{name}/" for name in ("orders", "transactions", "refunds", "settlement-differences")
)


@pytest.fixture
def office(open_office, database_url):
    return open_office(database_url)


@pytest.fixture
def history(office):
    return MetricsHistory(office.database, FrozenClock(office.services.clock.now()))


@pytest.fixture
def finn(office):
    return office.logged_in("finn")


def sheet_of(visitor, page, **query):
    answer = visitor.get(f"{page}export.xlsx", query_string=query)
    assert answer.status_code == 200
    assert answer.mimetype == XLSX
    assert 'filename="payorch-' in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    (sheet,) = load_workbook(io.BytesIO(answer.data)).worksheets
    return [list(row) for row in sheet.iter_rows()]


def lines_of(visitor, page, **query):
    answer = visitor.get(f"{page}export.csv", query_string=query)
    return list(csv.reader(io.StringIO(answer.text)))


def as_csv(cell):
    """A cell as the CSV writes it; numbers are compared by value."""
    if cell.value is None:
        return ""
    return Decimal(repr(cell.value)) if cell.data_type == "n" else cell.value


def assert_same(sheet, lines):
    assert len(sheet) == len(lines)
    for cells, line in zip(sheet, lines, strict=True):
        for cell, text in zip(cells, line, strict=True):
            shown = as_csv(cell)
            assert shown == (Decimal(text) if isinstance(shown, Decimal) else text.lstrip("'"))


@pytest.mark.breaks_the_books
def test_it_holds_the_rows_of_the_csv_in_its_order(history, finn, monkeypatch):
    monkeypatch.setattr(exported_list, "ROWS_AT_ONCE", 3)
    now = history.clock.now()
    with history.together():
        for number in range(10):
            history.attempt(
                at=now - timedelta(minutes=number % 4),
                provider=["alpha", "beta"][number % 2],
                status=Status.DECLINED if number % 3 else Status.APPROVED,
                currency="JPY" if number == 4 else "EUR",
            )

    for page, query in (
        (TRANSACTIONS, {}),
        (TRANSACTIONS, {"provider": "beta", "status": "declined"}),
        (TRANSACTIONS, {"since": f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.%f}"}),
        (ORDERS, {}),
    ):
        sheet = sheet_of(finn, page, **query)
        assert len(sheet) > 1
        assert_same(sheet, lines_of(finn, page, **query))

    headings, *rows = sheet_of(finn, TRANSACTIONS)
    place = [cell.value for cell in headings].index("amount")
    assert {(row[place].value, row[place].number_format) for row in rows} == {
        (10, "#,##0.00"),
        (1000, "#,##0"),
    }


def test_refunds_and_differences_are_as_in_their_csv(open_office, database_url, sandbox):
    desk = FinanceDesk(open_office, database_url, sandbox)
    order_id = desk.paid_order(1999)
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="=Torn"))
    report = store_report(desk.office)
    store(desk.office, 1, report=report, line={"reference": "=1+1"})
    store(
        desk.office,
        2,
        report=report,
        kind=DifferenceKind.OTHER_AMOUNT,
        there_minor=2000,
        here_minor=1999,
    )

    for page in (REFUNDS, ORDERS, DIFFERENCES):
        assert_same(sheet_of(desk.finn, page), lines_of(desk.finn, page))
    assert [len(sheet_of(desk.finn, page)) for page in (REFUNDS, ORDERS, DIFFERENCES)] == [2, 2, 3]


@pytest.mark.breaks_the_books
def test_what_others_wrote_is_a_text_as_they_wrote_it(office, history, finn):
    history.attempt()
    with office.database.tx() as connection:
        connection.execute(update(OrderRow).values(description="=HYPERLINK(1)"))

    cells = {cell.value: cell for cell in sheet_of(finn, ORDERS)[1]}

    assert cells["=HYPERLINK(1)"].data_type == "s"


@pytest.mark.parametrize("page", [ORDERS, TRANSACTIONS, REFUNDS, DIFFERENCES])
def test_who_may_not_take_it_away_is_not_offered_it(office, finn, page):
    olga = office.logged_in("olga")

    assert olga.get(f"{page}export.xlsx").status_code == 403
    assert "export.xlsx" not in olga.get(page).text
    assert "export.xlsx" in finn.get(page).text
    assert len(sheet_of(office.logged_in("ari"), page)) == 1


def test_a_filter_that_makes_no_sense_takes_nothing_away(finn):
    assert finn.get(f"{ORDERS}export.xlsx", query_string={"status": "sold"}).status_code == 422


def journalled(office):
    with office.database.read() as connection:
        return connection.execute(
            select(JournalRow.actor, JournalRow.subject, JournalRow.after).where(
                JournalRow.action == "figures_exported"
            )
        ).all()


def test_it_is_journalled_with_its_filter_and_its_kind(office, finn):
    sheet_of(finn, TRANSACTIONS, provider="beta")

    (entry,) = journalled(office)
    assert entry.actor == "finn@example.org"
    assert "transactions (XLSX)" in entry.subject
    assert "provider=beta" in str(entry.after)


@pytest.mark.breaks_the_books
def test_too_many_rows_lead_back_to_the_list_and_take_nothing(office, history, finn, monkeypatch):
    monkeypatch.setattr(exported_list, "MAX_ROWS", 2)
    with history.together():
        for number in range(3):
            history.attempt(provider="alpha" if number else "beta")

    answer = finn.get(f"{TRANSACTIONS}export.xlsx", query_string={"after": "pa_1"})

    assert (answer.status_code, answer.location) == (303, TRANSACTIONS)
    assert "more than 2 here" in finn.get(TRANSACTIONS).text
    assert journalled(office) == []
    assert len(sheet_of(finn, TRANSACTIONS, provider="alpha")) == 3


def test_both_kinds_count_against_one_limit(open_office):
    finn = open_office(max_exports_per_hour=2).logged_in("finn")

    assert finn.get(f"{ORDERS}export.csv").status_code == 200
    assert len(sheet_of(finn, ORDERS)) == 1
    assert finn.get(f"{ORDERS}export.xlsx").status_code == 429


@pytest.mark.breaks_the_books
def test_rows_that_fail_are_an_error_page_and_no_half_workbook(office, history, finn, monkeypatch):
    history.attempt()
    monkeypatch.setattr(AmountCell, "text", property(lambda _: 1 / 0))
    office.app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = finn.get(f"{ORDERS}export.xlsx")

    assert answer.status_code == 500
    assert answer.mimetype == "text/html"


def test_taking_a_list_away_changes_no_row(office, finn):
    with office.database.read() as connection:
        before = connection.scalar(select(func.count()).select_from(OrderRow))
    sheet_of(finn, ORDERS)
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(OrderRow)) == before
