"""Reads refunds as last committed, for the pages and the API."""

from sqlalchemy import RowMapping, bindparam

from payorch.application.refund_views import RefundView
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.refund_statements import by_id, refunds
from payorch.infrastructure.persistence.tables import OrderRow, RefundRow

_OF_ORDER = refunds.where(OrderRow.public_id == bindparam("order_id")).order_by(RefundRow.id)


class SqlAlchemyRefundReader:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of_order(self, order_id: OrderId) -> tuple[RefundView, ...]:
        with self._database.look_up() as connection:
            rows = connection.execute(_OF_ORDER, {"order_id": order_id}).mappings()
            return tuple(_view(row) for row in rows)

    def by_id(self, refund_id: RefundId) -> RefundView | None:
        with self._database.look_up() as connection:
            row = connection.execute(by_id, {"refund_id": refund_id}).mappings().first()
        return None if row is None else _view(row)


def _view(row: RowMapping) -> RefundView:
    return RefundView(
        id=RefundId(row["public_id"]),
        order_id=OrderId(row["order_public_id"]),
        transaction_id=TransactionId(row["transaction_public_id"]),
        kind=row["kind"],
        is_guard=row["is_guard"],
        status=row["status"],
        money=Money(row["amount_minor"], row["currency"]),
        provider_code=row["provider_code"],
        payment_reference=row["payment_reference"],
        provider_reference=row["provider_reference"],
        failure_code=row["failure_code"],
        reason=row["reason"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        changed_at=row["changed_at"],
    )
