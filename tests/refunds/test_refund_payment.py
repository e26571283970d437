"""Giving money back, against the real practice provider on both databases."""

import pytest

from payorch.domain.errors import (
    IdempotencyKeyReused,
    OrderNotFound,
    OrderNotRefundable,
    ReasonRequired,
    RefundInProgress,
    RefundNotFound,
    RefundNotRetryable,
    RefundTooLarge,
)
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.refund import RefundId, RefundKind, RefundStatus
from tests.fakes import Meanwhile
from tests.refunds.refund_shop import RefundShop, a_refund


@pytest.fixture
def shop(database, sandbox) -> RefundShop:
    return RefundShop(database, sandbox)


def test_a_refund_in_full_gives_everything_back(shop):
    paid = shop.paid_order()

    refund = shop.refund(paid.order.id)

    assert (refund.status, refund.kind) == (RefundStatus.SUCCEEDED, RefundKind.REFUND)
    assert refund.money == paid.order.money
    assert shop.given_back_minor(paid) == 1999
    assert shop.left_minor(paid.order.id) == 0
    assert shop.view(paid.order.id).order.status is PaymentStatus.PAID


def test_a_refund_in_part_leaves_the_rest(shop):
    paid = shop.paid_order()

    first = shop.refund(paid.order.id, 500)
    second = shop.refund(paid.order.id, 700)

    assert [first.status, second.status] == [RefundStatus.SUCCEEDED] * 2
    assert shop.given_back_minor(paid) == 1200
    assert shop.left_minor(paid.order.id) == 799


def test_more_than_is_left_is_refused_with_what_is_left(shop):
    paid = shop.paid_order()
    shop.refund(paid.order.id, 1500)

    with pytest.raises(RefundTooLarge) as refusal:
        shop.refund(paid.order.id, 500)

    assert refusal.value.refundable_minor == 499
    assert shop.given_back_minor(paid) == 1500


def test_nothing_left_is_not_refundable(shop):
    paid = shop.paid_order()
    shop.refund(paid.order.id)

    with pytest.raises(OrderNotRefundable):
        shop.refund(paid.order.id)


def test_an_order_that_was_never_paid_is_not_refundable(shop):
    order = shop.order()

    with pytest.raises(OrderNotRefundable):
        shop.refund(order.id)
    with pytest.raises(OrderNotFound):
        shop.refund("po_none")


def test_a_refund_needs_a_reason(shop):
    paid = shop.paid_order()

    with pytest.raises(ReasonRequired):
        shop.refund(paid.order.id, reason="  ")

    assert shop.left_minor(paid.order.id) == 1999


def test_a_void_takes_the_whole_payment_back(shop):
    paid = shop.paid_order()

    refund = shop.refund(paid.order.id, prefers_void=True)

    assert (refund.status, refund.kind) == (RefundStatus.SUCCEEDED, RefundKind.VOID)
    view = shop.view(paid.order.id)
    assert view.order.status is PaymentStatus.PAID
    assert view.transactions[0].status is TransactionStatus.VOIDED
    assert shop.sandbox.payments_of(view.transactions[0].id)[0]["status"] == "voided"
    assert shop.left_minor(paid.order.id) == 0


def test_what_was_refunded_in_part_is_not_voided(shop):
    paid = shop.paid_order()
    shop.refund(paid.order.id, 1)

    refund = shop.refund(paid.order.id, prefers_void=True)

    assert (refund.kind, refund.money.amount_minor) == (RefundKind.REFUND, 1998)


def test_a_part_is_never_voided(shop):
    paid = shop.paid_order()

    refund = shop.refund(paid.order.id, 1998, prefers_void=True)

    assert refund.kind is RefundKind.REFUND


def test_a_provider_without_voids_refunds(database, sandbox):
    shop = RefundShop(database, sandbox, void=False)
    paid = shop.paid_order()

    assert shop.refund(paid.order.id, prefers_void=True).kind is RefundKind.REFUND


def test_a_provider_without_refunds_voids_in_full_only(database, sandbox):
    shop = RefundShop(database, sandbox, refund=False)
    paid = shop.paid_order()

    with pytest.raises(OrderNotRefundable):
        shop.refund(paid.order.id, 5)

    assert shop.refund(paid.order.id).kind is RefundKind.VOID


def test_the_same_request_again_is_the_same_refund(shop):
    paid = shop.paid_order()
    command = a_refund(paid.order.id, 500)

    first = shop.services.refund_payment.execute(command)
    again = shop.services.refund_payment.execute(command)

    assert (first.is_replay, again.is_replay) == (False, True)
    assert again.refund.id == first.refund.id
    assert shop.given_back_minor(paid) == 500


def test_the_same_key_with_another_request_is_refused(shop):
    paid, other = shop.paid_order(), shop.paid_order()
    command = a_refund(paid.order.id, 500, idempotency_key="k", request_hash="a")
    shop.services.refund_payment.execute(command)

    with pytest.raises(IdempotencyKeyReused):
        shop.refund(paid.order.id, 600, idempotency_key="k", request_hash="b")
    with pytest.raises(IdempotencyKeyReused):
        shop.refund(other.order.id, 500, idempotency_key="k", request_hash="a")

    assert shop.given_back_minor(paid) == 500
    assert shop.given_back_minor(other) == 0


def test_who_and_why_are_journalled_with_the_refund(shop):
    paid = shop.paid_order()

    refund = shop.refund(paid.order.id, 500, actor="finn@example.com", reason="Broken cup")

    found = shop.rows(
        "SELECT actor, action, subject, reason FROM journal WHERE subject <> 'routing_policy'"
    )
    assert found == [
        ("finn@example.com", "refund_requested", f"order:{paid.order.id}", "Broken cup")
    ]
    assert shop.rows("SELECT requested_by, reason FROM refunds") == [
        ("finn@example.com", "Broken cup")
    ]
    assert refund.status is RefundStatus.SUCCEEDED


def test_the_customer_is_told_once_it_has_succeeded(shop):
    paid = shop.paid_order()

    refund = shop.refund(paid.order.id, 500)

    jobs = shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'notify_customer'")
    assert (f"notify:refunded:{refund.id}",) in jobs


def test_the_refund_s_job_after_it_has_succeeded_does_nothing(shop):
    paid = shop.paid_order()
    refund = shop.refund(paid.order.id, 500)

    shop.carry_on()

    assert shop.now(refund).status is RefundStatus.SUCCEEDED
    assert shop.given_back_minor(paid) == 500
    jobs = shop.rows("SELECT state FROM jobs WHERE kind = 'send_refund'")
    assert set(jobs) == {("done",)}


@pytest.mark.parametrize("amount_minor", [80_004, 80_005], ids=["402", "422"])
def test_a_refused_refund_has_failed_and_frees_its_amount(shop, amount_minor):
    paid = shop.paid_order(amount_minor=90_000)

    refund = shop.refund(paid.order.id, amount_minor)

    assert refund.status is RefundStatus.FAILED
    assert refund.failure_code in {"refund_refused", "refund_not_allowed"}
    assert shop.left_minor(paid.order.id) == 90_000
    alerts = shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'alert_staff'")
    assert [key for (key,) in alerts if refund.id in key]


def test_a_failed_refund_is_tried_again_under_its_own_key(shop, sandbox):
    paid = shop.paid_order(amount_minor=90_000)
    sandbox.patch_profile("alpha", refund_faults={"refused_402": 1})
    refund = shop.refund(paid.order.id, 500)
    assert refund.status is RefundStatus.FAILED
    sandbox.patch_profile("alpha", refund_faults=None)

    again = shop.services.refund_payment.retry(refund.id, actor="finn", reason="Bank said so")

    assert (again.id, again.status) == (refund.id, RefundStatus.SUCCEEDED)
    (at_provider,) = shop.refunds_at_provider(refund.payment_reference)
    assert at_provider["reference"] == refund.id
    assert ("refund_retried",) in shop.rows("SELECT action FROM journal")


def test_a_failed_refund_is_not_tried_again_beyond_what_is_left(shop, sandbox):
    paid = shop.paid_order(amount_minor=90_000)
    failed = shop.refund(paid.order.id, 80_004)
    shop.refund(paid.order.id, 20_000)

    with pytest.raises(RefundTooLarge):
        shop.services.refund_payment.retry(failed.id, actor="finn", reason="Again")

    assert shop.now(failed).status is RefundStatus.FAILED
    assert shop.given_back_minor(paid) == 20_000


def test_only_a_failed_refund_is_tried_again(shop):
    paid = shop.paid_order()
    refund = shop.refund(paid.order.id)

    with pytest.raises(RefundNotRetryable):
        shop.services.refund_payment.retry(refund.id, actor="finn", reason="Again")
    with pytest.raises(RefundNotFound):
        shop.services.refund_payment.retry(RefundId("re_x"), actor="finn", reason="Again")


def test_a_refund_under_way_is_not_tried_again(shop):
    paid = shop.paid_order(amount_minor=90_000)
    refund = shop.refund(paid.order.id, 80_001)

    assert refund.status is RefundStatus.PENDING
    with pytest.raises(RefundInProgress):
        shop.services.refund_payment.retry(refund.id, actor="finn", reason="Again")


def test_a_pending_refund_counts_until_it_has_failed(shop, sandbox):
    paid = shop.paid_order(amount_minor=90_000)
    refund = shop.refund(paid.order.id, 80_002)
    assert shop.left_minor(paid.order.id) == 9_998

    sandbox.settle_now()
    shop.carry_on()

    assert shop.now(refund).status is RefundStatus.FAILED
    assert shop.now(refund).failure_code == "account_closed"
    assert shop.left_minor(paid.order.id) == 90_000


def test_a_provider_that_is_down_is_tried_again_by_itself(shop, sandbox):
    paid = shop.paid_order()
    sandbox.start_outage("alpha", "not_processed_503", scope="all", lasts_s=3600)

    refund = shop.refund(paid.order.id)

    assert refund.status is RefundStatus.STARTED
    sandbox.end_outages()
    shop.carry_on()
    assert shop.now(refund).status is RefundStatus.SUCCEEDED
    assert shop.given_back_minor(paid) == 1999


def test_what_could_never_be_sent_has_failed_after_a_week(shop, sandbox):
    paid = shop.paid_order()
    sandbox.start_outage("alpha", "not_processed_503", scope="all", lasts_s=3600)
    refund = shop.refund(paid.order.id)

    for _ in range(40):
        shop.clock.advance(hours=25)
        shop.wired.handlers["reconcile_refunds"](None)
        shop.drain()

    assert shop.now(refund).status is RefundStatus.FAILED
    assert shop.now(refund).failure_code == "never_sent"


def test_without_its_connector_a_refund_is_a_case_for_finance(database, sandbox):
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order()
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE payment_methods SET connector = 'gone'")
        connection.exec_driver_sql("UPDATE configuration SET revision = revision + 1")

    refund = shop.again().refund(paid.order.id)

    assert refund.status is RefundStatus.STARTED
    assert shop.rows("SELECT count(*) FROM refunds WHERE review_since IS NOT NULL") == [(1,)]


def test_a_holder_who_wakes_up_late_changes_nothing_that_is_not_proved(database, sandbox):
    """Its answer was "not processed"; meanwhile another process has sent the refund."""
    first = RefundShop(database, sandbox)
    paid = first.paid_order()
    sandbox.start_outage("alpha", "not_processed_503", scope="all", lasts_s=3600)

    def send_elsewhere() -> None:
        sandbox.end_outages()
        first.clock.advance(minutes=5)
        first.again().carry_on()

    late = first.again(checkpoint=Meanwhile("refund_answered", send_elsewhere))
    refund = late.refund(paid.order.id)

    assert refund.status is RefundStatus.SUCCEEDED
    assert first.given_back_minor(paid) == 1999
