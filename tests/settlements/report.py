"""Builders of settlement reports, and a shop that imports them."""

import csv
import io
from datetime import UTC, datetime
from types import SimpleNamespace

from sqlalchemy import func, select

from payorch.application.jobs import Job
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_mapping import SettlementMapping
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.tables import (
    JobRow,
    JournalRow,
    SettlementBadLineRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
    TransactionRow,
)
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop

HEADER = ("type", "id", "reference", "gross", "fee", "currency", "settled_on")
TODAY = "2026-11-22"
FINN = "finn@example.org"


def a_line(payment_id="alpha_pay_1", **fields):
    return {
        "type": "payment",
        "id": payment_id,
        "reference": "",
        "gross": "19.99",
        "fee": "",
        "currency": "EUR",
        "settled_on": TODAY,
    } | fields


def a_report(*lines, header=HEADER):
    out = io.StringIO()
    writer = csv.DictWriter(out, header)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()


def a_mapping(**fields):
    return SettlementMapping(
        **(
            {
                "kind_column": "type",
                "kinds": {
                    "payment": LineKind.PAYMENT,
                    "refund": LineKind.REFUND,
                    "chargeback": LineKind.CHARGEBACK,
                    "payout": LineKind.PAYOUT,
                },
                "reference_column": "id",
                "our_reference_column": "reference",
                "amount_column": "gross",
                "fee_column": "fee",
                "currency_column": "currency",
                "settled_on_column": "settled_on",
                "settling_delay_days": 3,
            }
            | fields
        )
    )


class SettledShop(Shop):
    """A shop on a clock of its own, with what finance sees of its settlement reports."""

    def __init__(self, database, *, sandbox_url, clock=None, checkpoint=None, **options):
        self.clock = clock or FakeClock()
        seams = {} if checkpoint is None else {"checkpoint": checkpoint}
        super().__init__(
            database, sandbox_url=sandbox_url, seams=fake_time(self.clock, **seams), **options
        )

    @property
    def receive(self):
        return self.services.receive_settlement

    def upload(self, content, *, provider="alpha", name="report.csv"):
        return self.receive.upload(provider, file_name=name, stream=io.BytesIO(content), actor=FINN)

    def started(self, content, *, mapping=None, provider="alpha", delimiter=","):
        """The key of an import that waits for its job."""
        uploaded = self.upload(content, provider=provider)
        self.receive.start(
            uploaded.import_id, mapping or a_mapping(), delimiter=delimiter, actor=FINN
        )
        return uploaded.import_id

    def imported(self, content, **options):
        """The row of an import that is done."""
        import_id = self.started(content, **options)
        self.work()
        return self.report(import_id)

    def work(self):
        drain(self.wired.background, queues=["settlements"])

    def run(self, import_id):
        """The job itself, as a worker would run it."""
        self.wired.handlers["import_settlement"](
            Job(1, "import_settlement", {"import": import_id}, attempts=1)
        )

    def report(self, import_id):
        return self._rows(SettlementImportRow, SettlementImportRow.id == import_id)[0]

    def lines(self):
        return self._rows(SettlementLineRow)

    def bad_lines(self):
        return [(row.line_number, row.reason) for row in self._rows(SettlementBadLineRow)]

    def differences(self):
        return self._rows(SettlementDifferenceRow)

    def kinds(self):
        return [row.kind for row in self.differences()]

    def alerts(self):
        rows = self._rows(JobRow, JobRow.kind == "alert_staff")
        return [row.payload for row in rows]

    def journal(self, action):
        return self._rows(JournalRow, JournalRow.action == action)

    def count(self, table):
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(table))

    def paid(self, *, provider="alpha", **fields):
        """What has become of a payment there: its row, with the order's id as the shop's."""
        result = self.pay(preferred_provider=provider, **fields)
        (row,) = self._rows(
            TransactionRow, TransactionRow.public_id == self.view(result.order_id).last.id
        )
        return SimpleNamespace(**{**row._mapping, "order_id": result.order_id})

    def _rows(self, table, *conditions):
        statement = select(table.__table__).where(*conditions).order_by(table.__table__.c.id)
        with self.database.read() as connection:
            return connection.execute(statement).all()


def at_noon(day):
    return datetime(2026, 11, day, 12, tzinfo=UTC)
