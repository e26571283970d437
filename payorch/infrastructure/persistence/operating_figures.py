"""The operating figures on SQL: a few statements over partial indexes, however old the books."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from payorch.application.job_queue import JobQueue
from payorch.application.operating_figures import OpenTransactions, OperatingFigures
from payorch.application.ports import Clock
from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, TransactionStatus
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import OPEN_STATUSES
from payorch.infrastructure.persistence.tables import TransactionRow

_OPEN = (
    select(
        TransactionRow.status,
        func.count().label("transactions"),
        func.min(TransactionRow.started_at).label("oldest"),
        func.count(TransactionRow.review_since).label("in_review"),
    )
    .where(TransactionRow.status.in_(OPEN_STATUSES))
    .group_by(TransactionRow.status)
)

_UNKNOWN = (TransactionStatus.STARTED, TransactionStatus.UNKNOWN)
"""A STARTED one whose process died is as unknown, it is only not written down yet."""


class SqlAlchemyOperatingFigures:
    def __init__(self, transactions: LedgerTransactions, queue: JobQueue, clock: Clock) -> None:
        self._transactions = transactions
        self._queue = queue
        self._clock = clock

    def read(self) -> OperatingFigures:
        with self._transactions.read() as connection:
            open_transactions = _open_transactions(connection, self._clock.now())
        return OperatingFigures(
            queues=self._queue.figures(),
            counters=self._queue.counters(),
            open_transactions=open_transactions,
        )


def _open_transactions(connection: Connection, now: datetime) -> OpenTransactions:
    rows: dict[Any, Any] = {row.status: row for row in connection.execute(_OPEN)}
    oldest = [rows[status].oldest for status in _UNKNOWN if status in rows]
    return OpenTransactions(
        by_status={
            status.value: rows[status].transactions if status in rows else 0
            for status in sorted(OPEN_TRANSACTION_STATUSES)
        },
        oldest_unknown_s=max((now - at).total_seconds() for at in oldest) if oldest else 0.0,
        in_review=sum(row.in_review for row in rows.values()),
    )
