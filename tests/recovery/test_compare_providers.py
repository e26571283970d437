"""The standing comparison: what contradicts the books goes to the guard and to finance, once."""

import pytest
from sqlalchemy import select

from payorch.application.jobs import COMPARE_PROVIDERS, Job
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.tables import EvidenceRow, JobRow, OrderRow, WebhookEventRow
from payorch.wiring import Seams
from tests.fakes import SkippingClock
from tests.recovery.backups import back_up, restored
from tests.shop import Shop, a_card

pytestmark = pytest.mark.breaks_the_books

DECLINED = "4000000000000416"
CHALLENGE = "4200000000000018"


def compare(shop):
    shop.wired.handlers[COMPARE_PROVIDERS.name](Job(1, COMPARE_PROVIDERS.name, {}, attempts=1))


def run(database, *statements):
    with database.tx() as connection:
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount != 0


def rows(database, statement):
    with database.read() as connection:
        return connection.execute(statement).mappings().all()


def flags(database):
    return {row["flag"] for row in rows(database, select(OrderRow.flag))}


def alerts(database):
    statement = select(JobRow.payload).where(JobRow.kind == "alert_staff")
    return sorted(row["payload"]["alert"] for row in rows(database, statement))


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def test_books_that_agree_stay_as_they_are(shop, database):
    for card in ("4242424242424242", DECLINED, CHALLENGE):
        shop.pay(instrument=a_card(card))

    compare(shop)

    assert rows(database, select(EvidenceRow.id)) == []
    assert flags(database) == {None}
    assert alerts(database) == []


def test_a_charge_that_is_booked_as_none_is_given_back_once(shop, sandbox, database):
    shop.pay()
    run(
        database,
        "UPDATE orders SET status = 'failed', paid_transaction_id = NULL",
        "UPDATE transactions SET status = 'declined'",
    )

    compare(shop)
    compare(shop)
    drain(shop.wired.background, queues=["refunds"])

    (payment,) = sandbox.ledger()["payments"]
    assert payment["status"] == "voided"
    assert flags(database) == {"surplus_charge"}
    assert len(rows(database, select(EvidenceRow.id))) == 1
    assert alerts(database) == ["surplus_charge"]


def test_an_approval_that_the_provider_denies_is_flagged_for_finance_once(shop, database):
    order = shop.order()
    shop.pay(order.id, instrument=a_card(DECLINED))
    run(
        database,
        "UPDATE transactions SET status = 'approved'",
        "UPDATE orders SET status = 'paid', "
        "paid_transaction_id = (SELECT max(id) FROM transactions)",
    )

    compare(shop)
    compare(shop)

    assert flags(database) == {"contradicting_outcome"}
    assert alerts(database) == ["contradicting_outcome"]


def test_money_of_a_forgotten_order_is_shown_to_staff_once(
    database, database_url, sandbox, tmp_path
):
    backup = back_up(database_url, tmp_path)
    shop = Shop(database, sandbox_url=sandbox.base_url)
    shop.pay()

    with restored(backup, database_url, tmp_path) as old:
        shop = Shop(old, sandbox_url=sandbox.base_url)
        compare(shop)
        compare(shop)

        (event,) = rows(old, select(WebhookEventRow.state, WebhookEventRow.source))
        assert (event["state"].value, event["source"]) == ("alerted", "listing")
        assert alerts(old) == ["orphan_money"]


def test_a_provider_that_is_away_changes_nothing(shop, database):
    shop.pay()
    seams = Seams(clock=SkippingClock())
    away = Shop(database, sandbox_url="http://127.0.0.1:9", methods=[], seams=seams)

    compare(away)

    assert flags(database) == {None}
    assert alerts(database) == []


def test_it_is_scheduled_unless_it_is_switched_off(database, sandbox):
    def kinds(**settings):
        shop = Shop(database, sandbox_url=sandbox.base_url, methods=[], **settings)
        return {schedule.kind.name for schedule in shop.wired.schedules}

    assert COMPARE_PROVIDERS.name in kinds()
    assert COMPARE_PROVIDERS.name not in kinds(compare_providers_every_h=0)
