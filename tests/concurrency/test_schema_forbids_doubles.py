"""The database itself refuses doubles, whoever writes: these tests go around all our code."""

import itertools

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from payorch.domain.payment_status import PaymentStatus
from tests.shop import Shop, a_card

OPEN = ("started", "requires_action", "pending", "unknown")


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


@pytest.fixture
def paid(shop):
    """The id of a paid order."""
    return shop.pay().order_id


@pytest.fixture
def tried_twice(shop, sandbox):
    """The id of a failed order with at least two finished transactions."""
    for account in ("alpha", "beta", "gamma"):
        sandbox.start_outage(account, "not_processed_503")
    order_id = shop.pay(instrument=a_card()).order_id
    assert shop.view(order_id).order.status is PaymentStatus.FAILED
    assert len(shop.statuses(order_id)) == 3
    return order_id


def run(shop, statement: str, **parameters) -> int:
    with shop.database.tx() as connection:
        return connection.execute(text(statement), parameters).rowcount


def refused(shop, statement: str, **parameters) -> str:
    """The database's words. Fails when it took the statement."""
    with pytest.raises(IntegrityError) as caught:
        run(shop, statement, **parameters)
    return str(caught.value.orig)


SET_STATUS = """
    UPDATE transactions SET status = :status
    WHERE sequence = :sequence
      AND order_id = (SELECT id FROM orders WHERE public_id = :order_id)
"""


@pytest.mark.breaks_the_books
def test_a_second_approved_transaction_of_an_order_is_refused(shop, tried_twice):
    assert run(shop, SET_STATUS, status="approved", sequence=1, order_id=tried_twice) == 1

    refused(shop, SET_STATUS, status="approved", sequence=2, order_id=tried_twice)

    assert [status for _, status in shop.statuses(tried_twice)] == [
        *("approved", "not_sent", "not_sent")
    ]


@pytest.mark.breaks_the_books
def test_a_second_open_transaction_of_an_order_is_refused(shop, tried_twice):
    for first, second in itertools.product(OPEN, OPEN):
        assert run(shop, SET_STATUS, status=first, sequence=1, order_id=tried_twice) == 1
        refused(shop, SET_STATUS, status=second, sequence=2, order_id=tried_twice)


def test_copying_an_approved_transaction_is_refused(shop, paid):
    with shop.database.read() as connection:
        columns = [
            name
            for name in connection.exec_driver_sql("SELECT * FROM transactions").keys()  # noqa: SIM118 - a result, not a dict
            if name not in {"id", "public_id", "sequence", "provider_reference"}
        ]
    names = ", ".join(columns)

    refused(
        shop,
        f"INSERT INTO transactions (public_id, sequence, {names})"
        f" SELECT 'pa_copy', 2, {names} FROM transactions",
    )


def test_a_paid_order_cannot_lose_its_status_while_it_names_its_payment(shop, paid):
    for status in set(PaymentStatus) - {PaymentStatus.PAID}:
        change = "UPDATE orders SET status = :status WHERE public_id = :id"
        refused(shop, change, status=status.value, id=paid)


def test_an_order_cannot_be_paid_without_a_transaction(shop, tried_twice):
    refused(shop, "UPDATE orders SET status = 'paid' WHERE public_id = :id", id=tried_twice)


def test_an_order_cannot_be_paid_by_the_transaction_of_another_order(shop, paid, tried_twice):
    refused(
        shop,
        "UPDATE orders SET status = 'paid', paid_transaction_id ="
        " (SELECT paid_transaction_id FROM orders WHERE public_id = :paid) WHERE public_id = :id",
        paid=paid,
        id=tried_twice,
    )


def test_one_payment_of_a_provider_cannot_belong_to_two_transactions(shop, paid):
    other = shop.pay().order_id

    refused(
        shop,
        "UPDATE transactions SET provider_reference ="
        " (SELECT max(provider_reference) FROM transactions)"
        " WHERE provider_reference <> (SELECT max(provider_reference) FROM transactions)",
    )

    assert {shop.view(i).order.status for i in (paid, other)} == {PaymentStatus.PAID}


IMPOSSIBLE = (
    "UPDATE orders SET amount_minor = 0",
    "UPDATE orders SET amount_minor = -1",
    "UPDATE orders SET currency = 'EURO'",
    "UPDATE orders SET currency = ''",
    "UPDATE orders SET status = 'payed'",
    "UPDATE transactions SET status = 'lost'",
    "UPDATE transactions SET amount_minor = 0",
    "UPDATE transactions SET order_id = 999999",
    "UPDATE submissions SET order_id = 999999",
    "DELETE FROM orders",
    "DELETE FROM submissions",
    "DELETE FROM transactions",
)


def test_impossible_values_and_lost_history_are_refused(shop, paid):
    for change in IMPOSSIBLE:
        # PostgreSQL calls a text that is too long for its column a data error.
        with pytest.raises((IntegrityError, DataError)):
            run(shop, change)

    assert shop.view(paid).order.status is PaymentStatus.PAID


def test_one_idempotency_key_cannot_belong_to_two_submissions(shop, paid):
    shop.pay()

    refused(
        shop,
        "UPDATE submissions SET idempotency_key ="
        " (SELECT min(idempotency_key) FROM submissions)"
        " WHERE idempotency_key <> (SELECT min(idempotency_key) FROM submissions)",
    )
