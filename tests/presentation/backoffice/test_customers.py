"""The list of customers and the page of one: masked, added up, and forgotten from there."""

import csv
import io
import re

import pytest
from sqlalchemy import select, update

from payorch.infrastructure.persistence.tables import OrderRow
from payorch.presentation.backoffice.shell import exported_list
from tests.personal_data.conftest import CANARY, TRACES, SealedShop
from tests.presentation.backoffice.customers_list import LIST, lines_of
from tests.presentation.backoffice.office import Office
from tests.presentation.backoffice.test_step_up import QUESTION, answered, let_time_pass
from tests.shop import a_customer


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


@pytest.fixture
def shop(database, sandbox, office):
    return SealedShop(database, sandbox_url=sandbox.base_url, methods=[])


def key_of(shop, order_id):
    with shop.database.read() as connection:
        return connection.scalar(
            select(OrderRow.customer_email_index).where(OrderRow.public_id == order_id)
        )


def test_each_address_is_one_masked_line_with_what_it_bought(shop, office):
    first, other = shop.paid(), shop.paid(name="Else", email="else@example.com")
    shop.order(customer=a_customer(**CANARY | {"email": CANARY["email"].upper()}))
    shop.order(customer=None)
    vera = office.logged_in("vera")

    page = vera.get(LIST).text
    newest, older = lines_of(page)

    assert (newest["Customer"], newest["Orders"]) == ("Z••• K••• z•••@example.com", "2")
    assert (newest["Paid"], newest["Refunded"]) == ("€19.99", "-")
    assert (older["Customer"], older["Orders"]) == ("E••• e•••@example.com", "1")
    assert "2 found" in page
    assert not any(trace in page for trace in TRACES)
    (found,) = lines_of(vera.get(LIST, query_string={"search": CANARY["email"].upper()}).text)
    assert found == newest
    assert lines_of(vera.get(LIST, query_string={"search": "zebulon"}).text) == []
    assert key_of(shop, first) != key_of(shop, other)


def test_filters_are_of_the_last_order_and_flags_of_any(shop, office):
    flagged = shop.paid()
    shop.paid()
    shop.paid(email="else@example.com")
    with shop.database.tx() as connection:
        connection.execute(
            update(OrderRow).where(OrderRow.public_id == flagged).values(flag="amount_mismatch")
        )
    vera = office.logged_in("vera")

    def found(**query):
        return [line["Orders"] for line in lines_of(vera.get(LIST, query_string=query).text)]

    assert found(flag="open") == found(flag="any") == ["2"]
    assert found(country="ES") + found(country="DE") in (["1", "2"], ["2", "1"])
    assert found(since="2000-01-01T00:00") == ["1", "2"]
    assert found(until="2000-01-01T00:00") == []
    assert vera.get(LIST, query_string={"flag": "odd"}).status_code == 422


def test_pages_and_the_file_have_every_customer_once(shop, office, monkeypatch):
    for number in (1, 2, 1, 3, 4, 2, 5):
        shop.order(customer=a_customer(email=f"c{number}@example.com"))
    monkeypatch.setattr(exported_list, "ROWS_AT_ONCE", 2)
    view = next(it for it in office.app.extensions["admin"][0]._views if it.name == "Customers")
    monkeypatch.setattr(view, "page_size", 2)
    ari, read, address = office.logged_in("ari"), [], LIST

    while address:
        page = ari.get(address).text
        read += lines_of(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following and following[1].replace("&amp;", "&")
    answer = ari.get(f"{LIST}export.csv")
    file = list(csv.DictReader(io.StringIO(answer.text)))

    assert [line["Orders"] for line in read] == ["1", "2", "1", "1", "2"]
    assert [line["orders"] for line in file] == ["1", "2", "1", "1", "2"]
    assert len({line["customer"] for line in file}) == 5
    assert {line["customer_email"] for line in file} == {"c•••@example.com"}
    assert office.logged_in("vera").get(f"{LIST}export.csv").status_code == 403


def test_a_page_goes_on_where_it_ended_when_its_customer_has_bought_again(shop, office):
    for number in (1, 2, 3):
        shop.order(customer=a_customer(email=f"c{number}@example.com"))
    with shop.database.read() as connection:
        last_shown = connection.scalars(select(OrderRow.public_id).order_by(OrderRow.id)).all()[1]
    shop.order(customer=a_customer(email="c2@example.com"))

    page = office.logged_in("vera").get(LIST, query_string={"after": last_shown}).text

    assert len(lines_of(page)) == 1


def test_the_page_of_a_customer_leads_to_their_orders(shop, office):
    mine, other = shop.paid(), shop.paid(email="else@example.com")
    finn = office.logged_in("finn")
    path = f"{LIST}{key_of(shop, mine)}"

    page = finn.get(path).text

    assert path in finn.get(f"/admin/orders/{mine}").text
    assert f'href="/admin/orders/{mine}"' in page
    assert other not in page
    assert f"/admin/orders/{mine}/customer" in page
    assert not any(trace in page for trace in TRACES)
    orders = finn.get("/admin/orders/", query_string={"customer": key_of(shop, mine)}).text
    assert mine in orders
    assert other not in orders


@pytest.mark.parametrize("key", ["x", "0" * 32, "%00", "A" * 32, "0" * 33])
def test_a_customer_who_is_not_there_is_not_found(office, key):
    assert office.logged_in("ada").get(f"{LIST}{key}").status_code == 404
    assert office.logged_in("ada").get(f"{LIST}{key}/erase").status_code == 404


def test_a_customer_is_erased_from_all_orders_that_are_over(shop, office):
    over = [shop.paid(), shop.paid()]
    still_open = shop.order(customer=a_customer(**CANARY)).id
    path = f"{LIST}{key_of(shop, over[0])}"
    ada, vera = office.logged_in("ada"), office.logged_in("vera")
    assert vera.get(f"{path}/erase").status_code == 403
    assert "overwritten for ever" in ada.get(f"{path}/erase").text
    let_time_pass(office)

    question = ada.post(f"{path}/erase", {"reason": "By letter."}, token_from="/admin/account/")
    assert QUESTION in question.text
    assert shop.view(over[0]).order.customer is not None
    done = answered(ada, question, follow_redirects=True).text

    assert "Erased from 2 orders." in done
    assert f"{still_open} stays: It can still be paid" in done
    assert [shop.view(order_id).order.customer for order_id in over] == [None, None]
    assert shop.view(still_open).order.customer is not None


def test_an_erased_customer_is_in_no_list(shop, office):
    key = key_of(shop, shop.paid())
    finn = office.logged_in("finn")

    done = finn.post(
        f"{LIST}{key}/erase",
        {"reason": "By letter."},
        token_from="/admin/account/",
        follow_redirects=True,
    )

    assert "Erased from 1 order." in done.text
    assert lines_of(done.text) == []
    assert finn.get(f"{LIST}{key}").status_code == 404


def test_without_a_reason_nobody_is_erased(shop, office):
    order_id = shop.paid()
    path = f"{LIST}{key_of(shop, order_id)}/erase"

    answer = office.logged_in("finn").post(
        path, {"reason": " "}, token_from="/admin/account/", follow_redirects=True
    )

    assert "Nothing was erased." in answer.text
    assert shop.view(order_id).order.customer is not None
