"""Reads one order with its attempts, as last committed, for the customer's page and the API."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, select

from payorch.application.order_views import OrderView, TransactionView
from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence.database import Database, UtcDateTime
from payorch.infrastructure.persistence.payment_rows import order_from
from payorch.infrastructure.persistence.payment_statements import ORDER_COLUMNS
from payorch.infrastructure.persistence.personal_data import PersonalData
from payorch.infrastructure.persistence.refund_statements import (
    has_gone_back,
    may_go_back,
    sum_of_refunds,
)
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    PaymentMethodRow,
    SubmissionRow,
    TransactionRow,
)

_TRANSACTIONS = TransactionRow.__table__
_ATTEMPT_COLUMNS = (
    "public_id",
    "sequence",
    "attempt_number",
    "provider_code",
    "status",
    "decline_reason",
    "decline_class",
    "technical_reason",
    "latency_ms",
    "redirect_url",
    "card_brand",
    "card_bin",
    "card_last4",
    "started_at",
    "answered_at",
)

# An order without attempts is one row whose attempt is NULL. One statement, built once: every
# payment by the API ends with it, and one statement sees one state of the books.
_VIEW = (
    select(
        *ORDER_COLUMNS,
        *(_TRANSACTIONS.c[name] for name in _ATTEMPT_COLUMNS),
        SubmissionRow.number.label("submission_number"),
        SubmissionRow.result.label("submission_result"),
        PaymentMethodRow.display_name,
        sum_of_refunds(has_gone_back).label("refunded_minor"),
        sum_of_refunds(may_go_back).label("refunding_minor"),
    )
    .select_from(OrderRow)
    .outerjoin(_TRANSACTIONS, _TRANSACTIONS.c.order_id == OrderRow.id)
    .outerjoin(SubmissionRow, SubmissionRow.id == _TRANSACTIONS.c.submission_id)
    .outerjoin(PaymentMethodRow, PaymentMethodRow.code == _TRANSACTIONS.c.provider_code)
    .order_by(_TRANSACTIONS.c.sequence)
)
_BY_ID = _VIEW.where(OrderRow.public_id == bindparam("order_id"))
_BY_TOKEN = _VIEW.where(
    OrderRow.token_hash == bindparam("wanted_hash"),
    OrderRow.created_at > bindparam("created_after", type_=UtcDateTime()),
)


class SqlAlchemyOrderReader:
    def __init__(self, database: Database, personal_data: PersonalData) -> None:
        self._database = database
        self._personal_data = personal_data

    def by_token_hash(self, token_hash: str, *, created_after: datetime) -> OrderView | None:
        """The order of this link, unless the link is older than `created_after`."""
        return self._view(_BY_TOKEN, wanted_hash=token_hash, created_after=created_after)

    def by_id(self, order_id: OrderId) -> OrderView | None:
        return self._view(_BY_ID, order_id=order_id)

    def _view(self, statement: Select[Any], **parameters: object) -> OrderView | None:
        with self._database.look_up() as connection:
            rows = connection.execute(statement, parameters).mappings().all()
        if not rows:
            return None
        attempts = [row for row in rows if row["public_id"] is not None]
        return OrderView(
            order=order_from(rows[0], self._personal_data.customer_in(rows[0])),
            transactions=tuple(_transaction_view(attempt) for attempt in attempts),
            last_result=attempts[-1]["submission_result"] if attempts else None,
            # PostgreSQL sums whole numbers into decimals.
            refunded_minor=int(rows[0]["refunded_minor"]),
            refunding_minor=int(rows[0]["refunding_minor"]),
        )


def _transaction_view(row: RowMapping) -> TransactionView:
    card = None
    if row["card_last4"] is not None:
        card = CardSummary(row["card_brand"], row["card_bin"], row["card_last4"])
    names: dict[str, Any] = {
        name: row[name]
        for name in (
            "sequence",
            "attempt_number",
            "submission_number",
            "provider_code",
            "status",
            "decline_reason",
            "decline_class",
            "technical_reason",
            "latency_ms",
            "redirect_url",
            "started_at",
            "answered_at",
        )
    }
    return TransactionView(
        id=TransactionId(row["public_id"]),
        provider_name=row["display_name"] or row["provider_code"],
        card=card,
        **names,
    )
