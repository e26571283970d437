"""Customers are sealed in the database and read as before, on both databases."""

import base64
import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from payorch.application.decline_limits import HistoryQuestion
from payorch.config import InvalidSettings
from payorch.domain.errors import SecretUnreadable
from payorch.infrastructure.persistence.attempt_history import SqlAlchemyAttemptHistory
from payorch.infrastructure.persistence.tables import DataKeyRow, NoticeRow, OrderRow
from payorch.wiring import wire
from tests.concurrency.racing import race
from tests.personal_data.conftest import CANARY, TRACES
from tests.shop import a_card, a_customer, an_order

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
DECLINED = "4000000000000416"


def test_nothing_of_a_customer_is_found_in_the_clear_in_any_table(shop, sandbox):
    paid = shop.paid()
    later = shop.order(customer=a_customer(**CANARY))
    shop.pay(later.id, instrument=a_card(DECLINED), customer=a_customer(**CANARY))
    shop.drain_mail()

    dump = shop.dump()

    assert paid in dump
    assert not [trace for trace in TRACES if trace.lower() in dump.lower()]
    assert len(shop.notices()) == 1


def test_a_sealed_customer_is_read_as_it_was_typed(shop):
    order_id = shop.paid()

    customer = shop.view(order_id).order.customer

    assert (customer.name, customer.email) == (CANARY["name"], CANARY["email"])
    assert customer.fields == CANARY["fields"]
    (letter,) = shop.notices()
    assert letter["recipient"] == CANARY["email"]


def test_the_payers_newest_data_replaces_what_was_sealed_before(shop):
    order = shop.order(customer=a_customer(email="old@example.com"))

    shop.pay(order.id, customer=a_customer(email="new@example.com"))

    assert shop.view(order.id).order.customer.email == "new@example.com"


def test_the_blind_index_is_one_for_all_spellings_and_tells_nothing(shop):
    index = shop.services.personal_data.email_index

    assert index("ANA@Example.com") == index("ana@example.com") != index("anb@example.com")
    assert index("\uff41na@example.com") == index("ana@example.com")
    assert re.fullmatch(r"[0-9a-f]{32}", index("ana@example.com"))


def test_declines_of_an_address_are_counted_by_its_index(shop, clock):
    for _ in range(3):
        shop.pay(new_order=an_order(), instrument=a_card(DECLINED), preferred_provider="alpha")
    since = clock.now() - timedelta(hours=1)
    history = SqlAlchemyAttemptHistory(shop.wired.services.resolve._open_attempts._transactions)

    def declines(email):
        question = HistoryQuestion(
            email=email,
            email_since=since,
            card_bin=None,
            burst_since=since,
            client_hash=None,
            card_fingerprint=None,
            card_since=since,
        )
        return history.recent_declines(question).by_email

    assert declines("ana@example.com") >= 3
    assert declines("nobody@example.com") == 0


def _copy_to_other_row(shop, first, second):
    with shop.database.tx() as connection:
        sealed = connection.scalar(
            select(OrderRow.customer_sealed).where(OrderRow.public_id == first)
        )
        connection.execute(
            update(OrderRow).where(OrderRow.public_id == second).values(customer_sealed=sealed)
        )


def test_what_was_moved_from_another_row_is_refused(shop):
    first, second = shop.paid(), shop.paid(name="Somebody Else")

    _copy_to_other_row(shop, first, second)

    with pytest.raises(SecretUnreadable):
        shop.view(second)
    assert shop.view(first).order.customer.name == CANARY["name"]


def test_what_was_changed_is_refused_bit_by_bit(shop):
    order_id = shop.paid()
    with shop.database.tx() as connection:
        sealed = connection.scalar(select(OrderRow.customer_sealed))
    for place in (0, 1, 4, 5, 16, 17, len(sealed) - 1):
        changed = sealed[:place] + bytes((sealed[place] ^ 1,)) + sealed[place + 1 :]
        with shop.database.tx() as connection:
            connection.execute(update(OrderRow).values(customer_sealed=changed))

        with pytest.raises(SecretUnreadable):
            shop.view(order_id)


def test_old_rows_are_read_as_they_are_and_sealed_by_the_job(shop):
    orders = [shop.paid(email=f"old{number}@example.com") for number in range(5)]
    for order_id in orders:
        shop.put_in_clear(order_id)
    before = [shop.view(order_id).order for order_id in orders]
    letters = shop.notices()
    assert shop.wired.seal.state().in_clear == 10

    assert shop.wired.seal.seal()
    assert shop.wired.seal.seal()

    assert [shop.view(order_id).order for order_id in orders] == before
    assert [letter["body"] for letter in shop.notices()] == [letter["body"] for letter in letters]
    assert shop.wired.seal.state().in_clear == 0
    assert not [trace for trace in TRACES if trace in shop.dump()]
    assert shop.services.erase_customer._book.of_email("OLD3@example.com")[0].id == orders[3]


def test_sealing_goes_on_where_it_was_cut_off(shop):
    orders = [shop.paid() for _ in range(3)]
    for order_id in orders:
        shop.put_in_clear(order_id)

    assert not shop.wired.seal.seal(batches=1)
    assert shop.wired.seal.state().in_clear == 3
    assert shop.wired.seal.seal()

    assert shop.wired.seal.state().in_clear == 0


def test_a_rotation_under_load_leaves_every_row_readable_and_the_old_key_unused(shop, clock):
    stop = threading.Event()
    orders = [shop.paid() for _ in range(5)]
    lock = threading.Lock()

    def write():
        for _ in range(150):
            if stop.is_set():
                return
            order = shop.order(customer=a_customer(**CANARY))
            with lock:
                orders.append(order.id)

    def rotate():
        try:
            shop.wired.seal.rotate(actor="ada@example.com", reason="Once a year.")
            shop.wired.seal.seal()
        finally:
            stop.set()

    assert not [r for r in race(write, write, rotate) if isinstance(r, BaseException)]
    # What was sealed with the former key while the work went on is found by the next job.
    shop.upkeep()
    shop.wired.seal.seal()

    old, new = sorted(shop.key_counts())
    assert shop.key_counts() == {old: 0, new: len(orders) + 5}
    assert {shop.view(order_id).order.customer.name for order_id in orders} == {CANARY["name"]}

    clock.advance(days=2)
    shop.wired.seal.seal()

    assert list(shop.key_counts()) == [new]
    assert {shop.view(order_id).order.customer.name for order_id in orders} == {CANARY["name"]}


def test_another_process_sees_a_rotation_within_a_minute(shop, shop_with, clock):
    other = shop_with(is_seeded=True)
    other.paid()
    shop.wired.seal.rotate(actor="ada@example.com", reason="Once a year.")
    new = max(shop.key_counts())

    other.paid()
    assert shop.key_counts()[new] == 0
    clock.advance(seconds=61)
    other.paid()

    assert shop.key_counts()[new] == 2
    assert other.wired.seal.seal()
    assert min(shop.key_counts().values()) == 0


def test_a_row_that_cannot_be_read_keeps_its_key_from_being_destroyed(shop, clock):
    shop.paid()
    with shop.database.tx() as connection:
        sealed = connection.scalar(select(OrderRow.customer_sealed))
        connection.execute(update(OrderRow).values(customer_sealed=sealed[:-1] + b"?"))
    shop.wired.seal.rotate(actor="ada@example.com", reason="Once a year.")
    clock.advance(days=2)

    assert shop.wired.seal.seal()

    assert sorted(shop.key_counts().values()) == [1, 1]


def test_a_wrong_encryption_key_is_refused_at_the_start(shop_with):
    shop_with(encryption_key=KEY)

    with pytest.raises(InvalidSettings, match="PAYORCH_ENCRYPTION_KEY does not open"):
        shop_with(is_seeded=True, encryption_key=OTHER_KEY, secret_key="x" * 40)


def test_a_new_encryption_key_wraps_the_data_keys_anew(shop_with):
    former = shop_with(encryption_key=KEY)
    order_id = former.paid()
    changed = shop_with(is_seeded=True, encryption_key=OTHER_KEY, encryption_key_fallbacks=(KEY,))
    assert not [key for key in changed.wired.seal.state().keys if key.is_wrapped_anew]

    changed.wired.seal.seal()

    alone = shop_with(is_seeded=True, encryption_key=OTHER_KEY)
    assert alone.view(order_id).order.customer.name == CANARY["name"]
    assert all(key.is_wrapped_anew for key in alone.wired.seal.state().keys)
    # A node that has the former key only goes on with what it has in memory.
    assert former.view(former.paid()).order.customer.name == CANARY["name"]


def test_processes_that_start_together_agree_on_the_first_keys(database):
    from dataclasses import replace

    from payorch.config import Settings

    started = race(*[lambda: wire(replace(Settings()), database.engine) for _ in range(4)])

    assert not [one for one in started if isinstance(one, BaseException)]
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(DataKeyRow)) == 2


def test_the_columns_in_the_clear_stay_empty(shop):
    shop.paid()

    with shop.database.read() as connection:
        orders = connection.execute(
            select(OrderRow.customer_name, OrderRow.customer_email, OrderRow.customer_fields)
        ).all()
        letters = connection.execute(
            select(NoticeRow.recipient, NoticeRow.subject, NoticeRow.body, NoticeRow.body_html)
        ).all()

    assert [tuple(row) for row in orders] == [(None, None, {})]
    assert [tuple(row) for row in letters] == [("", "", "", "")]
