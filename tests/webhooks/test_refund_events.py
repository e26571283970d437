"""A refund's event makes the refund's own job look it up; the event itself changes nothing."""

import pytest

from payorch.domain.refund import RefundStatus
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_ledger import SqlAlchemyRefundLedger
from tests.refunds.refund_shop import a_refund
from tests.webhooks.events import job_rows
from tests.webhooks.live_shop import wait_until

PENDING_THEN_SUCCEEDED = 80_001


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
