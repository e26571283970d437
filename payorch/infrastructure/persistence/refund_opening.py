"""Opening a refund on a connection whose transaction holds the order's lock.

Asked for by one person or by the API it is a transaction of its own; agreed on by a second person
it is a part of the one that writes the agreement.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from payorch.application.refund_jobs import send_job
from payorch.application.refund_ledger import NewRefund
from payorch.domain.errors import OrderNotFound
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId
from payorch.domain.second_person import SecondPersonLimits
from payorch.domain.second_person_errors import RefundNeedsSecondPerson
from payorch.infrastructure.persistence import refund_statements as sql
from payorch.infrastructure.persistence import second_person_statements as staff
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.refund_rows import (
    new_refund_values,
    refund_from,
    refundable_from,
)

FIRST_JOB_DELAY = timedelta(seconds=5)
"""The caller sends it first; the job is for when the caller's process dies."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What two people stand for: who asked for it and why, while the refund's actor agreed."""

    proposal_id: int
    asked_by: str
    asked_why: str
    limit_minor: int


def open_refund(
    connection: Connection,
    new: NewRefund,
    *,
    agreed: Agreed | None = None,
) -> Refund:
    """The refund with its journal entry and its job.

    Raises what the plan raises, and RefundNeedsSecondPerson.
    """
    # Read only now: what committed while we waited for the lock counts.
    row = refundable_row(connection, new.order_id)
    plan = new.plan(refundable_from(row))
    if new.limit is not None:
        counted = asked_by_staff_minor(connection, new.order_id, since=new.limit.since)
        new.limit.require(plan.money, counted)
    values = new_refund_values(new, plan, row)
    if agreed is not None:
        values |= {
            "requested_by": agreed.asked_by,
            "reason": agreed.asked_why,
            "one_person_limit_minor": agreed.limit_minor,
        }
    connection.execute(sql.insert_refund, values)
    refund = found_refund(connection, new.id)
    insert_entry(
        connection,
        actor=new.actor,
        action="refund_requested",
        subject=f"order:{new.order_id}",
        reason=new.reason,
        before=None,
        after=journalled(refund) | ({} if agreed is None else {"proposal": agreed.proposal_id}),
        at=new.at,
    )
    job = send_job(refund.id, refund.provider_code, refund.token, run_at=new.at + FIRST_JOB_DELAY)
    insert_jobs(connection, (job,), at=new.at)
    return refund


@dataclass(frozen=True, slots=True)
class RetryLimit:
    """What the refund bears from its next try on; `is_kept`: what it has borne before."""

    above_minor: int | None = None
    is_kept: bool = False


def limit_of_retry(
    connection: Connection, refund: Refund, limits: SecondPersonLimits, at: datetime
) -> RetryLimit:
    """Of what one person alone asked for, the limit of today. Raises RefundNeedsSecondPerson."""
    if connection.scalar(staff.asked_alone, {"refund_id": refund.id}) is None:
        return RetryLimit(is_kept=True)
    limit = limits.of(refund.money.currency, at=at)
    if limit is None:
        return RetryLimit()
    counted = asked_by_staff_minor(connection, refund.order_id, since=limit.since)
    try:
        limit.require(refund.money, counted)
    except RefundNeedsSecondPerson as error:
        raise RefundNeedsSecondPerson(
            f"{error.message} One person asked for this refund: ask for a new one instead.",
            limit_minor=error.limit_minor,
            counted_minor=error.counted_minor,
        ) from None
    return RetryLimit(limit.above_minor)


def asked_by_staff_minor(connection: Connection, order_id: OrderId, *, since: datetime) -> int:
    parameters = {"order_id": order_id, "since": since}
    return int(connection.execute(staff.asked_by_staff, parameters).scalar_one())


def refundable_row(connection: Connection, order_id: OrderId) -> RowMapping:
    """Raises OrderNotFound."""
    row = connection.execute(sql.refundable, {"order_id": order_id}).mappings().first()
    if row is None:
        raise OrderNotFound("There is no such order.")
    return row


def found_refund(connection: Connection, refund_id: RefundId) -> Refund:
    return refund_from(connection.execute(sql.by_id, {"refund_id": refund_id}).mappings().one())


def journalled(refund: Refund) -> dict[str, Any]:
    return {
        "refund": refund.id,
        "kind": refund.kind.value,
        "amount_minor": refund.money.amount_minor,
        "currency": refund.money.currency,
        "status": refund.status.value,
    }
