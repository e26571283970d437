"""A job may run twice: a world in which each one does is the same world."""

import contextlib
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from payorch.application.jobs import SETTLE_TRANSACTION, GiveUp, NewJob, RetryLater
from payorch.application.review import Conclusion
from payorch.application.review_refund import RefundConclusion
from payorch.domain.payment_method import Capabilities
from payorch.infrastructure.jobs import drain, run_for
from payorch.infrastructure.persistence.tables import (
    JobRow,
    JournalRow,
    NoticeRow,
    OrderRow,
    RefundRow,
    SettlementDifferenceRow,
    SettlementLineRow,
    TransactionRow,
    WebhookEventRow,
)
from tests.databases import open_database
from tests.fakes import CrashAt, FakeClock, SimulatedCrash, fake_time
from tests.people import hire
from tests.refunds.refund_shop import a_refund
from tests.settlements.report import a_line, a_mapping, a_report
from tests.shop import Shop, a_card, a_method, an_order
from tests.webhooks.events import Event

AFTER_CALL = 4
CHALLENGE = "4200000000000018"
CHARGED_WITHOUT_ANSWER = "4100000000000027"


class World:
    """A shop whose jobs run `times` times each, one right after the other."""

    def __init__(self, database, sandbox, *, times):
        self.database, self.sandbox, self.clock = database, sandbox, FakeClock()
        sandbox.reset()
        methods = [
            a_method("alpha", timeout_s=1.0),
            a_method("beta", timeout_s=0.3, capabilities=Capabilities(refund=True)),
        ]
        self.shop = self._shop(methods)
        self.ran = set()
        background = self.shop.wired.background
        self.background = replace(
            background,
            handlers={
                name: self._repeated(handler, times)
                for name, handler in background.handlers.items()
            },
        )

    def _shop(self, methods, **seams):
        hire(self.database, "fiona@example.com")
        return Shop(
            self.database,
            sandbox_url=self.sandbox.base_url,
            methods=methods,
            seams=fake_time(self.clock, **seams),
        )

    def _repeated(self, handler, times):
        def run(job):
            self.ran.add(job.kind)
            for _ in range(times - 1):
                # The first run's wish or failure is lost, as when the process dies right after.
                with contextlib.suppress(RetryLater, GiveUp):
                    handler(job)
            handler(job)

        return run

    def live(self):
        """Something for every handler to do."""
        self._a_payment_is_refunded()
        self._a_process_dies_after_the_call()
        self._an_event_tells_of_a_payment()
        self._staff_conclude_what_nobody_can_prove()
        self._staff_conclude_on_a_refund_that_nobody_can_prove()
        self._finance_imports_a_settlement_report("alpha")
        wrong = self._finance_imports_a_settlement_report("beta")
        self.shop.order()
        run_for(self.background, seconds=120)
        self.shop.services.undo_settlement.start(
            wrong, actor="fiona@example.com", reason="It is of another shop."
        )
        # The order that nobody paid runs out; the done jobs of the schedules are forgotten.
        self.clock.advance(days=2)
        drain(self.background, with_schedules=True)

    def _a_payment_is_refunded(self):
        paid = self.shop.pay()
        self.shop.services.refund_payment.execute(a_refund(paid.order_id, 500))

    def _a_process_dies_after_the_call(self):
        dying = self._shop([], checkpoint=CrashAt(AFTER_CALL))
        order = dying.order(amount_minor=2100)
        with pytest.raises(SimulatedCrash):
            dying.pay(order.id)
        transaction = self.shop.view(order.id).last
        self.shop.wired.background.queue.enqueue(
            [
                NewJob(
                    SETTLE_TRANSACTION,
                    {"transaction": transaction.id, "token": 1},
                    run_at=self.clock.now() + timedelta(minutes=1),
                )
            ]
        )

    def _an_event_tells_of_a_payment(self):
        waiting = self.shop.pay(instrument=a_card(CHALLENGE))
        (payment,) = self.sandbox.payments_of(self.shop.view(waiting.order_id).last.id)
        event = Event(payment, at=int(self.clock.now().timestamp()), id="evt_challenge")
        self.shop.services.receive_event.execute("alpha", event.headers, event.body)

    def _staff_conclude_what_nobody_can_prove(self):
        stuck = self.shop.pay(
            new_order=an_order(2300),
            instrument=a_card(CHARGED_WITHOUT_ANSWER),
            preferred_provider="beta",
        )
        self.clock.advance(minutes=2)
        drain(self.background, queues=["reconcile"], with_schedules=True)
        proposal = self.shop.services.review.propose(
            self.shop.view(stuck.order_id).last.id,
            Conclusion.NOT_CHARGED,
            provider_reference=None,
            evidence="Not in the statement.",
            actor="fiona@example.com",
        )
        self.shop.services.review.decide(
            proposal.id, is_approved=True, actor="adam@example.com", reason="Checked it."
        )

    def _staff_conclude_on_a_refund_that_nobody_can_prove(self):
        paid = self.shop.pay(new_order=an_order(2500), preferred_provider="beta")
        self.sandbox.patch_profile("beta", refund_faults={"error_500_before": 1})
        refund = self.shop.services.refund_payment.execute(a_refund(paid.order_id, 400)).refund
        self.sandbox.patch_profile("beta", refund_faults=None)
        self.clock.advance(minutes=2)
        drain(self.background, with_schedules=True)
        proposal = self.shop.services.review_refund.propose(
            refund.id,
            RefundConclusion.NOT_GIVEN_BACK,
            provider_reference=None,
            evidence="Not in the statement.",
            actor="fiona@example.com",
        )
        self.shop.services.review_refund.decide(
            proposal.id, is_approved=True, actor="adam@example.com", reason="Checked it."
        )

    def _finance_imports_a_settlement_report(self, provider):
        receive = self.shop.services.receive_settlement
        content = a_report(a_line("strange_1"), a_line("po_1", type="payout"))
        uploaded = receive.upload(
            provider, file_name="r.csv", stream=io.BytesIO(content), actor="fiona@example.com"
        )
        receive.start(uploaded.import_id, a_mapping(), delimiter=",", actor="fiona@example.com")
        return uploaded.import_id

    def books(self):
        """All that must not differ, without ids and times."""
        with self.database.read() as connection:
            counted = {
                table.__tablename__: sorted(
                    tuple(str(value) for value in row)
                    for row in connection.execute(
                        select(*columns, func.count()).select_from(table).group_by(*columns)
                    )
                )
                for table, columns in (
                    (OrderRow, (OrderRow.status, OrderRow.amount_minor, OrderRow.flag)),
                    (TransactionRow, (TransactionRow.status, TransactionRow.provider_code)),
                    (RefundRow, (RefundRow.status, RefundRow.kind, RefundRow.amount_minor)),
                    (NoticeRow, (NoticeRow.kind, NoticeRow.state)),
                    (WebhookEventRow, (WebhookEventRow.state, WebhookEventRow.event_id)),
                    (JournalRow, (JournalRow.action, JournalRow.actor)),
                    (JobRow, (JobRow.kind, JobRow.state, JobRow.queue)),
                    (SettlementLineRow, (SettlementLineRow.kind, SettlementLineRow.amount_minor)),
                    (SettlementDifferenceRow, (SettlementDifferenceRow.kind,)),
                )
            }
        ledger = self.sandbox.ledger()
        counted["charged"] = sorted((p["status"], p["amount"]) for p in ledger["payments"])
        counted["refunded"] = sorted((r["status"], r["amount"]) for r in ledger["refunds"])
        return counted


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_every_handler_may_run_twice(engine, request, sandbox):
    urls = request.getfixturevalue("sqlite_files" if engine == "sqlite" else engine)
    books = []
    for times in (1, 2):
        with open_database(urls.new_database_url()) as database:
            world = World(database, sandbox, times=times)
            world.live()
            books.append(world.books())
            assert world.ran == set(world.background.handlers), "A handler had nothing to do."

    once, twice = books
    assert twice == once
