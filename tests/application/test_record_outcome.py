"""The single writer when the database is away, or refuses what the provider says."""

import json

import pytest

from payorch.application.payment_ledger import ContradictsLedger
from payorch.application.payment_result import ResultKind
from payorch.domain.outcome import UnknownReason
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.http_transport import AnswerLost
from payorch.wiring import Seams
from tests.fakes import FakeClock, Meanwhile, fake_time
from tests.shop import Shop, a_method, an_order


class SameIdForAll:
    """A provider that gives two payments the same id. A cancel is always too late."""

    def exchange(self, request, **_options) -> HttpAnswer:
        sent = json.loads(request.body)
        payment = {
            "id": "always_the_same",
            "reference": sent["reference"],
            "amount": 1999,
            "currency": "EUR",
            "status": "approved",
        }
        if request.url.endswith("/cancel"):
            return HttpAnswer(409, "application/json", json.dumps({"payment": payment}).encode())
        return HttpAnswer(201, "application/json", json.dumps(payment).encode())


def test_an_id_that_another_payment_has_holds_the_order_and_flags_it(database):
    shop = Shop(
        database,
        sandbox_url="http://127.0.0.1:9",
        methods=[a_method("alpha")],
        seams=fake_time(FakeClock(), transport=SameIdForAll()),
    )
    first = shop.pay()

    second = shop.pay()

    assert first.kind is ResultKind.PAID
    assert second.kind is ResultKind.CONFIRMING
    assert shop.statuses(second.order_id) == [("alpha", "unknown")]
    assert shop.view(second.order_id).order.flag == "contradicting_outcome"


def test_an_answer_that_the_books_refuse_is_asked_for_ever_more_rarely(database):
    """Only finance can help now; the log and the evidence must not fill meanwhile."""
    clock = FakeClock()
    shop = Shop(
        database,
        sandbox_url="http://127.0.0.1:9",
        methods=[a_method("alpha")],
        seams=fake_time(clock, transport=SameIdForAll()),
    )
    shop.pay()
    shop.pay()

    checks = 0
    for _ in range(20):
        clock.advance(seconds=31)
        checks += shop.wired.reconcile.execute().checked

    assert 2 <= checks <= 5


class RefusesTheReplayAsDuplicate:
    """It charges without an answer, declines the replay with 94, and a cancel tells the truth."""

    def __init__(self) -> None:
        self._charge: dict[str, object] = {}

    def exchange(self, request, **_options) -> HttpAnswer:
        sent = json.loads(request.body)
        if request.url.endswith("/cancel"):
            return self._answer(409, {"error": {"code": "x"}, "payment": self._charge})
        if not self._charge:
            kept = {name: sent[name] for name in ("reference", "amount", "currency")}
            self._charge = {"id": "first", "status": "approved", **kept}
            raise AnswerLost(UnknownReason.READ_TIMEOUT)
        decline = {"scheme": "visa", "code": "94"}
        refusal = {"id": "second", "status": "declined", "decline": decline}
        return self._answer(402, self._charge | refusal)

    def _answer(self, status: int, body: dict[str, object]) -> HttpAnswer:
        return HttpAnswer(status, "application/json", json.dumps(body).encode())


def test_a_decline_as_duplicate_is_no_decline_before_the_first_charge_is_looked_up(database):
    shop = Shop(
        database,
        sandbox_url="http://127.0.0.1:9",
        methods=[a_method("alpha"), a_method("beta")],
        seams=fake_time(FakeClock(), transport=RefusesTheReplayAsDuplicate()),
    )

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "approved")]
    assert result.kind is ResultKind.PAID
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_answer_waits_for_a_database_that_is_away_for_a_moment(database, sandbox):
    away = TableAway(database)
    shop = shop_whose_table_goes(database, sandbox, away, back_after=3)

    result = shop.pay(new_order=an_order())

    assert away.tries == 3
    assert result.kind is ResultKind.PAID


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_answer_that_cannot_be_written_is_confirming_and_found_later(database, sandbox):
    away = TableAway(database)
    clock = FakeClock()
    shop = shop_whose_table_goes(database, sandbox, away, back_after=None, clock=clock)
    order = shop.order()

    result = shop.pay(order.id)
    away.bring_back()
    clock.advance(minutes=1)
    shop.wired.reconcile.execute()

    assert result.kind is ResultKind.CONFIRMING
    assert shop.view(order.id).order.status is PaymentStatus.PAID


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.breaks_the_books
def test_a_payment_that_was_sent_is_confirming_even_when_nothing_can_be_read_any_more(
    database, sandbox
):
    """Somebody else settled it, and the books go away before this one can read how."""
    away = TableAway(database)

    def settled_then_away() -> None:
        with database.tx() as connection:
            connection.exec_driver_sql("UPDATE transactions SET version = version + 1")

    settle = Meanwhile("after_call", settled_then_away)
    leave = Meanwhile("after_record", away.take_away)

    def checkpoint(name: str) -> None:
        settle(name)
        leave(name)

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(FakeClock(), checkpoint=checkpoint),
    )

    # A NotSent loses against whoever changed the transaction, and then reads what became of it.
    sandbox.start_outage("alpha", "not_processed_503")
    result = shop.pay(new_order=an_order())

    assert result.kind is ResultKind.CONFIRMING


class TableAway:
    """The submissions table under another name: each write fails as with a broken database."""

    def __init__(self, database) -> None:
        self._database = database
        self.tries = 0

    def take_away(self) -> None:
        self._run("ALTER TABLE submissions RENAME TO submissions_away")

    def bring_back(self) -> None:
        self._run("ALTER TABLE submissions_away RENAME TO submissions")

    def _run(self, statement: str) -> None:
        with self._database.tx() as connection:
            connection.exec_driver_sql(statement)


def shop_whose_table_goes(database, sandbox, away, *, back_after, clock=None):
    leave = Meanwhile("after_call", away.take_away)

    def checkpoint(name: str) -> None:
        leave(name)
        if name == "before_record":
            away.tries += 1
            if away.tries == back_after:
                away.bring_back()

    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=fake_time(clock or FakeClock(), checkpoint=checkpoint),
    )


def test_an_outcome_of_an_order_that_is_not_being_processed_writes_nothing(database, sandbox):
    def order_becomes(status: str) -> None:
        with database.tx() as connection:
            connection.exec_driver_sql(f"UPDATE orders SET status = '{status}'")

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha")],
        seams=Seams(checkpoint=Meanwhile("after_call", lambda: order_becomes("failed"))),
    )

    with pytest.raises(ContradictsLedger):
        shop.pay()

    with database.read() as connection:
        written = connection.exec_driver_sql(
            "SELECT t.status, s.result, s.finished_at, o.status,"
            " (SELECT count(*) FROM jobs WHERE kind = 'notify_customer')"
            " FROM transactions t JOIN orders o ON o.id = t.order_id"
            " JOIN submissions s ON s.id = t.submission_id"
        ).one()
    assert tuple(written) == ("started", None, None, "failed", 0)
    order_becomes("processing")
