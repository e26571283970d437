"""Refunds on SQL: one method, one short transaction.

The sum that may go back is checked under a lock on the order's row (on SQLite under the lock of
the one writer), so that racing requests are decided one after another.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from payorch.application.open_attempts import Evidence
from payorch.application.payment_ledger import ContradictsLedger
from payorch.application.ports import Clock
from payorch.application.refund_jobs import send_job
from payorch.application.refund_ledger import NewRefund, OpenedRefund, RefundRecording
from payorch.domain.errors import (
    IdempotencyKeyReused,
    RefundInProgress,
    RefundNotFound,
)
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId, RefundKind, RefundStatus
from payorch.domain.refundable import Refundable
from payorch.domain.second_person import SecondPersonLimits
from payorch.infrastructure.persistence import attempt_statements as attempts
from payorch.infrastructure.persistence import refund_statements as sql
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import LeaseClock
from payorch.infrastructure.persistence.refund_opening import (
    FIRST_JOB_DELAY,
    asked_by_staff_minor,
    found_refund,
    journalled,
    limit_of_retry,
    open_refund,
    refundable_row,
)
from payorch.infrastructure.persistence.refund_retries import (
    require_left,
    require_retryable,
    trace_of,
)
from payorch.infrastructure.persistence.refund_rows import (
    CLOCK_SLACK,
    follow_up_values,
    refund_from,
    refund_recording_values,
    refundable_from,
)


class SqlAlchemyRefundLedger:
    def __init__(self, transactions: LedgerTransactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self._leased = sql.leased_refund_statements(LeaseClock(transactions.uses_database_clock))

    def refundable(self, order_id: OrderId) -> Refundable:
        with self._transactions.read() as connection:
            return refundable_from(refundable_row(connection, order_id))

    def replayed(
        self, idempotency_key: str, request_hash: str, order_id: OrderId
    ) -> OpenedRefund | None:
        with self._transactions.read() as connection:
            return _replayed(connection, idempotency_key, request_hash, order_id)

    def open(self, new: NewRefund) -> OpenedRefund:
        try:
            return self._open(new)
        except IntegrityError:
            # The key was taken meanwhile by a request about another order.
            replayed = self.replayed(new.idempotency_key, new.request_hash, new.order_id)
            if replayed is None:
                raise
            return replayed

    def _open(self, new: NewRefund) -> OpenedRefund:
        with self._transactions.write() as connection:
            connection.execute(sql.lock_order, {"order_id": new.order_id})
            replayed = _replayed(connection, new.idempotency_key, new.request_hash, new.order_id)
            if replayed is not None:
                return replayed
            refund = open_refund(connection, new)
        return OpenedRefund(refund, is_replay=False)

    def asked_by_staff_minor(self, order_id: OrderId, *, since: datetime) -> int:
        with self._transactions.read() as connection:
            return asked_by_staff_minor(connection, order_id, since=since)

    def reopen(
        self,
        refund_id: RefundId,
        *,
        actor: str,
        reason: str,
        at: datetime,
        limits: SecondPersonLimits | None = None,
    ) -> Refund:
        first = self.find(refund_id)
        if first is None:
            raise RefundNotFound("There is no such refund.")
        with self._transactions.write() as connection:
            connection.execute(sql.lock_order, {"order_id": first.order_id})
            refund = found_refund(connection, refund_id)
            require_retryable(refund)
            # None: the merchant's own system tries again, for which there is no limit.
            limit = limit_of_retry(connection, refund, limits or SecondPersonLimits(), at)
            if not refund.is_guard and not refund.is_contradicted:
                row = refundable_row(connection, refund.order_id)
                require_left(refundable_from(row), refund.money)
            parameters = {
                "refund_id": refund_id,
                "expected_version": refund.version,
                "free_since": at - CLOCK_SLACK,
                "at": at,
                "keeps_limit": limit.is_kept,
                "new_limit": limit.above_minor,
                **trace_of(refund),
            }
            if connection.execute(sql.reopen, parameters).rowcount == 0:
                raise RefundInProgress("The refund is being tried again already.")
            reopened = found_refund(connection, refund_id)
            insert_entry(
                connection,
                actor=actor,
                action="refund_retried",
                subject=f"order:{refund.order_id}",
                reason=reason,
                before=journalled(refund),
                after=journalled(reopened),
                at=at,
            )
            job = send_job(
                refund_id, refund.provider_code, reopened.token, run_at=at + FIRST_JOB_DELAY
            )
            insert_jobs(connection, (job,), at=at)
        return reopened

    def find(self, refund_id: RefundId) -> Refund | None:
        with self._transactions.read() as connection:
            row = connection.execute(sql.by_id, {"refund_id": refund_id}).mappings().first()
        return None if row is None else refund_from(row)

    def take(self, refund: Refund, *, lease_s: float, sends: bool) -> Refund | None:
        now = self._clock.now()
        parameters = {
            "refund_id": refund.id,
            "expected_token": refund.token,
            "expected_version": refund.version,
            "new_sent_at": now if sends else None,
            "sends": sends,
            **self._transactions.now(),
            **self._transactions.lease(lease_s),
        }
        with self._transactions.write() as connection:
            if connection.execute(self._leased.take, parameters).rowcount == 0:
                return None
        sent_at = refund.sent_at or (now if sends else None)
        return replace(refund, token=refund.token + 1, sent_at=sent_at)

    def due_without_job(self, *, limit: int, hours: tuple[str, str]) -> Sequence[Refund]:
        this_hour, last_hour = hours
        parameters = {"limit": limit, "this_hour": this_hour, "last_hour": last_hour}
        with self._transactions.read() as connection:
            rows = connection.execute(
                self._leased.due_without_job, {**parameters, **self._transactions.now()}
            ).mappings()
            return [refund_from(row) for row in rows]

    def record(self, recording: RefundRecording) -> Refund | None:
        with self._transactions.write() as connection:
            try:
                return self._record(connection, recording)
            except IntegrityError as error:
                raise ContradictsLedger(str(error.orig), is_foreign=True) from None

    def _record(self, connection: Connection, recording: RefundRecording) -> Refund | None:
        """The refund first: its row is the guard."""
        refund = recording.refund
        if connection.execute(sql.record, refund_recording_values(recording)).rowcount == 0:
            return None
        is_voided = recording.status is RefundStatus.SUCCEEDED and refund.kind is RefundKind.VOID
        if is_voided and not refund.is_guard:
            connection.execute(sql.void_transaction, {"refund_id": refund.id, "at": recording.at})
        if recording.evidence is not None:
            _keep(connection, refund, recording.evidence, recording.order_flag)
        if recording.follow_up is not None:
            _follow_up(connection, recording)
        insert_jobs(connection, recording.jobs, at=recording.at)
        return found_refund(connection, refund.id)

    def keep_evidence(self, refund: Refund, evidence: Evidence, *, order_flag: str | None) -> bool:
        with self._transactions.write() as connection:
            known = connection.execute(
                sql.evidence_of,
                {"transaction": refund.transaction_id, "wanted_source": evidence.source},
            )
            is_known = any(
                row.outcome == evidence.outcome and row.detail.get("refund") == refund.id
                for row in known
            )
            parameters = {"refund_id": refund.id, "at": evidence.at}
            is_news = connection.execute(sql.contradict, parameters).rowcount > 0
            if is_known and not is_news:
                return False
            _keep(connection, refund, evidence, order_flag)
        return True


def _replayed(
    connection: Connection, idempotency_key: str, request_hash: str, order_id: OrderId
) -> OpenedRefund | None:
    row = connection.execute(sql.by_key, {"key": idempotency_key}).mappings().first()
    if row is None:
        return None
    if row["request_hash"] != request_hash or row["order_public_id"] != order_id:
        raise IdempotencyKeyReused("This idempotency key was used with another request.")
    return OpenedRefund(refund_from(row), is_replay=True)


def _follow_up(connection: Connection, recording: RefundRecording) -> None:
    """Known already when another worker was here before: each charge is given back once."""
    refund, follow_up = recording.refund, recording.follow_up
    if follow_up is None:
        return
    row = connection.execute(sql.by_id, {"refund_id": refund.id}).mappings().one()
    statement = sql.insert_guard_refund[connection.dialect.name]
    if connection.execute(statement, follow_up_values(recording, row)).scalar() is not None:
        insert_jobs(connection, (send_job(follow_up.id, refund.provider_code, 1),), at=recording.at)


def _keep(
    connection: Connection, refund: Refund, evidence: Evidence, order_flag: str | None
) -> None:
    key = connection.execute(
        attempts.transaction_key, {"public_id": refund.transaction_id}
    ).scalar_one()
    connection.execute(
        attempts.insert_evidence,
        {
            "transaction_id": key,
            "source": evidence.source,
            "outcome": evidence.outcome,
            "was_applied": evidence.was_applied,
            "detail": dict(evidence.detail),
            "created_at": evidence.at,
        },
    )
    if order_flag is not None:
        connection.execute(
            attempts.flag_order, {"transaction": refund.transaction_id, "new_flag": order_flag}
        )
