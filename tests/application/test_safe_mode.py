"""SAFE mode: nothing is charged or refunded, in every process, from the next order on."""

from datetime import UTC, datetime

import pytest

from payorch.application.configuration import OperatingMode
from payorch.domain.errors import PaymentsPaused
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.operating_mode import SqlAlchemyOperatingModes
from payorch.infrastructure.system_clock import SystemClock
from tests.shop import Shop, a_payment

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def modes(database) -> SqlAlchemyOperatingModes:
    return SqlAlchemyOperatingModes(LedgerTransactions(database, SystemClock()))


def change(database, mode) -> bool:
    return modes(database).change(mode, actor="olga", reason="a restored backup", at=AT)


def test_no_payment_is_taken_for_a_new_or_an_old_order(shop, database, sandbox):
    order = shop.order()
    change(database, OperatingMode.SAFE)

    with pytest.raises(PaymentsPaused):
        shop.pay(order.id)
    with pytest.raises(PaymentsPaused):
        shop.pay()

    assert shop.view(order.id).order.status is PaymentStatus.PENDING
    assert sandbox.ledger()["payments"] == []


def test_another_process_learns_it_at_its_next_order(shop, database, sandbox):
    other = Shop(database, sandbox_url=sandbox.base_url, methods=[])
    other.pay()
    change(database, OperatingMode.SAFE)

    with pytest.raises(PaymentsPaused):
        other.pay()


def test_a_copy_of_later_settings_does_not_hide_it(shop, database, sandbox):
    """A restored database is older than what a running process holds in memory."""
    shop.pay()
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE configuration SET revision = revision - 1")
    change(database, OperatingMode.SAFE)

    with pytest.raises(PaymentsPaused):
        shop.pay()


def test_a_replay_still_gets_its_stored_answer(shop, database):
    payment = a_payment(order_id=shop.order().id)
    paid = shop.services.pay_order.execute(payment)
    change(database, OperatingMode.SAFE)

    again = shop.services.pay_order.execute(payment)

    assert (again.order_id, again.kind, again.is_replay) == (paid.order_id, paid.kind, True)


def test_payments_go_on_after_it(shop, database):
    change(database, OperatingMode.SAFE)
    change(database, OperatingMode.NORMAL)

    assert shop.view(shop.pay().order_id).order.status is PaymentStatus.PAID


def test_entering_twice_is_journalled_once(database):
    assert change(database, OperatingMode.SAFE)
    assert not change(database, OperatingMode.SAFE)

    assert modes(database).in_force().since == AT
    with database.read() as connection:
        entries = connection.exec_driver_sql("SELECT action, actor, reason FROM journal").all()
    assert [tuple(entry) for entry in entries] == [("enter_safe_mode", "olga", "a restored backup")]


def test_leaving_what_was_never_entered_is_nothing(database):
    assert not change(database, OperatingMode.NORMAL)
    assert not modes(database).in_force().is_safe
