"""Where the reports of the checks are kept: the newest ones, each of a bounded size."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, insert

from payorch.application.jobs import NewJob
from payorch.application.verify_ledger import Verification
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables.verifications import VerificationRow

MAX_KEPT_FINDINGS = 200
KEPT_FOR = timedelta(days=30)
"""An hourly check leaves 720 rows."""


class SqlAlchemyVerificationStore:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def keep(self, verification: Verification, jobs: Sequence[NewJob]) -> None:
        values = {
            "started_at": verification.started_at,
            "finished_at": verification.finished_at,
            "since": verification.since,
            "errors": len(verification.errors),
            "warnings": len(verification.warnings),
            "findings": [f.to_json() for f in verification.findings[:MAX_KEPT_FINDINGS]],
        }
        too_old = VerificationRow.started_at < verification.started_at - KEPT_FOR
        with self._transactions.write() as connection:
            connection.execute(delete(VerificationRow).where(too_old))
            connection.execute(insert(VerificationRow).values(values))
            insert_jobs(connection, jobs, at=verification.finished_at)
