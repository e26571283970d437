"""The payment path's two writes, each as one statement that is a transaction of its own."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import DataError

from payorch.application.payment_ledger import (
    ClaimLost,
    Intent,
    NewSubmission,
    Recording,
    StartedSubmission,
)
from payorch.domain.money import Money
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.transaction import Transaction
from payorch.infrastructure.persistence.folded_statements import FoldedStatements, part
from payorch.infrastructure.persistence.job_statements import job_values
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import (
    intent_values,
    recording_values,
    settling_values,
    started_transaction,
    stored_transaction,
    submission_values,
)

_DIVISION_BY_ZERO = "22012"
"""SQLSTATE; see FoldedStatements."""


class CannotEnd(Exception):
    """The one statement was refused. Done step by step, the same write says by what."""


class FoldedWrites:
    """Raises SQLAlchemy's IntegrityError where a constraint refuses a write, like the others."""

    def __init__(self, transactions: LedgerTransactions, statements: FoldedStatements) -> None:
        self._transactions = transactions
        self._statements = statements

    def start(
        self,
        order: Mapping[str, Any] | None,
        claim: Mapping[str, Any] | None,
        submission: NewSubmission,
        intent: Intent,
        money: Money,
    ) -> StartedSubmission:
        """Either the values of a new `order` or a `claim` say which. Raises ClaimLost."""
        parameters = {
            **part("submission", submission_values(submission, intent.started_at)),
            **part("intent", intent_values(intent, money)),
            **self._transactions.lease(intent.lease_s),
        }
        if order is not None:
            statement = self._statements.start_new
            parameters.update(part("order", order))
        else:
            statement = self._statements.start_claimed
            parameters.update(claim or {})
        with self._transactions.write_one_statement() as connection:
            row = connection.execute(statement, parameters).first()
        if row is None:
            raise ClaimLost
        order_key, submission_key, lease_until = row
        transaction = started_transaction(intent, money, lease_until)
        return StartedSubmission(order_key, submission_key, transaction)

    def can_end(self, recording: Recording) -> bool:
        """Whether it ends its submission, as almost all do, and nothing unusual besides."""
        return (
            recording.result is not None
            and recording.next_intent is None
            and recording.order_status is not PaymentStatus.PROCESSING
            and len(recording.jobs) <= 1
            and not recording.gives_back
        )

    def end(self, recording: Recording) -> Transaction | None:
        """None when the compare-and-swap lost.

        Raises CannotEnd when the books refuse it; nothing was written then.
        """
        parameters = {
            **recording_values(recording),
            **settling_values(recording),
            **self._transactions.lease(recording.lease_s),
            "is_paid": recording.order_status is PaymentStatus.PAID,
            "submission_key": recording.submission_key,
            "new_result": dict(recording.result or {}),
        }
        statement = self._statements.end
        for job in recording.jobs:
            statement = self._statements.end_with_job
            parameters.update(part("job", job_values(job, recording.at)))
        try:
            with self._transactions.write_one_statement() as connection:
                row = connection.execute(statement, parameters).first()
        except DataError as error:
            if getattr(error.orig, "sqlstate", None) != _DIVISION_BY_ZERO:
                raise
            raise CannotEnd from None
        return None if row is None else stored_transaction(recording)
