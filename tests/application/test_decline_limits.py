"""Card testers are stopped before anything is sent; honest customers are not."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from payorch.application.payment_result import ResultKind
from payorch.domain.errors import CardNotAcceptedNow, TooManyDeclines
from tests.concurrency.database_watch import COMMIT, watching
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop, a_card, a_customer, a_method, an_order

GENERIC_DECLINE = "4000000000000051"
STOLEN = "4000000000000432"
MASTERCARD_DECLINE = "5200000000000791"
NEVER_AGAIN = "5200000000000031"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop(database, sandbox, clock):
    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock),
        scheme_retry_caps=True,
        max_declines_per_email=5,
        max_declines_per_bin=6,
        max_declines_per_address=4,
    )


def pay(shop, number, *, email="ana@example.com", address=None):
    order = an_order(customer=a_customer(email=email))
    return shop.pay(new_order=order, instrument=a_card(number), client_address=address)


def test_an_address_with_many_declines_gets_no_further_try(shop, sandbox, clock):
    for number in range(4):
        pay(shop, GENERIC_DECLINE, email=f"{number}@example.com", address="192.0.2.7")

    with pytest.raises(TooManyDeclines) as refusal:
        pay(shop, GENERIC_DECLINE, email="5@example.com", address="192.0.2.7")

    assert refusal.value.retry_after_s == 600
    assert len(sandbox.ledger()["payments"]) == 4
    assert pay(shop, "4242424242424242", address="192.0.2.8").kind is ResultKind.PAID
    clock.advance(minutes=11)
    assert pay(shop, "4242424242424242", address="192.0.2.7").kind is ResultKind.PAID


def test_an_e_mail_with_many_declines_gets_no_further_try_for_an_hour(shop, clock):
    for _ in range(5):
        pay(shop, GENERIC_DECLINE)

    with pytest.raises(TooManyDeclines):
        pay(shop, "4242424242424242", email="ANA@example.com")

    assert pay(shop, "4242424242424242", email="bea@example.com").kind is ResultKind.PAID
    clock.advance(minutes=61)
    assert pay(shop, "4242424242424242").kind is ResultKind.PAID


def test_a_card_range_with_many_declines_gets_no_further_try(shop):
    for number in range(6):
        pay(shop, GENERIC_DECLINE, email=f"{number}@example.com")

    with pytest.raises(TooManyDeclines):
        pay(shop, "4000000000000077", email="other@example.com")

    assert pay(shop, "4242424242424242", email="other@example.com").kind is ResultKind.PAID


def test_a_busy_address_where_most_payments_work_is_no_card_tester(shop):
    for number in range(4):
        pay(shop, "4242424242424242", email=f"good{number}@example.com", address="192.0.2.7")
        pay(shop, GENERIC_DECLINE, email=f"bad{number}@example.com", address="192.0.2.7")

    paid = pay(shop, "4242424242424242", email="next@example.com", address="192.0.2.7")

    assert paid.kind is ResultKind.PAID


def test_a_stolen_card_is_never_sent_again(shop, sandbox, clock):
    pay(shop, STOLEN)
    clock.advance(days=29)

    with pytest.raises(CardNotAcceptedNow):
        pay(shop, STOLEN, email="other@example.com")

    assert len(sandbox.ledger()["payments"]) == 1


def test_an_advice_never_to_try_again_is_kept_too(shop):
    pay(shop, NEVER_AGAIN)

    with pytest.raises(CardNotAcceptedNow):
        pay(shop, NEVER_AGAIN)


def test_a_scheme_s_cap_on_declines_holds_for_the_card_not_for_the_customer(
    database, sandbox, clock
):
    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock),
        scheme_retry_caps=True,
    )
    for number in range(10):
        pay(shop, MASTERCARD_DECLINE, email=f"{number}@example.com")

    with pytest.raises(CardNotAcceptedNow):
        pay(shop, MASTERCARD_DECLINE, email="eleven@example.com")

    assert pay(shop, "5555555555554444").kind is ResultKind.PAID
    clock.advance(hours=25)
    assert pay(shop, MASTERCARD_DECLINE).kind is ResultKind.DECLINED


def test_a_replay_of_a_stored_answer_is_not_refused(shop):
    for _ in range(4):
        pay(shop, GENERIC_DECLINE)
    order = an_order(idempotency_key="api:5", request_hash="same")
    submission = {"idempotency_key": "api:5", "request_hash": "same"}
    first = shop.pay(new_order=order, instrument=a_card(GENERIC_DECLINE), **submission)

    again = shop.pay(new_order=order, instrument=a_card(GENERIC_DECLINE), **submission)

    assert again.order_id == first.order_id
    assert again.is_replay


def test_what_is_kept_of_a_card_and_an_address_is_keyed(shop, database):
    pay(shop, GENERIC_DECLINE, address="192.0.2.7")

    with database.read() as connection:
        fingerprint = connection.exec_driver_sql("SELECT card_fingerprint FROM transactions")
        client = connection.exec_driver_sql("SELECT client_hash FROM submissions")
        hashes = [fingerprint.scalar_one(), client.scalar_one()]

    assert [len(value) for value in hashes] == [64, 64]
    assert not [value for value in hashes if GENERIC_DECLINE in value or "192.0.2" in value]


def test_parallel_testers_get_past_the_limit_by_what_is_in_flight_only(shop, sandbox):
    def tries(number):
        try:
            pay(shop, GENERIC_DECLINE, email=f"{number}@example.com", address="192.0.2.7")
        except TooManyDeclines:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(tries, range(24)))

    assert 4 <= sum(sent) <= 4 + 3
    assert len(sandbox.ledger()["payments"]) == sum(sent)


def test_a_payment_with_few_declines_before_it_costs_one_look(shop):
    pay(shop, "4242424242424242", address="192.0.2.7")
    pay(shop, GENERIC_DECLINE, address="192.0.2.7")

    with watching(shop.database.engine) as seen:
        pay(shop, "4242424242424242", address="192.0.2.7")

    looks = [entry for entry in seen.log[: seen.log.index(COMMIT)] if "count(" in entry]
    assert len(looks) == 1


def test_the_look_at_recent_declines_uses_indexes_that_hold_nothing_else(shop):
    looks = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "of_card" in statement:
            looks.append((statement, parameters))

    event.listen(shop.database.engine, "before_cursor_execute", note)
    pay(shop, "4242424242424242")
    event.remove(shop.database.engine, "before_cursor_execute", note)
    [(statement, parameters)] = looks

    if not shop.database.is_sqlite:
        pytest.skip("PostgreSQL plans by what the tables hold, which is nothing here.")
    with shop.database.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())

    assert "ix_transactions_declined_card_bin" in plan
    assert "ix_transactions_declined_card_fingerprint" in plan


def test_the_next_provider_is_not_asked_once_the_cap_is_reached(database, sandbox, clock):
    """Each provider's decline counts, not each press of "Pay"."""

    def a_shop(methods, **settings):
        return Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=methods,
            seams=fake_time(clock),
            scheme_retry_caps=True,
            **settings,
        )

    single = a_shop([a_method("alpha"), a_method("beta")], max_providers_per_submission=1)
    both = a_shop([])
    shops = [single, both, both, both, both, both]

    results = [
        pay(shop, MASTERCARD_DECLINE, email=f"{number}@example.com")
        for number, shop in enumerate(shops)
    ]

    attempts = [len(both.statuses(result.order_id)) for result in results]
    assert attempts == [1, 2, 2, 2, 2, 1]
    assert {result.kind for result in results} == {ResultKind.DECLINED}
