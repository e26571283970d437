"""Rows for refunds and voids that a restored backup has forgotten, in the caller's transaction.

They are UNKNOWN and may have been sent, which is all that is sure; their ladder finds out the rest.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from payorch.application.recovery_book import RecreatedRefund
from payorch.application.refund_gateway import ListedRefund
from payorch.domain.refund import RefundId, RefundKind, RefundStatus
from payorch.domain.transaction import Transaction
from payorch.infrastructure.persistence import refund_statements as sql
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.refund_rows import CLOCK_SLACK
from payorch.infrastructure.persistence.tables import OrderRow, RefundRow, TransactionRow

ACTOR = "payorch recover"
REASON = "Found at the provider after a backup was restored."

_payment = select(
    TransactionRow.id,
    TransactionRow.order_id,
    TransactionRow.provider_code,
    TransactionRow.provider_reference,
    TransactionRow.currency,
    OrderRow.public_id.label("order_public_id"),
).join(OrderRow, OrderRow.id == TransactionRow.order_id)


def recreate_refund(
    connection: Connection, refund: ListedRefund, provider_code: str, at: datetime
) -> RecreatedRefund:
    known = select(RefundRow.id).where(RefundRow.public_id == refund.our_reference)
    if connection.scalar(known) is not None:
        return RecreatedRefund.KNOWN
    payment = (
        connection.execute(
            _payment.where(
                TransactionRow.provider_code == provider_code,
                TransactionRow.provider_reference == refund.payment_reference,
            )
        )
        .mappings()
        .first()
    )
    if payment is None:
        return RecreatedRefund.NO_PAYMENT
    if not refund.our_reference.startswith("re_"):
        return RecreatedRefund.NOT_OURS
    if payment["currency"] != refund.currency:
        return RecreatedRefund.OTHER_CURRENCY
    _insert(
        connection,
        payment,
        at,
        public_id=refund.our_reference,
        kind=RefundKind.REFUND,
        amount_minor=refund.amount_minor,
        provider_reference=refund.provider_reference,
        requested_at=refund.created_at,
    )
    return RecreatedRefund.RECREATED


def recreate_void(
    connection: Connection, transaction: Transaction, refund_id: RefundId, at: datetime
) -> bool:
    payment = (
        connection.execute(_payment.where(TransactionRow.public_id == transaction.id))
        .mappings()
        .one()
    )
    connection.execute(sql.lock_order, {"order_id": payment["order_public_id"]})
    known = select(RefundRow.id).where(
        RefundRow.transaction_id == payment["id"],
        RefundRow.kind == RefundKind.VOID,
        RefundRow.status != RefundStatus.FAILED,
    )
    if connection.scalar(known) is not None:
        return False
    _insert(
        connection,
        payment,
        at,
        public_id=refund_id,
        kind=RefundKind.VOID,
        amount_minor=transaction.money.amount_minor,
        provider_reference=None,
        requested_at=at,
    )
    return True


def _insert(connection: Connection, payment: RowMapping, at: datetime, **values: Any) -> None:
    connection.execute(
        insert(RefundRow).values(
            order_id=payment["order_id"],
            transaction_id=payment["id"],
            is_guard=False,
            provider_code=payment["provider_code"],
            payment_reference=payment["provider_reference"],
            currency=payment["currency"],
            status=RefundStatus.UNKNOWN,
            lease_until=at - CLOCK_SLACK,
            reason=REASON,
            requested_by=ACTOR,
            sent_at=values["requested_at"],
            changed_at=at,
            next_check_at=at,
            **values,
        )
    )
    insert_entry(
        connection,
        actor=ACTOR,
        action="refund_recovered",
        subject=f"order:{payment['order_public_id']}",
        reason=REASON,
        before=None,
        after={
            "refund": values["public_id"],
            "kind": values["kind"].value,
            "amount_minor": values["amount_minor"],
            "currency": payment["currency"],
        },
        at=at,
    )
