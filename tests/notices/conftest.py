"""A shop whose letters go to a mail server on this machine."""

import pytest
from sqlalchemy import select

from payorch.application.jobs import NOTIFY_CUSTOMER, Job, NewJob
from payorch.infrastructure.jobs.drain import drain
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.tables import JobRow, NoticeRow
from tests.fakes import FakeClock, fake_time
from tests.mail_server import mail_server
from tests.shop import Shop, a_method


class MailingShop(Shop):
    """A shop with what happens after it: jobs, notices, mails."""

    def enqueue(self, *jobs: NewJob) -> None:
        with self.database.tx() as connection:
            insert_jobs(connection, jobs, at=self.services.clock.now())

    def tell(self, event, order_id, **more) -> None:
        payload = {"order": order_id, "event": event, **more}
        self.enqueue(NewJob(NOTIFY_CUSTOMER, payload))

    def drain_mail(self) -> int:
        return drain(self.wired.background, queues=["mail"])

    def handle(self, kind, payload, *, number=1) -> None:
        """The handler itself, with what it raises."""
        self.wired.handlers[kind.name](Job(number, kind.name, payload, attempts=1))

    def notices(self):
        """The rows, with what is sealed in them opened."""
        rows = self._rows(select(NoticeRow.__table__).order_by(NoticeRow.id))
        return [row | self._opened(row) for row in map(dict, rows)]

    def _opened(self, row):
        found = self.wired.personal_data.letter_in(row)
        letter = found.letter
        return {
            "recipient": found.recipient,
            "subject": letter.subject,
            "body": letter.text,
            "body_html": letter.html,
        }

    def jobs(self, kind):
        jobs = select(JobRow.__table__).where(JobRow.kind == kind.name).order_by(JobRow.id)
        return self._rows(jobs)

    def run(self, statement, **parameters):
        with self.database.tx() as connection:
            connection.execute(statement, parameters)

    def _rows(self, statement):
        with self.database.read() as connection:
            return connection.execute(statement).mappings().all()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server():
    with mail_server() as running:
        yield running


@pytest.fixture
def shop_with(database, sandbox, clock):
    """A shop on a fake clock; without settings its letters are only kept."""

    def make(**settings) -> MailingShop:
        return MailingShop(
            database,
            sandbox_url=sandbox.base_url,
            methods=[a_method("alpha")],
            seams=fake_time(clock),
            **settings,
        )

    return make


@pytest.fixture
def shop(shop_with, server) -> MailingShop:
    return shop_with(
        mail_backend="smtp",
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_starttls=False,
        mail_from="shop@example.com",
        merchant_name="Ana's Books",
    )
