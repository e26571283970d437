"""The pass over what is due: nobody waits behind those who have a job; dead jobs are followed."""

from payorch.application.reconcile_refunds import ReconcileRefunds
from payorch.domain.refund import RefundStatus
from tests.refunds.refund_shop import RefundShop


def a_pass(shop):
    return ReconcileRefunds(ledger=shop.ledger, jobs=shop.wired.background.queue, clock=shop.clock)


def waiting_refunds(shop, sandbox, count):
    """As many as asked for, started while the provider was away; their jobs are forgotten."""
    orders = [shop.paid_order() for _ in range(count)]
    sandbox.start_outage("alpha", "not_processed_503", scope="all", lasts_s=3600)
    refunds = [shop.refund(paid.order.id) for paid in orders]
    sandbox.end_outages()
    with shop.database.tx() as connection:
        connection.exec_driver_sql("DELETE FROM jobs WHERE kind = 'send_refund'")
    shop.clock.advance(minutes=10)
    return refunds


def jobs(shop):
    return shop.rows("SELECT state FROM jobs WHERE kind = 'send_refund' ORDER BY id")


def test_refunds_behind_those_that_have_jobs_get_theirs_in_the_next_pass(database, sandbox):
    shop = RefundShop(database, sandbox)
    waiting_refunds(shop, sandbox, 3)

    found = [a_pass(shop).execute(limit=2) for _ in range(3)]

    assert found == [2, 1, 0]
    assert len(jobs(shop)) == 3


def test_a_refund_whose_job_died_gets_another_one_within_two_hours(database, sandbox):
    shop = RefundShop(database, sandbox)
    (refund,) = waiting_refunds(shop, sandbox, 1)
    a_pass(shop).execute()
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'dead' WHERE kind = 'send_refund'")
    assert a_pass(shop).execute() == 0

    shop.clock.advance(hours=2)
    assert a_pass(shop).execute() == 1
    shop.drain()

    assert shop.now(refund).status is RefundStatus.SUCCEEDED
    assert sorted(state for (state,) in jobs(shop)) == ["dead", "done"]
