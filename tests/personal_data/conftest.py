"""A shop with letters and a clock, and what stands in its database."""

import json

import pytest
from sqlalchemy import MetaData, insert, select, update

from payorch.infrastructure.jobs.drain import drain
from payorch.infrastructure.persistence.tables import NoticeRow, OrderRow
from tests.fakes import FakeClock, fake_time
from tests.notices.conftest import MailingShop
from tests.shop import a_customer, a_method, an_order

CANARY = {
    "name": "Zebulon Kanarienvogel",
    "email": "zebulon.kanarienvogel@example.com",
    "fields": {"document": "KANARI-4711", "street": "Vogelsangweg 17"},
}
TRACES = ("ebulon", "anarien", "KANARI", "ogelsang")


class SealedShop(MailingShop):
    def paid(self, **customer):
        """The id of an order that is paid, with its receipt."""
        bought = an_order(customer=a_customer(**(CANARY | customer)))
        order_id = self.pay(new_order=bought).order_id
        self.drain_mail()
        return order_id

    def upkeep(self) -> None:
        drain(self.wired.background, queues=["upkeep"])

    def put_in_clear(self, order_id) -> None:
        """As the release before left it."""
        customer = self.view(order_id).order.customer
        with self.database.tx() as connection:
            key = connection.scalar(select(OrderRow.id).where(OrderRow.public_id == order_id))
            connection.execute(
                update(OrderRow)
                .where(OrderRow.id == key)
                .values(
                    customer_sealed=None,
                    customer_key_id=None,
                    customer_email_index=None,
                    customer_name=customer.name,
                    customer_email=customer.email,
                    customer_fields=dict(customer.fields),
                )
            )
            connection.execute(
                insert(NoticeRow).values(
                    public_id=f"no_{key}",
                    dedup_key=f"old:{key}",
                    kind="paid",
                    order_id=key,
                    recipient=customer.email,
                    subject="Thank you",
                    body=f"Dear {customer.name}",
                    body_html=f"<p>Dear {customer.name}</p>",
                    state="sent",
                    created_at=self.services.clock.now(),
                )
            )

    def dump(self) -> str:
        """Everything that stands in any table."""
        found = MetaData()
        found.reflect(self.database.engine)
        lines = []
        with self.database.read() as connection:
            for table in found.tables.values():
                lines += [
                    json.dumps(dict(row), default=_shown, ensure_ascii=False)
                    for row in connection.execute(select(table)).mappings()
                ]
        return "\n".join(lines)

    def key_counts(self) -> dict[int, int]:
        """Rows that need each key of personal data."""
        keys = self.wired.seal.state().keys
        return {key.id: key.orders + key.notices for key in keys if key.purpose != "email_index"}


def _shown(value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop_with(database, sandbox, clock):
    def make(*, is_seeded=False, **settings) -> SealedShop:
        return SealedShop(
            database,
            sandbox_url=sandbox.base_url,
            methods=[] if is_seeded else [a_method("alpha"), a_method("beta")],
            seams=fake_time(clock),
            **settings,
        )

    return make


@pytest.fixture
def shop(shop_with) -> SealedShop:
    return shop_with()
