"""Whatever the provider does to a refund, payorch and its ledger say the same in the end."""

import pytest

from payorch.domain.refund import RefundKind, RefundStatus
from payorch.sandbox_provider.magic_refunds import MAGIC_REFUNDS
from tests.refunds.refund_shop import RefundShop

PAID_MINOR = 90_000
# Of these the provider never says a word, or says each time that it processed nothing.
HOLDING = {magic.amount for magic in MAGIC_REFUNDS if magic.repeats}
AMOUNTS = [magic.amount for magic in MAGIC_REFUNDS]
# How an answer is read does not depend on the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LABELS = [f"{magic.amount} {magic.label}" for magic in MAGIC_REFUNDS]


def settle(shop, sandbox) -> None:
    """Long enough for every check within a minute, and for what the provider settles later."""
    shop.carry_on(seconds=20)
    sandbox.settle_now()
    shop.carry_on(seconds=60)


def assert_equal_to_the_ledger(shop, paid, refund) -> None:
    now = shop.now(refund)
    given_back = shop.given_back_minor(paid)
    if now.status is RefundStatus.SUCCEEDED:
        assert given_back == refund.money.amount_minor
    else:
        assert given_back == 0
    if now.status in {RefundStatus.SUCCEEDED, RefundStatus.FAILED}:
        assert shop.left_minor(paid.order.id) == paid.order.money.amount_minor - given_back


@ON_SQLITE
@pytest.mark.parametrize("amount_minor", AMOUNTS, ids=LABELS)
def test_a_refund_ends_as_in_the_provider_s_ledger(database, sandbox, amount_minor):
    sandbox.patch_profile("alpha", slow_ms=50)
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order(amount_minor=PAID_MINOR)

    refund = shop.refund(paid.order.id, amount_minor)
    settle(shop, sandbox)

    assert_equal_to_the_ledger(shop, paid, refund)
    assert len(shop.refunds_at_provider(refund.payment_reference)) <= 1
    assert shop.now(refund).is_open == (amount_minor in HOLDING)


@ON_SQLITE
@pytest.mark.parametrize("amount_minor", AMOUNTS, ids=LABELS)
def test_a_void_ends_as_in_the_provider_s_ledger(database, sandbox, amount_minor):
    sandbox.patch_profile("alpha", slow_ms=50)
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order(amount_minor=amount_minor)

    refund = shop.refund(paid.order.id, prefers_void=True)
    settle(shop, sandbox)

    assert refund.kind is RefundKind.VOID
    assert_equal_to_the_ledger(shop, paid, refund)
    (transaction,) = shop.view(paid.order.id).transactions
    is_voided = shop.now(refund).status is RefundStatus.SUCCEEDED
    assert (transaction.status.value == "voided") == is_voided
    assert shop.now(refund).is_open == (amount_minor in HOLDING)


@ON_SQLITE
@pytest.mark.parametrize("amount_minor", AMOUNTS, ids=LABELS)
def test_without_keys_a_refund_is_never_sent_again_once_it_may_have_arrived(
    database, sandbox, amount_minor
):
    sandbox.patch_profile("alpha", slow_ms=50, idempotency_window_s=0)
    shop = RefundShop(database, sandbox, idempotency_window_s=0)
    paid = shop.paid_order(amount_minor=PAID_MINOR)

    refund = shop.refund(paid.order.id, amount_minor)
    settle(shop, sandbox)

    at_provider = shop.refunds_at_provider(refund.payment_reference)
    assert len(at_provider) <= 1
    assert_equal_to_the_ledger(shop, paid, refund)
    if amount_minor in {81_001, 81_003, 81_009, 81_017}:
        # Nothing was found, and that proves nothing.
        assert shop.now(refund).status is RefundStatus.UNKNOWN


def test_nothing_found_is_a_case_for_finance_after_a_week(database, sandbox):
    sandbox.patch_profile("alpha", idempotency_window_s=0)
    shop = RefundShop(database, sandbox, idempotency_window_s=0)
    paid = shop.paid_order(amount_minor=PAID_MINOR)
    refund = shop.refund(paid.order.id, 81_001)

    for _ in range(12):
        shop.clock.advance(hours=25)
        shop.carry_on(seconds=6)

    assert shop.now(refund).status is RefundStatus.UNKNOWN
    assert shop.rows("SELECT count(*) FROM refunds WHERE review_since IS NOT NULL") == [(1,)]
    alerts = shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'alert_staff'")
    assert [key for (key,) in alerts if "refund_for_review" in key] == [
        f"alert:refund_for_review:{refund.id}:review"
    ]


def test_past_the_window_of_its_key_a_refund_is_not_sent_again(database, sandbox):
    shop = RefundShop(database, sandbox, idempotency_window_s=3600)
    sandbox.patch_profile("alpha", idempotency_window_s=3600)
    paid = shop.paid_order(amount_minor=PAID_MINOR)
    refund = shop.refund(paid.order.id, 81_001)
    assert refund.status is RefundStatus.UNKNOWN

    shop.clock.advance(minutes=55)
    shop.carry_on()

    assert shop.now(refund).status is RefundStatus.UNKNOWN
    assert shop.refunds_at_provider(refund.payment_reference) == []


@pytest.mark.parametrize("amount_minor", [81_006, 81_007, 81_008])
def test_an_answer_about_something_else_is_flagged_and_never_believed(
    database, sandbox, amount_minor
):
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order(amount_minor=PAID_MINOR)

    refund = shop.refund(paid.order.id, amount_minor)

    assert refund.status is RefundStatus.UNKNOWN
    assert shop.view(paid.order.id).order.flag in {"amount_mismatch", "reference_mismatch"}
    evidence = shop.rows("SELECT source, outcome FROM transaction_evidence")
    assert evidence == [("refund", "RefundSucceeded")]


def test_a_contradiction_of_a_settled_refund_is_evidence_and_never_applied(database, sandbox):
    """The provider says "failed" of what it called done: finance has to know, once."""
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order(amount_minor=PAID_MINOR)
    refund = shop.refund(paid.order.id, 80_002)
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE refunds SET status = 'succeeded', version = version + 1")
    sandbox.settle_now()

    for _ in range(2):
        shop.drain_refund_of(refund)()

    assert shop.now(refund).status is RefundStatus.SUCCEEDED
    assert shop.rows("SELECT source, outcome FROM transaction_evidence") == [
        ("refund", "RefundRefused")
    ]
    assert shop.view(paid.order.id).order.flag == "contradicting_outcome"
