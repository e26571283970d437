"""PostgreSQL's single statements, while somebody else holds a row that they want."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import pytest
from sqlalchemy import create_engine

from payorch.application.payment_result import ResultKind
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.wiring import Seams
from tests.shop import Shop, a_method

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def database(postgresql):
    engine = create_engine(postgresql.new_database_url())
    prepare_engine(engine)
    yield Database(engine)
    engine.dispose()


class HeldRow:
    """A checkpoint that changes rows right before the outcome is written, and commits only when
    the statement that writes it has come to wait for them.
    """

    def __init__(self, database: Database, change: str) -> None:
        self._database = database
        self._change = change
        self._helper = ThreadPoolExecutor(1)
        self._is_over = False
        self.was_waited_for = False

    def __call__(self, name: str) -> None:
        if name == "before_record" and not self._is_over:
            self._is_over = True
            connection = self._database.engine.connect()
            connection.exec_driver_sql(self._change)
            self._helper.submit(self._commit_when_waited_for, connection)

    def _commit_when_waited_for(self, connection) -> None:
        give_up_at = monotonic() + 20
        while not self.was_waited_for and monotonic() < give_up_at:
            with self._database.look_up() as looking:
                self.was_waited_for = bool(looking.exec_driver_sql(WAITING).scalar_one())
        connection.commit()
        connection.close()


@contextmanager
def a_payment_that_meets(database, sandbox, change):
    held = HeldRow(database, change)
    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=Seams(checkpoint=held),
    )
    result = shop.pay()
    assert held.was_waited_for
    yield shop, result


def test_a_payment_is_paid_although_its_order_was_flagged_at_that_moment(database, sandbox):
    change = "UPDATE orders SET flag = 'looked_at', version = version + 1"

    with a_payment_that_meets(database, sandbox, change) as (shop, result):
        order = shop.view(result.order_id).order

    assert result.kind is ResultKind.PAID
    assert (order.status, order.flag, order.version) == (PaymentStatus.PAID, "looked_at", 3)
    assert shop.view(result.order_id).paid_by is not None


def test_a_transaction_that_was_taken_over_at_that_moment_is_settled_by_its_newer_state(
    database, sandbox
):
    change = "UPDATE transactions SET version = version + 1, token = token + 1"

    with a_payment_that_meets(database, sandbox, change) as (shop, result):
        assert shop.statuses(result.order_id) == [("alpha", "approved")]

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert result.kind is ResultKind.PAID
