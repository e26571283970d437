"""A shop with made-up attempts in the past, on a clock that stands still."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from payorch.application.jobs import EVALUATE_ALERTS, Job
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.tables import JobRow
from tests.fakes import FakeClock, fake_time
from tests.metrics_history import MetricsHistory
from tests.shop import Shop, a_method

MINUTE = timedelta(minutes=1)


class WatchedShop(Shop):
    def __init__(self, database, sandbox, clock):
        super().__init__(
            database,
            sandbox_url=sandbox.base_url,
            methods=[a_method("alpha"), a_method("beta")],
            seams=fake_time(clock),
        )
        self.clock = clock
        self.history = MetricsHistory(database, clock)

    @property
    def book(self):
        return self.services.alerts

    def attempts(self, *, approved, of, minutes_ago, provider="alpha", status=None, **fields):
        """`of` first attempts, a second apart, the last of them `minutes_ago`; gives its id.

        The approved ones are spread evenly; the others are declined, or all are as `status` says.
        """
        at = self.clock.now() - minutes_ago * MINUTE
        with self.history.together():
            for number in range(of):
                is_approved = number * approved // of != (number + 1) * approved // of
                outcome = status or (Status.APPROVED if is_approved else Status.DECLINED)
                is_declined = outcome is Status.DECLINED
                _, key = self.history.attempt(
                    at=at - timedelta(seconds=number % 600),
                    provider=provider,
                    status=outcome,
                    decline_class="issuer_decline" if is_declined else None,
                    **fields,
                )
        return key

    def look(self):
        self.wired.handlers[EVALUATE_ALERTS.name](Job(1, EVALUATE_ALERTS.name, {}, attempts=1))
        return self.book.open_alerts()

    def told(self):
        with self.database.read() as connection:
            return connection.scalars(
                select(JobRow.payload).where(JobRow.kind == "alert_staff").order_by(JobRow.id)
            ).all()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop(database, sandbox, clock):
    return WatchedShop(database, sandbox, clock)
