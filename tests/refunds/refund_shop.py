"""A shop whose money can be given back, and what its provider has really given back."""

import contextlib
import itertools
from dataclasses import replace

from payorch.application.jobs import Job, RetryLater
from payorch.application.refund_payment import RefundPayment
from payorch.domain.refund import Refund
from payorch.infrastructure.jobs import drain, run_for
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_ledger import SqlAlchemyRefundLedger
from tests.fakes import FakeClock, fake_time
from tests.sandbox_process import SandboxProcess
from tests.shop import FULL_CAPABILITIES, Shop, a_method

_numbers = itertools.count(1)


def a_refund(order_id: str, amount_minor: int | None = None, **fields) -> RefundPayment:
    number = next(_numbers)
    defaults = {
        "reason": "Came back broken.",
        "actor": "finn@example.com",
        "idempotency_key": f"test-refund:{number}",
        "request_hash": f"refund-hash-{number}",
    }
    return RefundPayment(order_id=order_id, amount_minor=amount_minor, **(defaults | fields))


class RefundShop(Shop):
    """One card provider, on a clock that only moves when told."""

    def __init__(
        self,
        database,
        sandbox: SandboxProcess,
        *,
        clock: FakeClock | None = None,
        is_seeded: bool = False,
        timeout_s: float = 0.5,
        seams: dict | None = None,
        second_person_above: str = "",
        **capabilities,
    ) -> None:
        self.clock = clock or FakeClock()
        self.sandbox = sandbox
        method = a_method(
            "alpha",
            timeout_s=timeout_s,
            max_concurrency=64,
            capabilities=replace(FULL_CAPABILITIES, **capabilities),
        )
        super().__init__(
            database,
            sandbox_url=sandbox.base_url,
            methods=[] if is_seeded else [method],
            seams=fake_time(self.clock, **(seams or {})),
            refund_second_person_above=second_person_above,
        )
        transactions = LedgerTransactions(database, self.clock, uses_database_clock=False)
        self.ledger = SqlAlchemyRefundLedger(transactions, self.clock)

    def again(self, **seams) -> "RefundShop":
        """Another process on the same database and clock."""
        return RefundShop(
            self.database,
            self.sandbox,
            clock=self.clock,
            is_seeded=True,
            seams=seams,
            second_person_above=self.settings.refund_second_person_above,
        )

    def paid_order(self, amount_minor: int = 1999):
        result = self.pay(self.order(amount_minor=amount_minor).id)
        return self.view(result.order_id)

    def refund(self, order_id, amount_minor: int | None = None, **fields) -> Refund:
        command = a_refund(order_id, amount_minor, **fields)
        return self.services.refund_payment.execute(command).refund

    def left_minor(self, order_id) -> int:
        return self.ledger.refundable(order_id).left_minor

    def carry_on(self, *, seconds: float = 30) -> None:
        """Jobs and schedules at work for so long."""
        run_for(self.wired.background, seconds=seconds)

    def drain(self) -> None:
        drain(self.wired.background)

    def now(self, refund: Refund) -> Refund:
        found = self.ledger.find(refund.id)
        assert found is not None
        return found

    def rows(self, statement: str) -> list[tuple]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def refunds_at_provider(self, payment_reference: str) -> list[dict]:
        return [
            refund
            for refund in self.sandbox.ledger()["refunds"]
            if refund["payment_id"] == payment_reference
        ]

    def given_back_minor(self, order_view) -> int:
        """What the provider's own ledger says went back of the order's payment."""
        (payment,) = [
            payment
            for transaction in order_view.transactions
            for payment in self.sandbox.payments_of(transaction.id)
            if payment["status"] in {"approved", "voided"}
        ]
        return int(payment["refunded_amount"])

    def drain_refund_of(self, refund: Refund):
        """A call that works on this refund, as its job would."""
        handler = self.wired.handlers["send_refund"]

        def work() -> None:
            with contextlib.suppress(RetryLater):
                handler(Job(id=0, kind="send_refund", payload={"refund": refund.id}, attempts=1))

        return work
