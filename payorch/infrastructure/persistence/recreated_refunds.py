"""Rows for refunds and voids that a restored backup has forgotten, in the caller's transaction.

They are UNKNOWN and may have been sent, which is all that is sure; their ladder finds out the rest.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, insert, select, update

from payorch.application.recovery_book import RecreatedRefund
from payorch.application.refund_gateway import ListedRefund
from payorch.domain.refund import RefundId, RefundKind, RefundStatus
from payorch.domain.transaction import Transaction
from payorch.infrastructure.persistence import refund_statements as sql
from payorch.infrastructure.persistence.database import UtcDateTime
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
    OrderRow.paid_transaction_id,
).join(OrderRow, OrderRow.id == TransactionRow.order_id)

_of_charge = and_(
    RefundRow.is_guard,
    RefundRow.provider_code == bindparam("provider"),
    RefundRow.payment_reference == bindparam("charge"),
)
_guarded_payment = _payment.join(RefundRow, RefundRow.transaction_id == TransactionRow.id).where(
    _of_charge
)

_adopt: Update = (
    update(RefundRow)
    .where(_of_charge, RefundRow.status == RefundStatus.STARTED, RefundRow.sent_at.is_(None))
    .values(
        public_id=bindparam("new_public_id"),
        kind=RefundKind.REFUND,
        amount_minor=bindparam("new_amount_minor"),
        provider_reference=bindparam("new_provider_reference"),
        status=RefundStatus.UNKNOWN,
        version=RefundRow.version + 1,
        token=RefundRow.token + 1,
        sent_at=bindparam("new_sent_at", type_=UtcDateTime()),
    )
)
"""What the guard is about to ask for, now that the books have forgotten that it did already."""


def recreate_refund(
    connection: Connection, refund: ListedRefund, provider_code: str, at: datetime
) -> RecreatedRefund:
    known = select(RefundRow.id).where(RefundRow.public_id == refund.our_reference)
    if connection.scalar(known) is not None:
        return RecreatedRefund.KNOWN
    charge = {"provider": provider_code, "charge": refund.payment_reference}
    payment = _payment_of(connection, charge)
    is_ours = refund.our_reference.startswith("re_")
    if payment is None:
        return RecreatedRefund.NO_PAYMENT if is_ours else RecreatedRefund.FOREIGN
    if not is_ours:
        return RecreatedRefund.NOT_OURS
    if payment["currency"] != refund.currency:
        return RecreatedRefund.OTHER_CURRENCY
    values = {
        "public_id": refund.our_reference,
        "kind": RefundKind.REFUND,
        "amount_minor": refund.amount_minor,
        "provider_reference": refund.provider_reference,
    }
    adopted = {**charge, **{f"new_{name}": value for name, value in values.items()}}
    if connection.execute(_adopt, {**adopted, "new_sent_at": refund.created_at}).rowcount:
        _journal(connection, payment, values, at)
    else:
        _insert(
            connection,
            payment,
            at,
            **values,
            payment_reference=refund.payment_reference,
            requested_at=refund.created_at,
            is_guard=payment["is_surplus"],
        )
    return RecreatedRefund.RECREATED


def _payment_of(connection: Connection, charge: Mapping[str, str]) -> Mapping[Any, Any] | None:
    """The attempt that was charged. `is_surplus`: it is not the charge that paid the order, so
    that only the guard can have given it back.
    """
    named = _payment.where(
        TransactionRow.provider_code == bindparam("provider"),
        TransactionRow.provider_reference == bindparam("charge"),
    )
    found = connection.execute(named, charge).mappings().first()
    if found is not None:
        return {**found, "is_surplus": found["paid_transaction_id"] != found["id"]}
    # A second charge of an attempt is known by what the guard does about it alone.
    guarded = connection.execute(_guarded_payment, charge).mappings().first()
    return None if guarded is None else {**guarded, "is_surplus": True}


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
        payment_reference=payment["provider_reference"],
        requested_at=at,
        is_guard=False,
    )
    return True


def _insert(
    connection: Connection, payment: Mapping[Any, Any], at: datetime, **values: Any
) -> None:
    connection.execute(
        insert(RefundRow).values(
            order_id=payment["order_id"],
            transaction_id=payment["id"],
            provider_code=payment["provider_code"],
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
    _journal(connection, payment, values, at)


def _journal(
    connection: Connection, payment: Mapping[Any, Any], values: Mapping[str, Any], at: datetime
) -> None:
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
