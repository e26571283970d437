"""The database stops taking writes in the middle of a payment (reliability.md, F10 and F13).

Before the intent stands in the books nothing may be sent. After the call the answer is kept in
memory and written as soon as that works; later than ten seconds it is the reconciler's to find.
"""

import shutil

import pytest

from payorch import paths
from payorch.application.payment_result import ResultKind
from payorch.application.record_outcome import WRITE_PATIENCE_S
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.readiness import DatabaseReadiness
from tests.databases import open_database
from tests.disk_faults.failing_storage import FullDisk, ReadOnly, small_disk
from tests.fakes import FakeClock, Meanwhile, fake_time
from tests.shop import Shop, a_card, a_method, seed

SOFT_DECLINED_BY_ALPHA = "4300000000000017"


@pytest.fixture(params=["read-only sqlite", "read-only postgresql", "full disk"])
def storage(request, tmp_path):
    if request.param == "full disk":
        with small_disk(tmp_path, megabytes=4) as folder:
            if folder is None:
                pytest.skip("Only root may mount a small disk; test_limits_of_the_process.py does.")
            template = request.getfixturevalue("sqlite_files").new_database_url()
            shutil.copyfile(template.removeprefix("sqlite:///"), folder / "payorch.sqlite3")
            with open_database(f"sqlite:///{folder / 'payorch.sqlite3'}") as database:
                yield FullDisk(database, folder)
        return
    servers = {"read-only sqlite": "sqlite_files", "read-only postgresql": "postgresql"}
    url = request.getfixturevalue(servers[request.param]).new_database_url()
    with open_database(url) as database:
        yield ReadOnly(database)


class RecoveringClock(FakeClock):
    """Calls `then` when `after_s` of waiting have passed."""

    def __init__(self, after_s, then) -> None:
        super().__init__()
        self._after_s, self._then = after_s, then

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._then is not None and self.elapsed_s >= self._after_s:
            self._then()
            self._then = None


def a_shop(storage, sandbox, *, fails_at, clock=None):
    shop = Shop(
        storage.database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha"), a_method("beta")],
        seams=fake_time(clock or FakeClock(), checkpoint=Meanwhile(fails_at, storage.fail)),
    )
    shop.wired.reconcile.execute()
    return shop


def orders_in(storage) -> int:
    with storage.database.read() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one()


def reconcile(shop) -> None:
    for _ in range(3):
        shop.services.clock.advance(minutes=20)
        shop.wired.reconcile.execute()


def test_without_a_written_intent_nothing_is_sent_and_the_key_stays_free(storage, sandbox):
    shop = a_shop(storage, sandbox, fails_at="before_start")
    order = shop.order()

    with pytest.raises(LedgerUnavailable):
        shop.pay(order.id, idempotency_key="test:full", request_hash="same")

    assert sandbox.ledger()["payments"] == []
    assert shop.view(order.id).order.status is PaymentStatus.PENDING
    assert shop.statuses(order.id) == []

    storage.recover()

    result = shop.pay(order.id, idempotency_key="test:full", request_hash="same")
    assert (result.kind, result.is_replay) == (ResultKind.PAID, False)
    assert len(sandbox.ledger()["payments"]) == 1


def test_a_new_order_that_cannot_be_written_is_not_half_there(storage, sandbox):
    shop = a_shop(storage, sandbox, fails_at="before_start")

    with pytest.raises(LedgerUnavailable):
        shop.pay()

    assert orders_in(storage) == 0
    assert sandbox.ledger()["payments"] == []


def test_an_answer_is_kept_until_the_database_takes_it(storage, sandbox):
    clock = RecoveringClock(after_s=5.0, then=storage.recover)
    shop = a_shop(storage, sandbox, fails_at="after_call", clock=clock)

    result = shop.pay()

    assert result.kind is ResultKind.PAID
    assert 5.0 <= clock.elapsed_s < WRITE_PATIENCE_S
    assert shop.statuses(result.order_id) == [("alpha", "approved")]
    assert len(sandbox.ledger()["payments"]) == 1


def test_after_ten_seconds_the_customer_hears_the_truth_and_the_reconciler_finds_the_charge(
    storage, sandbox
):
    clock = FakeClock()
    shop = a_shop(storage, sandbox, fails_at="after_call", clock=clock)

    result = shop.pay()

    assert result.kind is ResultKind.CONFIRMING
    assert WRITE_PATIENCE_S / 2 < clock.elapsed_s <= WRITE_PATIENCE_S
    assert shop.statuses(result.order_id) == [("alpha", "started")]

    storage.recover()
    reconcile(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    [charge] = sandbox.ledger()["payments"]
    assert charge["status"] == "approved"


def test_no_other_provider_is_asked_while_the_decline_cannot_be_written(storage, sandbox):
    """The next intent would be in the same commit: without it nothing may be sent."""
    shop = a_shop(storage, sandbox, fails_at="after_call")

    result = shop.pay(instrument=a_card(SOFT_DECLINED_BY_ALPHA))

    assert result.kind is ResultKind.CONFIRMING
    assert {payment["account"] for payment in sandbox.ledger()["payments"]} <= {"alpha"}

    storage.recover()
    reconcile(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.FAILED
    assert not [p for p in sandbox.ledger()["payments"] if p["status"] == "approved"]


def test_a_reconciler_without_a_database_says_so_and_goes_on_later(storage, sandbox):
    shop = a_shop(storage, sandbox, fails_at="after_call")
    result = shop.pay()
    shop.services.clock.advance(minutes=20)

    with pytest.raises(LedgerUnavailable):
        shop.wired.reconcile.execute()

    storage.recover()
    reconcile(shop)
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_a_process_whose_database_takes_no_writes_is_not_ready(storage):
    seed(storage.database, [a_method("alpha")])
    readiness = DatabaseReadiness(storage.database, paths.MIGRATIONS)
    assert readiness.problems() == []

    storage.fail()
    assert readiness.problems() == ["database_unavailable"]

    storage.recover()
    assert readiness.problems() == []
