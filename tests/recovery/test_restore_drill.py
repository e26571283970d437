"""The drill: a backup under load, payments after it, a restore, a recovery that is killed once.

Then every customer presses Pay again. The provider's own ledger says who was charged twice: nobody.
"""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.errors import OrderAlreadyPaid, PaymentsPaused, PayorchError
from payorch.domain.payment_status import PaymentStatus
from payorch.wiring import Seams
from tests.fakes import CrashAt, SimulatedCrash
from tests.recovery.backups import back_up, restored
from tests.shop import Shop, a_card
from tests.verified_books import broken_invariants

ORDERS = 160
LATER_ORDERS = 10
CUSTOMERS = 8
BACKUP_AFTER = 60
KILLED_AT = 25
APPROVED, DECLINED, PENDING = "4242424242424242", "4000000000000416", "4200000000000026"

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]


class Customers:
    """Pay orders from several threads, and know how many payments have been answered."""

    def __init__(self, shop, seed):
        self._shop, self._random = shop, random.Random(seed)
        self._answered = threading.Semaphore(0)

    def pay(self, order_ids):
        cards = [
            self._random.choices((APPROVED, DECLINED, PENDING), (80, 15, 5))[0] for _ in order_ids
        ]
        pool = ThreadPoolExecutor(CUSTOMERS)
        return pool, [pool.submit(self._pay, *one) for one in zip(order_ids, cards, strict=True)]

    def wait_for(self, payments):
        for _ in range(payments):
            assert self._answered.acquire(timeout=100)

    def _pay(self, order_id, card):
        try:
            self._shop.pay(order_id, instrument=a_card(card))
        finally:
            self._answered.release()


def charges(sandbox) -> Counter[str]:
    """How many charges stand for each order, by the provider's own ledger."""
    return Counter(
        payment["metadata"]["order"]
        for payment in sandbox.ledger()["payments"]
        if payment["status"] == "approved"
    )


def is_paid(shop, order_id) -> bool:
    return shop.view(order_id).order.status is PaymentStatus.PAID


def recovery(shop, **options):
    since = datetime.now(UTC) - timedelta(hours=1)
    return shop.wired.recover.execute(since=since, actor="olga", **options)


def test_nobody_is_charged_twice_after_a_restored_backup(database, database_url, sandbox, tmp_path):
    shop = Shop(database, sandbox_url=sandbox.base_url)
    orders = [shop.order().id for _ in range(ORDERS)]
    customers = Customers(shop, seed=19)
    pool, payments = customers.pay(orders)
    customers.wait_for(BACKUP_AFTER)
    backup = back_up(database_url, tmp_path)
    with pool:
        for payment in payments:
            payment.result()
    later = [shop.pay().order_id for _ in range(LATER_ORDERS)]
    before = charges(sandbox)
    assert max(before.values()) == 1

    with restored(backup, database_url, tmp_path) as past:
        forgotten = _recover_and_check(past, sandbox, orders, later, before)

    # Otherwise the backup was no backup of a shop in business.
    assert forgotten > LATER_ORDERS


def _recover_and_check(past, sandbox, orders, later, before) -> int:
    """How many charges the restored books had forgotten."""

    def reopened(**seams):
        return Shop(past, sandbox_url=sandbox.base_url, methods=[], seams=Seams(**seams))

    shop = reopened()
    known = [order_id for order_id in orders if is_paid(shop, order_id)]
    with pytest.raises(SimulatedCrash):
        recovery(reopened(checkpoint=CrashAt(KILLED_AT)))
    with pytest.raises(PaymentsPaused):
        shop.pay(orders[-1])
    recovery(shop)
    again = recovery(shop)
    sandbox.settle_now()
    last = recovery(shop)

    assert (again.recreated, again.orphans, last.recreated, last.orphans) == (0, 0, 0, 0)
    assert (last.still_open, last.unclear) == (0, {})
    assert last.orphans_left == sum(order_id in later for order_id in charges(sandbox))
    finished = shop.wired.recover.finish(
        since=datetime.now(UTC) - timedelta(hours=1),
        actor="olga",
        force_because="The money without an order was looked at.",
    )
    assert finished.has_left_safe_mode

    charged = charges(sandbox)
    assert [order_id for order_id in orders if is_paid(shop, order_id)] == [
        order_id for order_id in orders if charged[order_id]
    ]
    _everybody_presses_pay_again(shop, orders, charged)
    after = charges(sandbox)
    assert [order_id for order_id, count in after.items() if count > 1] == []
    assert set(after) == {*orders, *before}
    assert broken_invariants(past.engine.url.render_as_string(hide_password=False)) == []
    return len(before) - len(known)


def _everybody_presses_pay_again(shop, orders, charged) -> None:
    def press(order_id):
        if charged[order_id]:
            with pytest.raises(OrderAlreadyPaid):
                shop.pay(order_id)
            return
        shop.pay(order_id)
        with suppress(PayorchError):
            shop.pay(order_id)

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        list(pool.map(press, orders))
    assert all(is_paid(shop, order_id) for order_id in orders)


def test_without_the_recovery_the_same_customers_are_charged_twice(
    database, database_url, sandbox, tmp_path
):
    """The control: the drill would notice."""
    shop = Shop(database, sandbox_url=sandbox.base_url)
    orders = [shop.order().id for _ in range(5)]
    backup = back_up(database_url, tmp_path)
    for order_id in orders:
        shop.pay(order_id)

    with restored(backup, database_url, tmp_path) as past:
        careless = Shop(past, sandbox_url=sandbox.base_url, methods=[])
        for order_id in orders:
            careless.pay(order_id)

    assert set(charges(sandbox).values()) == {2}
