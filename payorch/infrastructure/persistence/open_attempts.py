"""Open attempts on SQL: taken over by compare-and-swap, looked at in the order they are due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select

from payorch.application.jobs import SETTLE_TRANSACTION, NewJob
from payorch.application.open_attempts import Evidence, OpenAttempt
from payorch.application.ports import Clock
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import Transaction, TransactionId
from payorch.infrastructure.persistence import attempt_statements as sql
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import order_from, transaction_from
from payorch.infrastructure.persistence.payment_statements import LeaseClock


def _check_job(row: Row[Any], hour: str) -> NewJob:
    """A job that ended without its check is replaced after an hour: the key names one."""
    return NewJob(
        SETTLE_TRANSACTION,
        {"transaction": row.public_id, "token": row.token},
        dedup_key=f"{sql.CHECK_KEY}:{row.public_id}:{row.token}:{hour}",
        destination=row.provider_code,
    )


class SqlAlchemyOpenAttempts:
    def __init__(self, transactions: LedgerTransactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self._leased = sql.leased_statements(LeaseClock(transactions.uses_database_clock))

    def find(self, transaction_id: TransactionId) -> Transaction | None:
        parameters = {"public_id": transaction_id}
        with self._transactions.read() as connection:
            row = connection.execute(sql.transaction_by_id, parameters).mappings().first()
        return None if row is None else transaction_from(row)

    def of_transaction(self, transaction_id: TransactionId) -> OpenAttempt | None:
        return self._found(sql.open_by_id, transaction_id)

    def of_order(self, order_id: OrderId) -> OpenAttempt | None:
        return self._found(sql.open_by_order, order_id)

    def take_over(self, attempt: OpenAttempt, *, lease_s: float) -> OpenAttempt | None:
        transaction = attempt.transaction
        parameters = {
            "transaction": transaction.id,
            "expected_token": transaction.token,
            "expected_version": transaction.version,
            **self._transactions.now(),
            **self._transactions.lease(lease_s),
        }
        with self._transactions.write() as connection:
            if connection.execute(self._leased.take_over, parameters).rowcount == 0:
                return None
        return replace(attempt, transaction=replace(transaction, token=transaction.token + 1))

    def due(self, *, limit: int) -> Sequence[TransactionId]:
        with self._transactions.read() as connection:
            rows = connection.execute(
                self._leased.due, {"limit": limit, **self._transactions.now()}
            )
            return [TransactionId(row.public_id) for row in rows]

    def enqueue_due(self, *, limit: int) -> int:
        now = self._clock.now()
        this_hour, last_hour = (f"{t:%Y%m%dT%H}" for t in (now, now - timedelta(hours=1)))
        hours = {"this_hour": this_hour, "last_hour": last_hour}
        parameters = {"limit": limit, **hours, **self._transactions.now()}
        with self._transactions.read() as connection:
            found = connection.execute(self._leased.due_without_job, parameters).all()
        if found:
            with self._transactions.write() as connection:
                insert_jobs(connection, [_check_job(row, this_hour) for row in found], at=now)
        return len(found)

    def schedule_check(
        self, attempt: OpenAttempt, *, next_check_at: datetime | None, review: bool
    ) -> None:
        parameters = {
            "transaction": attempt.transaction.id,
            "expected_token": attempt.transaction.token,
            "at": next_check_at,
            "counted": 0 if next_check_at is None else 1,
            "review_at": self._clock.now() if review else None,
            **self._transactions.now(),
        }
        with self._transactions.write() as connection:
            connection.execute(self._leased.schedule_check, parameters)

    def add_evidence(
        self, transaction_id: TransactionId, evidence: Evidence, *, order_flag: str | None = None
    ) -> None:
        with self._transactions.write() as connection:
            key = connection.execute(
                sql.transaction_key, {"public_id": transaction_id}
            ).scalar_one()
            connection.execute(
                sql.insert_evidence,
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
                    sql.flag_order, {"transaction": transaction_id, "new_flag": order_flag}
                )

    def first_evidence_at(self, transaction_id: TransactionId, outcome: str) -> datetime | None:
        parameters = {"public_id": transaction_id, "wanted": outcome}
        with self._transactions.read() as connection:
            found: datetime | None = connection.execute(sql.first_evidence, parameters).scalar()
        return found

    def _found(self, statement: Select[Any], public_id: str) -> OpenAttempt | None:
        with self._transactions.read() as connection:
            row = connection.execute(statement, {"public_id": public_id}).mappings().first()
        if row is None:
            return None
        return OpenAttempt(
            order_key=row["order_key"],
            submission_key=row["submission_id"],
            # To settle it nobody has to know who pays, nor does money wait for unreadable data.
            order=order_from(row, customer=None),
            transaction=transaction_from(row),
            checks=row["checks"],
            answered_at=row["answered_at"],
            is_in_review=row["review_since"] is not None,
        )
