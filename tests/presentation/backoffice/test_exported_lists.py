"""Orders, transactions and refunds as CSV: exactly the list's filter, for finance and auditors."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow
from payorch.presentation.backoffice.shell import exported_list
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.test_refunds import FinanceDesk

ORDERS, TRANSACTIONS, REFUNDS = (
    f"/admin/{name}/" for name in ("orders", "transactions", "refunds")
)


@pytest.fixture
def history(office):
    return MetricsHistory(office.database, FrozenClock(office.services.clock.now()))


@pytest.fixture
def finn(office):
    return office.logged_in("finn")


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr(exported_list, "ROWS_AT_ONCE", 3)


def taken(visitor, page, **query):
    """The lines of the CSV, as dictionaries."""
    answer = visitor.get(f"{page}export.csv", query_string=query)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.breaks_the_books
def test_every_transaction_of_the_filter_is_in_it_once(history, finn, few_at_once):
    now = history.clock.now()
    with history.together():
        for number in range(20):
            history.attempt(
                at=now - timedelta(minutes=number % 4),
                provider=["alpha", "beta"][number % 2],
                status=Status.DECLINED if number % 3 else Status.APPROVED,
                currency="JPY" if number == 4 else "EUR",
            )

    everything = taken(finn, TRANSACTIONS)
    betas = taken(finn, TRANSACTIONS, provider="beta", status="declined")
    since = taken(finn, TRANSACTIONS, since=f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.%f}")

    assert len({line["transaction"] for line in everything}) == len(everything) == 20
    assert {(line["provider"], line["status"]) for line in betas} == {("beta", "declined")}
    assert len(betas) == sum(1 for number in range(20) if number % 2 and number % 3)
    assert len(since) == 10
    assert [line["started_at"] for line in since] == sorted(
        (line["started_at"] for line in since), reverse=True
    )
    assert {line["amount"] for line in everything} == {"10.00", "1000"}


def test_refunds_and_orders_tell_what_went_back_and_no_customer(open_office, database_url, sandbox):
    desk = FinanceDesk(open_office, database_url, sandbox)
    order_id = desk.paid_order(1999)
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="Torn"))

    (refund,) = taken(desk.finn, REFUNDS)
    (order,) = taken(desk.finn, ORDERS)

    assert (refund["order"], refund["amount"], refund["status"]) == (order_id, "5.00", "succeeded")
    assert (refund["reason"], refund["requested_by"]) == ("Torn", "finn@example.org")
    assert (order["order"], order["amount"], order["refunded"]) == (order_id, "19.99", "5.00")
    customer = desk.office.services.orders.by_id(order_id).order.customer
    assert customer.email not in str([refund, order])
    assert customer.name not in str([refund, order])


@pytest.mark.breaks_the_books
def test_what_others_wrote_starts_no_formula(office, history, finn):
    history.attempt()
    with office.database.tx() as connection:
        connection.execute(update(OrderRow).values(description="=HYPERLINK(1)"))

    (order,) = taken(finn, ORDERS)

    assert order["description"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("page", [ORDERS, TRANSACTIONS, REFUNDS])
def test_who_may_not_take_it_away_is_not_offered_it(office, finn, page):
    olga = office.logged_in("olga")

    assert olga.get(f"{page}export.csv").status_code == 403
    assert "export.csv" not in olga.get(page).text
    assert "export.csv" in finn.get(page).text
    assert taken(office.logged_in("ari"), page) == []


@pytest.mark.parametrize("page", [ORDERS, TRANSACTIONS, REFUNDS])
def test_a_filter_that_makes_no_sense_takes_nothing_away(finn, page):
    assert finn.get(f"{page}export.csv", query_string={"status": "sold"}).status_code == 422


def test_it_is_journalled_with_its_filter(office, finn):
    taken(finn, TRANSACTIONS, provider="beta")

    with office.database.read() as connection:
        (entry,) = connection.execute(
            select(JournalRow.actor, JournalRow.subject, JournalRow.after).where(
                JournalRow.action == "figures_exported"
            )
        )
    assert entry.actor == "finn@example.org"
    assert "transactions" in entry.subject
    assert "provider=beta" in str(entry.after)


@pytest.mark.parametrize("page", [ORDERS, TRANSACTIONS, REFUNDS])
def test_a_file_gives_its_connection_back(open_office, database_url, page):
    office = open_office(database_url)
    finn, pool = office.logged_in("finn"), office.database.engine.pool

    assert taken(finn, page) == []
    stopped = finn.get(f"{page}export.csv")
    stopped.close()

    assert pool.checkedout() == 0
