"""Kill the process at every step of a refund: it ends with one refund at the provider."""

import pytest

from payorch.domain.refund import RefundStatus
from tests.fakes import CrashAt, SimulatedCrash
from tests.refunds.refund_shop import RefundShop

PAID_MINOR = 90_000

SCENARIOS = {
    "refunded": {"amount_minor": 500},
    "refunded, then no answer": {"amount_minor": 81_002},
    "no answer, nothing refunded": {"amount_minor": 81_001},
    "refunded, then 500": {"amount_minor": 81_004},
    "voided": {"amount_minor": PAID_MINOR, "prefers_void": True},
    "pending, then refunded": {"amount_minor": 80_001},
    "refused": {"amount_minor": 80_004},
}


@pytest.mark.parametrize("fields", SCENARIOS.values(), ids=SCENARIOS)
def test_after_a_crash_anywhere_there_is_one_refund(database, sandbox, fields):
    first = RefundShop(database, sandbox, timeout_s=0.3)
    counter = CrashAt(None)
    first.again(checkpoint=counter).refund(first.paid_order(PAID_MINOR).order.id, **fields)
    steps = [step for step in counter.passed if "refund" in step]
    assert len(steps) >= 5

    for place in range(1, len(counter.passed) + 1):
        paid = first.paid_order(PAID_MINOR)
        with pytest.raises(SimulatedCrash):
            first.again(checkpoint=CrashAt(place)).refund(paid.order.id, **fields)

        first.clock.advance(minutes=5)
        first.carry_on()
        sandbox.settle_now()
        first.carry_on(seconds=60)

        where = f"{fields} at {counter.passed[place - 1]}"
        status = statuses_of(first, paid)[0]
        given_back = first.given_back_minor(paid)
        if fields["amount_minor"] == 80_004:
            assert (status, given_back) == (RefundStatus.FAILED, 0), where
        else:
            assert (status, given_back) == (RefundStatus.SUCCEEDED, fields["amount_minor"]), where


def test_without_keys_a_crash_never_gives_back_twice(database, sandbox):
    """What may have been sent is not sent again; where nothing can be found it stays unknown."""
    sandbox.patch_profile("alpha", idempotency_window_s=0)
    first = RefundShop(database, sandbox, idempotency_window_s=0)
    counter = CrashAt(None)
    first.again(checkpoint=counter).refund(first.paid_order(PAID_MINOR).order.id, 500)

    for place, step in enumerate(counter.passed, start=1):
        paid = first.paid_order(PAID_MINOR)
        with pytest.raises(SimulatedCrash):
            first.again(checkpoint=CrashAt(place)).refund(paid.order.id, 500)

        first.clock.advance(minutes=5)
        first.carry_on(seconds=60)

        status, given_back = statuses_of(first, paid)[0], first.given_back_minor(paid)
        if step == "refund_taken":
            # The call was about to be made: nobody but us knows that it was not.
            assert (status, given_back) == (RefundStatus.UNKNOWN, 0)
        else:
            assert (status, given_back) == (RefundStatus.SUCCEEDED, 500), step


def statuses_of(shop, paid) -> list[RefundStatus]:
    return [
        RefundStatus(status)
        for (status,) in shop.rows(
            "SELECT refunds.status FROM refunds JOIN orders ON orders.id = refunds.order_id "
            f"WHERE orders.public_id = '{paid.order.id}'"
        )
    ]
