"""Sealed, unreadable and erased customers in the back office, on both databases."""

import re

import pytest
from sqlalchemy import update

from payorch.infrastructure.persistence.tables import NoticeRow, OrderRow
from tests.personal_data.conftest import CANARY, SealedShop
from tests.presentation.backoffice.office import Office
from tests.shop import a_customer

MASKED_NAME, MASKED_EMAIL = "Z••• K•••", "z•••@example.com"


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


@pytest.fixture
def shop(database, sandbox, office):
    return SealedShop(database, sandbox_url=sandbox.base_url, methods=[])


def letter_path(shop):
    return f"/admin/emails/{shop.notices()[-1]['public_id']}"


def test_lists_search_and_pages_show_a_sealed_customer_masked(shop, office):
    order_id, stranger = shop.paid(), shop.paid(name="Else", email="else@example.com")
    viewer = office.logged_in("vera")

    for page in ("orders", "transactions"):
        found = viewer.get(f"/admin/{page}/?search={CANARY['email'].upper()}").text
        assert order_id in found
        assert MASKED_NAME in found
        assert CANARY["name"] not in found
        assert stranger not in found
    page = viewer.get(f"/admin/orders/{order_id}").text
    assert MASKED_EMAIL in page
    assert CANARY["email"] not in page


def test_old_rows_are_found_by_their_address_before_and_after_the_job(shop, office):
    order_id = shop.paid()
    shop.put_in_clear(order_id)
    viewer = office.logged_in("vera")

    for _ in range(2):
        assert order_id in viewer.get(f"/admin/orders/?search={CANARY['email']}").text
        letters = viewer.get(f"/admin/emails/?to={CANARY['email']}").text
        assert letters.count("/admin/emails/no_") >= 2
        assert shop.wired.seal.seal()


def test_what_cannot_be_read_is_said_in_its_own_place_only(shop, office):
    broken, whole = shop.paid(), shop.paid(name="Whole Person")
    path = letter_path(shop)
    with shop.database.tx() as connection:
        connection.execute(
            update(OrderRow).where(OrderRow.public_id == broken).values(customer_sealed=b"\2broken")
        )
        connection.execute(update(NoticeRow).values(sealed=b"\2broken"))
    viewer = office.logged_in("vera")

    orders = viewer.get("/admin/orders/")
    page = viewer.get(f"/admin/orders/{broken}")
    letters, letter = viewer.get("/admin/emails/"), viewer.get(path)

    assert (orders.status_code, page.status_code) == (200, 200)
    assert "cannot be read" in orders.text
    assert "W••• P•••" in orders.text
    assert "It cannot be read:" in page.text
    assert (letters.status_code, letter.status_code) == (200, 200)
    assert "This letter cannot be read" in letter.text
    assert viewer.get(f"/admin/orders/{whole}").status_code == 200


@pytest.mark.parametrize("name", ["finn", "ada"])
def test_finance_and_admin_erase_a_customer_with_a_reason(shop, office, name):
    order_id = shop.paid()
    path = letter_path(shop)
    visitor = office.logged_in(name)
    address = f"/admin/orders/{order_id}/erase"
    asked = visitor.get(address).text
    assert "Notes of the staff stay" in asked

    done = visitor.post(
        address, {"reason": "By letter."}, token_from=address, follow_redirects=True
    ).text

    assert "The customer of this order is erased." in done
    assert re.search(rf"Erased on [^.]+ UTC by {name}@example.org", done)
    assert CANARY["name"] not in done
    assert "Erased with the customer" in visitor.get(path).text
    assert f"{address}" not in done
    journal = office.logged_in("ada").get("/admin/journal/").text
    assert "erased the customer of" in journal


@pytest.mark.parametrize("name", ["vera", "olga", "ari"])
def test_others_are_not_let_near_it(shop, office, name):
    order_id = shop.paid()
    visitor = office.logged_in(name)

    assert visitor.get(f"/admin/orders/{order_id}/erase").status_code == 403
    assert "/erase" not in visitor.get(f"/admin/orders/{order_id}").text
    refused = visitor.post(
        f"/admin/orders/{order_id}/erase", {"reason": "x"}, token_from="/admin/account/"
    )
    assert refused.status_code == 403
    assert shop.view(order_id).order.customer is not None


def test_an_open_order_is_refused_with_a_sentence(shop, office):
    order_id = shop.order(customer=a_customer(**CANARY)).id
    finance = office.logged_in("finn")

    page = finance.get(f"/admin/orders/{order_id}/erase", follow_redirects=True).text

    assert "cannot be erased. It can still be paid" in page


def test_a_login_of_long_ago_is_asked_who_it_is_before_it_erases(shop, office):
    from datetime import timedelta

    from payorch.infrastructure.persistence.tables import StaffSessionRow

    order_id = shop.paid()
    finance = office.logged_in("finn")
    with shop.database.tx() as connection:
        at = shop.services.clock.now() - timedelta(minutes=6)
        connection.execute(update(StaffSessionRow).values(verified_at=at))
    address = f"/admin/orders/{order_id}/erase"

    asked = finance.post(address, {"reason": "By letter."}, token_from=address)

    assert asked.status_code == 403
    assert shop.view(order_id).order.customer is not None
