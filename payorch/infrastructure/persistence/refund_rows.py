"""Rows of the refunds to domain values and back."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from payorch.application.refund_ledger import NewRefund, RefundRecording
from payorch.domain.errors import OrderNotRefundable
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import CONCLUDED_BY_STAFF, Refund, RefundId, RefundStatus
from payorch.domain.refundable import Refundable, RefundPlan
from payorch.domain.transaction import TransactionId

CLOCK_SLACK = timedelta(minutes=5)
"""A refund that nobody holds is free also by a database's clock that is this much behind."""


def refund_from(row: RowMapping) -> Refund:
    return Refund(
        id=RefundId(row["public_id"]),
        order_id=OrderId(row["order_public_id"]),
        transaction_id=TransactionId(row["transaction_public_id"]),
        kind=row["kind"],
        is_guard=row["is_guard"],
        provider_code=row["provider_code"],
        payment_reference=row["payment_reference"],
        money=Money(row["amount_minor"], row["currency"]),
        status=row["status"],
        version=row["version"],
        token=row["token"],
        requested_at=row["requested_at"],
        lease_until=row["lease_until"],
        provider_reference=row["provider_reference"],
        sent_at=row["sent_at"],
        checks=row["checks"],
        failure_code=row["failure_code"],
        is_in_review=row["review_since"] is not None,
        retries=row["retries"],
        may_send_once_more=row["may_send_once_more"],
        is_contradicted=row["contradicted_at"] is not None,
    )


def refundable_from(row: RowMapping) -> Refundable:
    """Raises OrderNotRefundable for an order that was never paid."""
    if row["public_id"] is None or row["provider_reference"] is None:
        raise OrderNotRefundable("This order has no payment that could be refunded.")
    return Refundable(
        order_id=OrderId(row["order_public_id"]),
        transaction_id=TransactionId(row["public_id"]),
        provider_code=row["provider_code"],
        payment_reference=row["provider_reference"],
        paid=Money(row["amount_minor"], row["currency"]),
        # PostgreSQL sums whole numbers into decimals.
        refunded_minor=int(row["refunded_minor"]),
        open_minor=int(row["open_minor"]),
        void_was_refused=row["refused_voids"] > 0,
    )


def new_refund_values(new: NewRefund, plan: RefundPlan, row: RowMapping) -> dict[str, Any]:
    """Column values; `row` is the order's, as refund_statements.refundable gives it."""
    return {
        "public_id": new.id,
        "order_id": row["order_key"],
        "transaction_id": row["transaction_key"],
        "kind": plan.kind,
        "is_guard": False,
        "provider_code": row["provider_code"],
        "payment_reference": row["provider_reference"],
        "amount_minor": plan.money.amount_minor,
        "currency": plan.money.currency,
        "reason": new.reason,
        "requested_by": new.actor,
        "idempotency_key": new.idempotency_key,
        "request_hash": new.request_hash,
        "asked_by_staff": new.is_by_staff,
        "one_person_limit_minor": None if new.limit is None else new.limit.above_minor,
        **_free_since(new.at),
    }


def follow_up_values(recording: RefundRecording, row: RowMapping) -> dict[str, Any]:
    """The guard's next try, of another kind, at the charge of `row`."""
    follow_up = recording.follow_up
    if follow_up is None:
        raise ValueError("There is no next try.")
    copied = ("order_id", "transaction_id", "provider_code", "payment_reference")
    return {
        **{name: row[name] for name in copied},
        "public_id": follow_up.id,
        "kind": follow_up.kind,
        "is_guard": True,
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "reason": row["reason"],
        "requested_by": row["requested_by"],
        **_free_since(recording.at),
    }


def refund_recording_values(recording: RefundRecording) -> dict[str, Any]:
    refund = recording.refund
    return {
        "refund_id": refund.id,
        "expected_version": refund.version,
        "expected_token": refund.token if recording.needs_lease else None,
        "new_status": recording.status,
        "at": recording.at,
        "new_provider_reference": recording.provider_reference,
        "new_failure_code": recording.failure_code,
        "new_technical_reason": recording.technical_reason,
        "forgets_sending": recording.forgets_sending,
        "counted": 1 if recording.is_counted else 0,
        "new_next_check_at": recording.next_check_at,
        "new_review_since": recording.review_at,
        # The provider's own refusal takes back what it said before; people's word does not.
        "ends_contradiction": recording.status is RefundStatus.FAILED
        and recording.failure_code != CONCLUDED_BY_STAFF,
    }


def _free_since(at: datetime) -> dict[str, Any]:
    return {
        "status": RefundStatus.STARTED,
        "lease_until": at - CLOCK_SLACK,
        "requested_at": at,
        "changed_at": at,
        "next_check_at": at,
    }
