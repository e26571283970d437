"""Columns and saved views of one's own: for one person and one list, on each database."""

import html
import re

import pytest
from sqlalchemy import func, insert, select

from payorch.application.own_lists import MAX_FILTERS_LENGTH, MAX_VIEW_NAME, MAX_VIEWS
from payorch.domain.errors import ListViewRefused
from payorch.infrastructure.persistence.tables import ListColumnsRow, ListViewRow
from tests.shop import an_order

ORDERS, TRANSACTIONS = "/admin/orders/", "/admin/transactions/"
PAID = {"status": "paid"}


@pytest.fixture
def office(open_office, database_url):
    return open_office(database_url)


@pytest.fixture
def finn(office):
    return office.logged_in("finn")


def headings(visitor, page=ORDERS):
    table = visitor.get(page).text.split('<table class="list-table">')[-1]
    return re.findall(r"<th[^>]*>([^<]*)</th>", table)


def tabs(visitor, page=ORDERS, **query):
    """(name, address, is current) of each tab."""
    text = visitor.get(page, query_string=query).text
    bar = re.search(r'<nav class="tabs" aria-label="Saved views">(.*?)</nav>', text, re.DOTALL)[1]
    found = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)</a>', bar)
    return [
        (html.unescape(name), html.unescape(address), bool(mark)) for address, mark, name in found
    ]


def names(visitor, page=ORDERS):
    return [name for name, _, _ in tabs(visitor, page)]


def choose(visitor, *columns, page=ORDERS, **fields):
    return visitor.post(f"{page}columns", {"column": list(columns), **fields}, token_from=page)


def save(visitor, name, page=ORDERS, **filters):
    answer = visitor.post(
        f"{page}views", {"name": name}, token_from=page, query_string=filters or PAID
    )
    assert answer.status_code == 303
    return said(visitor, page)


def act(visitor, what, view, name="", page=ORDERS):
    answer = visitor.post(f"{page}views/{what}", {"view": view, "name": name}, token_from=page)
    assert answer.status_code == 303
    return said(visitor, page)


def said(visitor, page):
    return html.unescape(visitor.get(page).text)


def view_of(visitor, name, page=ORDERS):
    (found,) = [
        view_id
        for view_id, shown in re.findall(
            r'id="(lv_[0-9a-f]+)" name="name" value="([^"]*)"', visitor.get(page).text
        )
        if html.unescape(shown) == name
    ]
    return found


def test_a_list_shows_the_chosen_columns_in_its_own_order(finn):
    choose(finn, "status", "country", "public_id")

    assert headings(finn) == ["Order", "Status", "Country"]
    assert "Columns (your own)" in finn.get(ORDERS).text


def test_a_hidden_column_that_was_chosen_shows_its_values(office, finn):
    office.services.create_order.execute(an_order())

    choose(finn, "public_id", "country", "merchant_reference", "expires_at")

    assert re.search(r'data-label="Country"><span>[A-Z]{2}</span>', finn.get(ORDERS).text)


def test_columns_are_of_one_person_and_one_list(office, finn):
    choose(finn, "public_id")

    assert len(headings(office.logged_in("vera"))) == 8
    assert len(headings(finn, TRANSACTIONS)) == 9
    assert headings(office.logged_in("finn")) == ["Order"]


@pytest.mark.parametrize("how", ["reset", "the list's own"])
def test_the_lists_own_columns_come_back(office, finn, how):
    before = headings(finn)
    choose(finn, "public_id")
    choose(finn, "public_id", "status")

    if how == "reset":
        choose(finn, "status", reset="yes")
    else:
        view = office.app.extensions["admin"][0]._views
        orders = next(it for it in view if it.endpoint == "backoffice_orders")
        choose(finn, *orders.column_list)

    assert headings(finn) == before
    assert "(your own)" not in finn.get(ORDERS).text
    with office.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(ListColumnsRow)) == 0


def test_no_column_is_refused_and_unknown_ones_do_not_count(finn):
    before = headings(finn)

    choose(finn, "password", "id")

    assert "at least one column" in finn.get(ORDERS).text
    assert headings(finn) == before


def test_columns_that_a_list_no_longer_has_give_its_own(office, finn):
    choose(finn, "public_id")
    with office.database.tx() as connection:
        connection.execute(ListColumnsRow.__table__.update().values(columns=["gone"]))

    assert len(headings(finn)) == 8


def test_the_csv_keeps_all_columns(finn):
    full = finn.get(f"{ORDERS}export.csv").text
    choose(finn, "public_id")

    assert finn.get(f"{ORDERS}export.csv").text == full


def test_choosing_keeps_the_list_where_it_was(finn):
    answer = finn.post(
        f"{ORDERS}columns",
        {"column": "status"},
        token_from=ORDERS,
        query_string={"status": "paid", "search": "x", "after": "po_1"},
    )

    assert answer.status_code == 303
    assert answer.location == "/admin/orders/?status=paid&search=x&after=po_1"


def test_a_saved_view_is_a_tab_after_the_lists_own(finn):
    save(finn, "Big ones", currency="EUR", at_least="100")
    save(finn, "a first one")

    own = tabs(finn)[4:]
    assert [name for name, _, _ in own] == ["a first one", "Big ones"]
    assert own[1][1] == "/admin/orders/?currency=EUR&at_least=100"
    current = [name for name, _, is_current in tabs(finn, status="paid") if is_current]
    assert current == ["a first one"]


def test_what_is_searched_for_and_the_place_are_not_kept(office, finn):
    finn.post(
        f"{ORDERS}views",
        {"name": "Ana"},
        token_from=ORDERS,
        query_string={"status": "paid", "search": "ana@example.com", "after": "po_1"},
    )

    with office.database.read() as connection:
        assert connection.scalar(select(ListViewRow.filters)) == PAID
    page = finn.get(ORDERS, query_string={"status": "paid", "search": "ana@example.com"}).text
    assert "What is searched for is not kept" in page


def test_a_view_is_renamed_and_deleted(finn):
    save(finn, "Paid")
    view = view_of(finn, "Paid")

    assert "has its new name" in act(finn, "rename", view, "Paid ones")
    assert names(finn)[4:] == ["Paid ones"]
    assert "is deleted" in act(finn, "delete", view)
    assert names(finn)[4:] == []
    assert "no such view of yours" in act(finn, "delete", view)
    assert "no such view of yours" in act(finn, "rename", view, "Back again")


def test_the_same_name_in_other_letters_is_the_same_view(finn):
    save(finn, "Paid")
    save(finn, "Other")

    assert act(finn, "rename", view_of(finn, "Paid"), "PAID").count("has its new name") == 1
    assert "You have a view 'paid'" in save(finn, "paid")
    assert "You have a view 'other'" in act(finn, "rename", view_of(finn, "PAID"), "other")
    assert "has a view 'confirming' of its own" in save(finn, "confirming")
    assert "is saved" in save(finn, "Paid", TRANSACTIONS, status="declined")


def test_views_are_of_one_person_and_one_list(office, finn):
    save(finn, "Paid")
    view = view_of(finn, "Paid")
    vera = office.logged_in("vera")

    assert names(vera)[4:] == []
    assert names(finn, TRANSACTIONS)[4:] == []
    assert "no such view of yours" in act(vera, "delete", view)
    assert "no such view of yours" in act(vera, "rename", view, "Mine")
    assert "no such view of yours" in act(finn, "delete", view, page=TRANSACTIONS)
    assert "no such view of yours" in act(finn, "rename", view, "Mine", page=TRANSACTIONS)
    assert names(finn)[4:] == ["Paid"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "Give the view a name"),
        (" \u200b\x07 ", "Give the view a name"),
        ("x" * (MAX_VIEW_NAME + 1), "at most 40 characters"),
    ],
)
def test_a_name_that_cannot_be_is_refused(finn, name, problem):
    assert problem in save(finn, name)
    assert names(finn)[4:] == []


def test_a_name_is_text_and_nothing_else(finn):
    save(finn, "<b>{{7*7}}</b>  \u202ex")

    assert names(finn)[4:] == ["<b>{{7*7}}</b> x"]
    assert "<b>" not in finn.get(ORDERS).text


def test_the_twenty_first_view_is_refused(office, finn):
    save(finn, "First")
    with office.database.tx() as connection:
        row = connection.execute(select(ListViewRow.__table__)).mappings().one()
        connection.execute(
            insert(ListViewRow),
            [
                {**row, "id": number, "public_id": f"lv_{number}", "name": f"View {number}"}
                for number in range(1001, 1000 + MAX_VIEWS)
            ],
        )

    assert "which is the most" in finn.get(ORDERS, query_string=PAID).text
    assert "You have 20 views" in save(finn, "One more")
    assert len(names(finn)) == 4 + MAX_VIEWS
    assert "is saved" in save(finn, "Of another", TRANSACTIONS, status="declined")


def test_a_view_without_filters_or_with_senseless_ones_is_not_saved(finn):
    finn.post(f"{ORDERS}views", {"name": "All again"}, token_from=ORDERS)
    assert "Set a filter first" in said(finn, ORDERS)
    assert "Nothing was saved" in save(finn, "Odd", status="sold")
    assert names(finn)[4:] == []


def test_filters_that_are_too_long_are_refused(office):
    lists = office.services.arrange_lists
    with pytest.raises(ListViewRefused, match="too long"):
        lists.save_view("finn@example.org", "orders", "x", {"a": "b" * MAX_FILTERS_LENGTH})


def test_somebody_without_an_account_has_the_lists_own_and_arranges_nothing(office):
    lists = office.services.arrange_lists

    assert lists.of("nobody@example.org", "orders").columns is None
    with pytest.raises(ListViewRefused, match="an account"):
        lists.save_view("nobody@example.org", "orders", "x", PAID)


def test_a_view_that_is_not_there_is_a_fact_with_a_name(office, finn):
    with pytest.raises(ListViewRefused, match="no such view"):
        office.services.arrange_lists.delete_view("finn@example.org", "orders", "lv_x")
