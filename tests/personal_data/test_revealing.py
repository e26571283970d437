"""Finance sees who a customer is, with a reason and a fresh answer; others do not, on both
databases."""

import csv
import io

import pytest
from sqlalchemy import select, update

from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow
from payorch.presentation.backoffice.shell import exported_list
from tests.personal_data.conftest import CANARY, TRACES, SealedShop
from tests.presentation.backoffice.office import Office
from tests.presentation.backoffice.test_step_up import QUESTION, answered, let_time_pass

WHY = {"reason": "She asks on the phone."}


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


@pytest.fixture
def shop(database, sandbox, office):
    return SealedShop(database, sandbox_url=sandbox.base_url, methods=[])


def address_of(order_id):
    return f"/admin/orders/{order_id}/customer"


def asked(visitor, order_id, form=WHY, **options):
    return visitor.post(address_of(order_id), form, token_from="/admin/account/", **options)


def journalled(office, *actions):
    with office.database.read() as connection:
        return connection.execute(
            select(JournalRow.actor, JournalRow.subject, JournalRow.reason, JournalRow.after)
            .where(JournalRow.action.in_(actions))
            .order_by(JournalRow.id)
        ).all()


def test_the_customer_is_shown_on_that_answer_only_and_journalled(shop, office):
    order_id = shop.paid()
    finn = office.logged_in("finn")
    before = finn.get(f"/admin/orders/{order_id}").text
    assert f'href="{address_of(order_id)}"' in before
    assert "Kept in the journal for ever" in finn.get(address_of(order_id)).text

    shown = asked(finn, order_id)

    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    for text in (CANARY["name"], CANARY["email"], *CANARY["fields"].values()):
        assert text in shown.text
    for path in (f"/admin/orders/{order_id}", address_of(order_id), "/admin/orders/"):
        assert not any(trace in finn.get(path).text for trace in TRACES)
    (entry,) = journalled(office, "customer_revealed")
    assert (entry.actor, entry.subject) == ("finn@example.org", f"order:{order_id}")
    assert entry.reason == WHY["reason"]
    assert not any(trace in str(entry) for trace in TRACES)
    assert "looked at the customer of" in finn.get(f"/admin/orders/{order_id}").text


@pytest.mark.parametrize("reason", ["", "  ", "x" * (MAX_REASON_LENGTH + 1)])
def test_without_a_reason_nothing_is_shown(shop, office, reason):
    order_id = shop.paid()

    answer = asked(office.logged_in("finn"), order_id, {"reason": reason}, follow_redirects=True)

    assert "Nothing was shown." in answer.text
    assert not any(trace in answer.text for trace in TRACES)
    assert journalled(office, "customer_revealed") == []


def test_a_login_of_long_ago_is_asked_who_it_is_first(shop, office):
    order_id = shop.paid()
    finn = office.logged_in("finn")
    let_time_pass(office)

    question = asked(finn, order_id)

    assert QUESTION in question.text
    assert CANARY["name"] not in question.text
    assert journalled(office, "customer_revealed") == []
    assert CANARY["name"] in answered(finn, question).text
    assert len(journalled(office, "customer_revealed")) == 1


@pytest.mark.parametrize("name", ["vera", "olga", "ada", "ari"])
def test_others_are_refused_and_that_is_journalled(shop, office, name):
    order_id = shop.paid()
    visitor = office.logged_in(name)

    assert address_of(order_id) not in visitor.get(f"/admin/orders/{order_id}").text
    assert visitor.get(address_of(order_id)).status_code == 403
    refused = asked(visitor, order_id)

    assert refused.status_code == 403
    assert CANARY["name"] not in refused.text
    assert journalled(office, "customer_revealed") == []
    assert [entry.subject for entry in journalled(office, "access_refused")] == [
        f"page:{address_of(order_id)}"
    ] * 2


def test_whoever_is_erased_or_unreadable_is_not_asked_for(shop, office):
    erased, broken, unnamed = shop.paid(), shop.paid(), shop.order(customer=None).id
    services = office.services
    services.erase_customer.of_order(erased, actor="finn@example.org", reason="By letter.")
    with shop.database.tx() as connection:
        connection.execute(
            update(OrderRow).where(OrderRow.public_id == broken).values(customer_sealed=b"\2broken")
        )
    finn = office.logged_in("finn")

    for order_id, because in (
        (erased, "Erased on"),
        (broken, "cannot be read"),
        (unnamed, "names no customer"),
    ):
        for answer in (
            finn.get(address_of(order_id), follow_redirects=True),
            asked(finn, order_id, follow_redirects=True),
        ):
            assert answer.status_code == 200
            assert because in answer.text, order_id
    assert journalled(office, "customer_revealed") == []


def test_an_order_that_is_not_there_shows_nobody(office):
    assert asked(office.logged_in("finn"), "po_nobody").status_code == 404


def test_it_is_not_shown_by_a_link_from_elsewhere(shop, office):
    order_id = shop.paid()
    finn = office.logged_in("finn")

    without_token = finn.client.post(address_of(order_id), data=WHY)
    from_elsewhere = asked(finn, order_id, headers={"Sec-Fetch-Site": "cross-site"})

    assert (without_token.status_code, from_elsewhere.status_code) == (400, 403)
    assert journalled(office, "customer_revealed") == []


EXPORT = "/admin/orders/with-customers"


def taken(visitor, form, page=EXPORT):
    answer = visitor.post(page, form, token_from="/admin/account/", buffered=True)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/csv"
    return {line["order"]: line for line in csv.DictReader(io.StringIO(answer.text))}


def test_the_plain_file_is_masked_for_everybody(shop, office):
    order_id, erased = shop.paid(), shop.paid()
    office.services.erase_customer.of_order(erased, actor="finn", reason="By letter.")

    for name in ("finn", "ari"):
        text = office.logged_in(name).get("/admin/orders/export.csv", buffered=True).text
        lines = {line["order"]: line for line in csv.DictReader(io.StringIO(text))}
        assert lines[order_id]["customer_name"] == "Z••• K•••"
        assert lines[order_id]["customer_email"] == "z•••@example.com"
        assert lines[erased]["customer_name"] == "erased"
        assert not any(trace in text for trace in TRACES)


def test_finance_takes_the_filter_away_with_its_customers_for_a_reason(shop, office, monkeypatch):
    monkeypatch.setattr(exported_list, "ROWS_AT_ONCE", 1)
    mine, other = shop.paid(), shop.paid(email="else@example.com", name="=Else")
    finn = office.logged_in("finn")
    form = finn.get(EXPORT, query_string={"search": CANARY["email"]}).text
    assert f'name="search" value="{CANARY["email"]}"' in form

    everything = taken(finn, WHY)
    found = taken(finn, WHY | {"search": CANARY["email"], "status": "paid"})

    assert everything[mine]["customer_name"] == CANARY["name"]
    assert everything[mine]["customer_email"] == CANARY["email"]
    assert everything[other]["customer_name"] == "'=Else"
    assert set(found) == {mine}
    entries = journalled(office, "customers_exported")
    assert [(entry.actor, entry.reason) for entry in entries] == [
        ("finn@example.org", WHY["reason"])
    ] * 2
    assert entries[1].after["filters"] == "status=paid&search=z•••@example.com"
    assert not any(trace in str(entries) for trace in TRACES)


def test_an_address_that_was_searched_for_is_not_kept_in_the_journal(shop, office):
    office.logged_in("ari").get(
        "/admin/orders/export.csv", query_string={"search": CANARY["email"]}
    )

    (entry,) = journalled(office, "figures_exported")

    assert entry.after["filters"] == "search=z•••@example.com"


def test_the_file_is_asked_for_by_a_form_a_reason_and_a_fresh_answer(shop, office):
    shop.paid()
    finn = office.logged_in("finn")
    before = finn.get("/admin/orders/")
    assert f'href="{EXPORT}"' in before.text

    without_reason = finn.post(EXPORT, {"reason": " "}, token_from="/admin/account/")
    odd_filter = finn.post(EXPORT, WHY | {"status": "sold"}, token_from="/admin/account/")
    assert (without_reason.status_code, odd_filter.status_code) == (422, 422)
    let_time_pass(office)
    question = finn.post(EXPORT, WHY, token_from="/admin/account/")

    assert QUESTION in question.text
    assert journalled(office, "customers_exported") == []
    assert CANARY["email"] in answered(finn, question, buffered=True).text


@pytest.mark.parametrize("name", ["vera", "olga", "ada", "ari"])
def test_others_take_no_customers_away(shop, office, name):
    shop.paid()
    visitor = office.logged_in(name)

    assert EXPORT not in visitor.get("/admin/orders/").text
    assert visitor.get(EXPORT).status_code == 403
    assert visitor.post(EXPORT, WHY, token_from="/admin/account/").status_code == 403
    assert journalled(office, "customers_exported") == []
