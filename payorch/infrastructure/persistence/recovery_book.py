"""The recovery's reads and writes: one method, one short transaction; all may be repeated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from payorch.application.jobs import ALERT_STAFF, NewJob
from payorch.application.provider_events import EventState, EventSubject
from payorch.application.provider_gateway import ListedPayment
from payorch.application.recovery_book import Recreated, RecreatedRefund, Touched
from payorch.application.refund_gateway import ListedRefund
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundId
from payorch.domain.transaction import Transaction, TransactionId
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import transaction_from
from payorch.infrastructure.persistence.payment_statements import OPEN_STATUSES
from payorch.infrastructure.persistence.recreated_refunds import recreate_refund, recreate_void
from payorch.infrastructure.persistence.tables import (
    ConfigurationRow,
    OrderRow,
    RefundRow,
    SubmissionRow,
    TransactionRow,
    WebhookEventRow,
)

SOURCE_LISTING = "listing"
RECOVERED = "recovered"
"""Why the provider was chosen, and why the outcome is unknown: only it knows."""

_PAYABLE = (PaymentStatus.PENDING, PaymentStatus.FAILED)
_ORPHANS: dict[str, Any] = {
    "sqlite": sqlite_insert(WebhookEventRow),
    "postgresql": postgresql_insert(WebhookEventRow),
}


class SqlAlchemyRecoveryBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def touched(
        self, since: datetime, *, after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[Touched]:
        row = TransactionRow
        statement = (
            select(row.__table__)
            .where(row.changed_at >= since)
            .order_by(row.changed_at, row.id)
            .limit(limit)
        )
        if after is not None:
            at, key = after
            is_later = or_(row.changed_at > at, and_(row.changed_at == at, row.id > key))
            statement = statement.where(row.changed_at >= at, is_later)
        with self._transactions.read() as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            Touched((found["changed_at"], found["id"]), transaction_from(found)) for found in rows
        ]

    def open_transactions(self, *, limit: int) -> Sequence[TransactionId]:
        statement = (
            select(TransactionRow.public_id)
            .where(TransactionRow.status.in_(OPEN_STATUSES))
            .order_by(TransactionRow.id)
            .limit(limit)
        )
        with self._transactions.read() as connection:
            return [TransactionId(public_id) for public_id in connection.scalars(statement)]

    def unknown_references(self, references: Sequence[str]) -> frozenset[str]:
        statement = select(TransactionRow.public_id).where(TransactionRow.public_id.in_(references))
        with self._transactions.read() as connection:
            return frozenset(references) - frozenset(connection.scalars(statement))

    def recreate(self, payment: ListedPayment, provider_code: str, *, at: datetime) -> Recreated:
        try:
            with self._transactions.write() as connection:
                return _recreate(connection, payment, provider_code, at)
        except IntegrityError:
            # Its reference, or an open attempt of its order, came in between.
            return Recreated.BUSY

    def unknown_refunds(self, references: Sequence[str]) -> frozenset[str]:
        statement = select(RefundRow.public_id).where(RefundRow.public_id.in_(references))
        with self._transactions.read() as connection:
            return frozenset(references) - frozenset(connection.scalars(statement))

    def recreate_refund(
        self, refund: ListedRefund, provider_code: str, *, at: datetime
    ) -> RecreatedRefund:
        try:
            with self._transactions.write() as connection:
                return recreate_refund(connection, refund, provider_code, at)
        except IntegrityError:
            return RecreatedRefund.KNOWN

    def recreate_void(self, transaction: Transaction, refund_id: RefundId, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            return recreate_void(connection, transaction, refund_id, at)

    def open_refunds(self, *, limit: int) -> Sequence[RefundId]:
        statement = (
            select(RefundRow.public_id)
            .where(RefundRow.status.in_(sorted(OPEN_REFUND_STATUSES)))
            .order_by(RefundRow.id)
            .limit(limit)
        )
        with self._transactions.read() as connection:
            return [RefundId(public_id) for public_id in connection.scalars(statement)]

    def keep_orphan(
        self, payment: ListedPayment, provider_code: str, *, note: str, at: datetime
    ) -> bool:
        values = {
            "provider_code": provider_code,
            "event_id": f"{SOURCE_LISTING}:{payment.provider_reference}"[:120],
            "event_type": "payment.listed",
            "source": SOURCE_LISTING,
            "subject": EventSubject.PAYMENT.value,
            "provider_reference": payment.provider_reference,
            "our_reference": payment.our_reference[:120],
            "body": {"amount": payment.amount_minor, "currency": payment.currency[:3]},
            "state": EventState.ALERTED,
            "note": note[:300],
            "received_at": at,
            "processed_at": at,
        }
        payload = {
            "alert": "orphan_money",
            "provider": provider_code,
            "provider_reference": payment.provider_reference,
            "our_reference": payment.our_reference,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
        }
        dedup_key = f"orphan_money:{provider_code}:{payment.provider_reference}"
        with self._transactions.write() as connection:
            statement = (
                _ORPHANS[connection.dialect.name]
                .on_conflict_do_nothing(index_elements=["provider_code", "event_id"])
                .returning(WebhookEventRow.id)
            )
            if connection.execute(statement, values).scalar() is None:
                return False
            insert_jobs(connection, [NewJob(ALERT_STAFF, payload, dedup_key=dedup_key)], at=at)
        return True

    def orphans_left(self) -> int:
        statement = (
            select(func.count())
            .select_from(WebhookEventRow)
            .where(
                WebhookEventRow.state.in_((EventState.ORPHAN, EventState.ALERTED)),
                WebhookEventRow.source == SOURCE_LISTING,
            )
        )
        with self._transactions.read() as connection:
            return int(connection.execute(statement).scalar_one())


def _recreate(
    connection: Connection, payment: ListedPayment, provider_code: str, at: datetime
) -> Recreated:
    known = select(TransactionRow.id).where(TransactionRow.public_id == payment.our_reference)
    if connection.scalar(known) is not None:
        return Recreated.KNOWN
    order = connection.execute(
        select(OrderRow.id, OrderRow.status, OrderRow.amount_minor, OrderRow.currency)
        .where(OrderRow.public_id == payment.order_id)
        .with_for_update()
    ).first()
    if order is None:
        return Recreated.NO_ORDER
    if order.status is PaymentStatus.PROCESSING:
        return Recreated.BUSY
    claimed = connection.execute(
        update(OrderRow)
        .where(OrderRow.id == order.id, OrderRow.status.in_(_PAYABLE))
        .values(status=PaymentStatus.PROCESSING, version=OrderRow.version + 1, updated_at=at)
    )
    if claimed.rowcount == 0:
        return Recreated.CLOSED
    submission_key = connection.execute(
        insert(SubmissionRow)
        .values(_submission(connection, order.id, payment))
        .returning(SubmissionRow.id)
    ).scalar_one()
    last = select(func.coalesce(func.max(TransactionRow.sequence), 0)).where(
        TransactionRow.order_id == order.id
    )
    connection.execute(
        insert(TransactionRow).values(
            public_id=payment.our_reference,
            order_id=order.id,
            submission_id=submission_key,
            sequence=int(connection.scalar(last) or 0) + 1,
            attempt_number=1,
            provider_code=provider_code,
            chosen_because=RECOVERED,
            status=TransactionStatus.UNKNOWN,
            # The order's, not what was listed: the single writer compares the two.
            amount_minor=order.amount_minor,
            currency=order.currency,
            provider_reference=payment.provider_reference,
            technical_reason=RECOVERED,
            lease_until=at,
            next_check_at=at,
            started_at=payment.created_at,
            changed_at=at,
        )
    )
    return Recreated.RECREATED


def _submission(connection: Connection, order_key: int, payment: ListedPayment) -> dict[str, Any]:
    last = select(func.coalesce(func.max(SubmissionRow.number), 0)).where(
        SubmissionRow.order_id == order_key
    )
    policy = select(func.coalesce(func.max(ConfigurationRow.policy_version), 0))
    return {
        "order_id": order_key,
        "number": int(connection.scalar(last) or 0) + 1,
        "idempotency_key": f"{RECOVERED}:{payment.our_reference}"[:200],
        "request_hash": RECOVERED,
        "policy_version": int(connection.scalar(policy) or 0),
        "candidates": [],
        "left_out": [],
        "created_at": payment.created_at,
    }
