"""Raises alerts from anywhere: into the log at once, and as a job in a transaction of its own."""

from collections.abc import Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.ports import Clock
from payorch.application.staff_alerts import alert_job
from payorch.domain.errors import LedgerUnavailable
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions

_log = structlog.get_logger("payorch.payments")


class SqlAlchemyStaffAlerts:
    """Never call it inside a transaction: SQLite takes one writer at a time."""

    def __init__(self, transactions: LedgerTransactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def __call__(self, name: str, facts: Mapping[str, str]) -> None:
        """Never fails: a payment goes on, and the log has it, when the database is away."""
        # structlog has an "event" of its own: the line's.
        said = {"event_id" if key == "event" else key: value for key, value in facts.items()}
        _log.error("alert", **{**said, "alert": name})
        now = self._clock.now()
        try:
            with self._transactions.write() as connection:
                insert_jobs(connection, [alert_job(name, facts, at=now)], at=now)
        except (LedgerUnavailable, SQLAlchemyError) as problem:
            _log.error("alert_not_enqueued", alert=name, error=type(problem).__name__)
