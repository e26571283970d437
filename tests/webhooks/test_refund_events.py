"""A refund's event makes the refund's own job look it up; the event itself changes nothing."""

from dataclasses import replace

import pytest

from payorch.domain.refund import RefundStatus
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_ledger import SqlAlchemyRefundLedger
from tests.refunds.refund_shop import a_refund
from tests.shop import FULL_CAPABILITIES, a_method
from tests.webhooks.events import job_rows
from tests.webhooks.live_shop import wait_until

PENDING_THEN_SUCCEEDED = 80_001
LOST_AFTER = 81_002


@pytest.fixture
def pending_refund(shop, sandbox):
    """A refund that the provider settles by itself, some time later."""
    sandbox.patch_profile("alpha", refund_settles_after_s=1.0)
    paid = shop.pay(shop.order(amount_minor=100_000).id)
    command = a_refund(paid.order_id, PENDING_THEN_SUCCEEDED)
    return shop.services.refund_payment.execute(command).refund


def stored(shop, refund):
    transactions = LedgerTransactions(shop.database, shop.clock, uses_database_clock=False)
    return SqlAlchemyRefundLedger(transactions, shop.clock).find(refund.id)


def test_a_refund_is_looked_up_when_its_event_comes(shop, sandbox, pending_refund):
    assert stored(shop, pending_refund).status is RefundStatus.PENDING
    wait_until(lambda: sandbox.ledger()["refunds"][0]["status"] == "succeeded")

    shop.tell(shop.event(of=sandbox.ledger()["refunds"][0]))
    drain(shop.wired.background, queues=["refunds"])

    assert shop.states() == ["applied"]
    assert stored(shop, pending_refund).status is RefundStatus.SUCCEEDED


def test_a_lost_refund_is_read_by_the_id_that_its_event_names(shop_with, sandbox):
    """A provider that knows no keys and no search: the event's id is all there is to ask by."""
    blind = replace(FULL_CAPABILITIES, idempotency_window_s=0, find_by_reference=False)
    shop = shop_with(a_method("alpha", timeout_s=0.3, capabilities=blind))
    paid = shop.pay(shop.order(amount_minor=100_000).id)
    refund = shop.services.refund_payment.execute(a_refund(paid.order_id, LOST_AFTER)).refund
    assert refund.status is RefundStatus.UNKNOWN
    (at_provider,) = sandbox.ledger()["refunds"]

    shop.tell(shop.event(of=at_provider))
    drain(shop.wired.background, queues=["refunds"])

    assert stored(shop, refund).status is RefundStatus.SUCCEEDED
    assert stored(shop, refund).provider_reference == at_provider["id"]


def test_an_event_that_names_another_refund_tells_nothing_of_this_one(shop_with, sandbox):
    blind = replace(FULL_CAPABILITIES, idempotency_window_s=0, find_by_reference=False)
    shop = shop_with(a_method("alpha", timeout_s=0.3, capabilities=blind))
    paid = shop.pay(shop.order(amount_minor=2000).id)
    first = shop.services.refund_payment.execute(a_refund(paid.order_id, 500)).refund
    sandbox.start_outage("alpha", "timeout_before_charge", scope="all", lasts_s=3600)
    lost = shop.services.refund_payment.execute(a_refund(paid.order_id, 500)).refund
    sandbox.end_outages()
    (at_provider,) = sandbox.ledger()["refunds"]

    shop.tell(shop.event(of={**at_provider, "reference": lost.id}))
    drain(shop.wired.background, queues=["refunds"])

    assert stored(shop, first).status is RefundStatus.SUCCEEDED
    assert stored(shop, lost).status is RefundStatus.UNKNOWN
    assert shop.view(paid.order_id).order.flag is None


def test_an_event_that_says_failed_is_not_believed(shop, sandbox, pending_refund):
    (at_provider,) = sandbox.ledger()["refunds"]

    shop.tell(shop.event(of={**at_provider, "status": "failed"}))
    drain(shop.wired.background, queues=["refunds"])

    assert stored(shop, pending_refund).status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}


def test_the_same_news_twice_enqueues_each_look_once(shop, sandbox, pending_refund):
    (at_provider,) = sandbox.ledger()["refunds"]
    before = len(job_rows(shop.database, "send_refund"))
    event = shop.event(of=at_provider)

    shop.tell(event)
    shop.receive(event)
    shop.work()

    assert len(job_rows(shop.database, "send_refund")) == before + 1


def test_another_account_cannot_name_a_refund(shop, sandbox, pending_refund):
    (at_provider,) = sandbox.ledger()["refunds"]

    shop.tell(shop.event(of={**at_provider, "account": "beta"}, account="beta"), "beta")

    assert shop.states() == ["orphan"]
