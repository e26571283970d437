"""Refunds that race: whoever comes first, never more goes back than was paid."""

from functools import partial

import pytest

from payorch.domain.errors import OrderNotRefundable, RefundTooLarge
from payorch.domain.refund import RefundStatus
from tests.concurrency.racing import race
from tests.refunds.refund_shop import RefundShop, a_refund

RACERS = 32


@pytest.fixture
def shop(database, sandbox) -> RefundShop:
    return RefundShop(database, sandbox, timeout_s=20)


def given_back(shop, commands) -> list:
    """Each racer's refund, or the refusal it got."""
    execute = shop.services.refund_payment.execute
    results = race(*(partial(execute, command) for command in commands))
    return [getattr(result, "refund", result) for result in results]


def test_of_many_refunds_in_full_exactly_one_is_made(shop):
    paid = shop.paid_order()

    results = given_back(shop, [a_refund(paid.order.id, 1999) for _ in range(RACERS)])

    refused = [result for result in results if isinstance(result, Exception)]
    assert {type(refusal) for refusal in refused} <= {OrderNotRefundable, RefundTooLarge}
    assert len(refused) == RACERS - 1
    assert shop.given_back_minor(paid) == 1999
    assert shop.rows("SELECT count(*) FROM refunds") == [(1,)]


def test_refunds_in_part_never_exceed_what_was_paid(shop):
    paid = shop.paid_order(amount_minor=1000)

    results = given_back(shop, [a_refund(paid.order.id, 90) for _ in range(RACERS)])

    made = [result for result in results if not isinstance(result, Exception)]
    assert len(made) == 11
    shop.carry_on()
    assert shop.given_back_minor(paid) == 990
    assert shop.left_minor(paid.order.id) == 10


def test_a_void_and_refunds_in_part_exclude_each_other(shop):
    paid = shop.paid_order(amount_minor=1000)
    commands = [
        a_refund(paid.order.id, 1000, prefers_void=True)
        if number % 2
        else a_refund(paid.order.id, 1)
        for number in range(RACERS)
    ]

    given_back(shop, commands)
    shop.carry_on()

    kinds = {kind for (kind,) in shop.rows("SELECT DISTINCT kind FROM refunds")}
    assert kinds in ({"void"}, {"refund"})
    # A "void" that comes after a part is a refund of 1000, which is more than is left.
    assert shop.given_back_minor(paid) == (1000 if kinds == {"void"} else RACERS // 2)


def test_one_key_sent_by_many_is_one_refund(shop):
    paid = shop.paid_order()
    command = a_refund(paid.order.id, 500)

    results = given_back(shop, [command] * RACERS)

    assert len({result.id for result in results}) == 1
    shop.carry_on()
    assert shop.given_back_minor(paid) == 500


def test_many_workers_at_one_refund_send_it_once(shop, sandbox):
    """Also where the provider knows no idempotency keys and would give it back again."""
    sandbox.patch_profile("alpha", idempotency_window_s=0)
    paid = shop.paid_order(amount_minor=90_000)
    sandbox.start_outage("alpha", "not_processed_503", scope="all", lasts_s=3600)
    refund = shop.refund(paid.order.id, 500)
    sandbox.end_outages()
    others = [shop.again() for _ in range(8)]

    race(*(other.drain_refund_of(refund) for other in others))
    shop.carry_on()

    assert shop.now(refund).status is RefundStatus.SUCCEEDED
    assert len(shop.refunds_at_provider(refund.payment_reference)) == 1
