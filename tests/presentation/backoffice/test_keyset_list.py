import re
from urllib.parse import parse_qs, urlsplit

import pytest

from payorch.presentation.backoffice.shell import keyset_list
from payorch.presentation.backoffice.shell.bounded_work import TooMuchWork, answered_within
from payorch.presentation.backoffice.shell.exact_filters import TextFilter
from tests.presentation.backoffice.toy_site import (
    STAFF_HEADER,
    ParcelRow,
    ParcelsView,
    toy_app,
)

VISIBLE = [f"pc_{number:03}" for number in range(25, 0, -1) if number != 7]


@pytest.fixture(scope="module")
def app():
    return toy_app()


@pytest.fixture
def read(app):
    def read(address="/admin/parcels/", **query):
        return app.test_client().get(
            address, headers={STAFF_HEADER: "finn"}, query_string=query or None
        )

    return read


def ids_in(response):
    return re.findall(r"pc_\d{3}(?=</span>)", response.text)


def link(response, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def test_pages_follow_each_other_without_gap_or_repetition(read):
    page, seen = read(), []
    while True:
        seen += ids_in(page)
        if not (older := link(page, "next")):
            break
        page = read(older)

    assert seen == VISIBLE


def test_going_back_shows_the_same_pages(read):
    first = read()
    second = read(link(first, "next"))
    third = read(link(second, "next"))

    back = read(link(third, "prev"))

    assert ids_in(back) == ids_in(second)
    assert ids_in(read(link(back, "prev"))) == ids_in(first)
    assert link(first, "prev") is None
    assert link(third, "next") is None


def test_pages_keep_the_filter_and_carry_no_integer_key(read):
    older = link(read(color="red"), "next")

    assert parse_qs(urlsplit(older).query) == {"color": ["red"], "after": ["pc_005"]}


@pytest.mark.parametrize("name", ["after", "before", "search", "part"])
def test_a_filter_cannot_be_called_as_something_else_in_the_address_is(name):
    class Misnamed(ParcelsView):
        exact_filters = (TextFilter(name=name, label="Label", column=ParcelRow.label),)

    with pytest.raises(TypeError, match=name):
        Misnamed(ParcelRow, None, name="Misnamed", endpoint="misnamed")


def test_row_inserted_meanwhile_does_not_shift_the_next_page(read):
    assert ids_in(read(after="pc_016")) == VISIBLE[10:20]


@pytest.mark.parametrize("cursor", ["pc_999", "\0", "1", "x" * 5000])
def test_cursor_that_names_no_row_gives_the_newest_page(read, cursor):
    assert ids_in(read(after=cursor)) == VISIBLE[:10]


def test_time_range_pages_by_time_and_splits_rows_of_the_same_moment(read):
    query = {"since": "2026-03-01T12:02", "until": "2026-03-01T14:08:00+02:00"}
    first = read(**query)
    second = read(link(first, "next"))

    expected = [f"pc_{number:03}" for number in range(23, 5, -1) if number != 7]
    assert ids_in(first) + ids_in(second) == expected
    assert ids_in(read(link(second, "prev"))) == ids_in(first)


def test_filters_narrow_together_and_show_as_chips_that_remove_them(read):
    response = read(color="red", currency="EUR", search="label 3")

    assert ids_in(response) == ["pc_003"]
    chips = re.findall(r'class="chip" href="([^"]+)">([^<]+?) <', response.text)
    assert [(text, address.replace("&amp;", "&")) for address, text in chips] == [
        ("Search: label 3", "/admin/parcels/?color=red&currency=EUR"),
        ("Color: Red", "/admin/parcels/?currency=EUR&search=label+3"),
        ("Currency: EUR", "/admin/parcels/?color=red&search=label+3"),
    ]


@pytest.mark.parametrize("text", ["pc_012", "  pc_012 ", "<pc_012>", "pc\0_012"])
def test_search_finds_an_id_as_it_was_pasted(read, text):
    assert ids_in(read(search=text)) == ["pc_012"]


@pytest.mark.parametrize("text", ["pc_0", "%", "_", "pc_007", "' OR '1'='1"])
def test_search_is_exact_and_reaches_no_hidden_row(read, text):
    assert ids_in(read(search=text)) == []


def test_amount_is_compared_in_the_units_of_its_currency(read):
    assert ids_in(read(currency="EUR", least="24")) == ["pc_025", "pc_024"]
    assert ids_in(read(currency="JPY", least="24")) == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"color": "pink"}, "Color: there is no &#39;pink&#39;."),
        ({"since": "yesterday"}, "Since: write a time such as"),
        ({"since": "0001-01-01T00:00+14:00"}, "Since: write a time such as"),
        ({"least": "5"}, "At least: choose a currency as well."),
        ({"least": "5.001", "currency": "EUR"}, "At least: EUR has 2 decimals."),
        ({"least": "NaN", "currency": "EUR"}, "At least: Write the amount"),
    ],
)
def test_filter_that_makes_no_sense_empties_the_list_and_says_why(read, query, message):
    response = read(**query)

    assert response.status_code == 422
    assert message in response.text
    assert ids_in(response) == []


def test_count_is_shown_and_stops_at_the_cap(read, monkeypatch):
    assert "24 found" in read().text

    monkeypatch.setattr("payorch.presentation.backoffice.shell.keyset_list.COUNT_CAP", 20)
    assert "20+ found" in read().text


def test_a_count_that_takes_too_long_is_given_up_and_the_page_is_shown(read, monkeypatch):
    only_within(monkeypatch, keyset_list.PAGE_WITHIN_S)

    assert "Many found" in read().text


def test_what_fits_on_the_first_page_is_counted_there(read, monkeypatch):
    only_within(monkeypatch, keyset_list.PAGE_WITHIN_S)

    assert "1 found" in read(search="pc_003").text


def test_a_page_that_takes_too_long_says_what_to_do(read, monkeypatch):
    only_within(monkeypatch, None)

    answer = read()

    assert answer.status_code == 422
    assert keyset_list.TOO_LONG in answer.text


def only_within(monkeypatch, seconds):
    """The database is always too slow, but for what has so much time."""

    def bounded(session, allowed_s):
        if allowed_s != seconds:
            raise TooMuchWork
        return answered_within(session, allowed_s)

    monkeypatch.setattr(keyset_list, "answered_within", bounded)


def test_values_are_shown_as_text(app, read):
    response = read(search="<script>alert(1)</script>")

    assert "<script>alert" not in response.text
