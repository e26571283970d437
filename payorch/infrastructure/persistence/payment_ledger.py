"""The payment path on SQL: one method, one short transaction, no ORM.

The database forbids doubles; the compare-and-swaps here only make losing pleasant. See
payment_statements.py for the SQL and tables/ for the constraints.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from payorch.application.payment_ledger import (
    ClaimLost,
    ContradictsLedger,
    DuplicateKey,
    Intent,
    NewOrder,
    NewSubmission,
    PayableOrder,
    Recording,
    StartedSubmission,
    StoredSubmission,
)
from payorch.domain.money import Money
from payorch.domain.payment_order import Customer, OrderId
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.transaction import Transaction
from payorch.infrastructure.persistence import payment_statements as sql
from payorch.infrastructure.persistence.folded_statements import folded_statements
from payorch.infrastructure.persistence.folded_writes import CannotEnd, FoldedWrites
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import (
    claim_values,
    intent_values,
    order_from,
    order_values,
    recording_values,
    settling_values,
    started_transaction,
    stored_transaction,
    submission_values,
    trial_values,
)
from payorch.infrastructure.persistence.surplus_charges import insert_give_back


class SqlAlchemyPaymentLedger:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions
        clock = sql.LeaseClock(transactions.uses_database_clock)
        self._leased = sql.leased_statements(clock)
        self._folded = None
        if transactions.can_fold_writes:
            self._folded = FoldedWrites(transactions, folded_statements(clock, self._leased))

    def insert_order(self, new: NewOrder) -> None:
        values = order_values(new, self._transactions.personal_data)
        with self._transactions.write() as connection:
            try:
                connection.execute(sql.insert_order, values)
            except IntegrityError as error:
                raise _conflict(error) from None

    def find_order_by_key(self, idempotency_key: str) -> tuple[OrderId, str | None] | None:
        with self._transactions.read() as connection:
            row = connection.execute(sql.order_by_key, {"key": idempotency_key}).first()
        return None if row is None else (OrderId(row.public_id), row.request_hash)

    def load_payable(
        self, order_id: OrderId, *, submissions_since: datetime
    ) -> PayableOrder | None:
        parameters = {"public_id": order_id, "since": submissions_since}
        with self._transactions.read() as connection:
            row = connection.execute(sql.payable, parameters).mappings().first()
        if row is None:
            return None
        return PayableOrder(
            row_key=row["order_key"],
            order=order_from(row, self._transactions.personal_data.customer_in(row)),
            recent_submissions=row["recent_submissions"],
            last_sequence=row["last_sequence"],
            last_submission_number=row["last_submission_number"],
        )

    def configuration_revision(self) -> int:
        with self._transactions.read() as connection:
            return int(connection.execute(sql.revision).scalar_one())

    def find_submission(self, idempotency_key: str) -> StoredSubmission | None:
        parameters = {"key": idempotency_key, **self._transactions.now()}
        with self._transactions.read() as connection:
            row = connection.execute(self._leased.submission_by_key, parameters).first()
        if row is None:
            return None
        waits_for_customer = row.status is TransactionStatus.REQUIRES_ACTION
        return StoredSubmission(
            order_id=OrderId(row.public_id),
            request_hash=row.request_hash,
            result=row.result,
            is_leased=bool(row.is_leased),
            redirect_url=row.redirect_url if waits_for_customer else None,
        )

    def start(
        self,
        payable: PayableOrder,
        *,
        new_order: NewOrder | None,
        customer: Customer | None,
        country: str | None,
        submission: NewSubmission,
        intent: Intent,
    ) -> StartedSubmission:
        money = payable.order.money
        personal_data = self._transactions.personal_data
        order = claim = None
        if new_order is None:
            claim = claim_values(
                payable,
                customer,
                country,
                personal_data,
                at=intent.started_at,
                counts_in=submission.counts_in,
            )
        else:
            order = order_values(
                new_order,
                personal_data,
                status=PaymentStatus.PROCESSING,
                **trial_values(submission.counts_in),
            )
        try:
            if self._folded is not None:
                return self._folded.start(order, claim, submission, intent, money)
            with self._transactions.write() as connection:
                order_key = _insert_or_claim(connection, order, claim)
                submitted = {
                    "order_id": order_key,
                    **submission_values(submission, intent.started_at),
                }
                submission_key = connection.execute(sql.insert_submission, submitted).scalar_one()
                transaction = self._insert_intent(
                    connection, intent, money, order_key, submission_key
                )
        except IntegrityError as error:
            raise _conflict(error) from None
        return StartedSubmission(order_key, submission_key, transaction)

    def record(self, recording: Recording) -> Transaction | None:
        try:
            if self._folded is not None and self._folded.can_end(recording):
                with suppress(CannotEnd):
                    return self._folded.end(recording)
            with self._transactions.write() as connection:
                return self._record(connection, recording)
        except IntegrityError as error:
            text = str(error.orig)
            is_foreign = "provider_reference" in text
            raise ContradictsLedger(text, is_foreign=is_foreign) from None

    def _insert_intent(
        self,
        connection: Connection,
        intent: Intent,
        money: Money,
        order_key: int,
        submission_key: int,
    ) -> Transaction:
        row = connection.execute(
            self._leased.insert_transaction,
            {
                "order_id": order_key,
                "submission_id": submission_key,
                **intent_values(intent, money),
                **self._transactions.lease(intent.lease_s),
            },
        ).one()
        return started_transaction(intent, money, row.lease_until)

    def _record(self, connection: Connection, recording: Recording) -> Transaction | None:
        """Transaction first: its row is the guard. Lock order is transaction, order, submission."""
        parameters = {**recording_values(recording), **self._transactions.lease(recording.lease_s)}
        finished = connection.execute(self._leased.finish_transaction, parameters).first()
        if finished is None:
            return None
        key, is_given_back = finished
        if is_given_back and recording.status is TransactionStatus.APPROVED:
            raise ContradictsLedger("This charge is being given back.", is_given_back=True)
        for order in recording.gives_back:
            insert_give_back(connection, order)
        insert_jobs(connection, recording.jobs, at=recording.at)
        if recording.next_intent is not None:
            return self._insert_intent(
                connection,
                recording.next_intent,
                recording.transaction.money,
                recording.order_key,
                recording.submission_key,
            )
        if recording.order_status is not PaymentStatus.PROCESSING or recording.order_flag:
            is_paid = recording.order_status is PaymentStatus.PAID
            order_parameters = {
                **settling_values(recording),
                "paid_id": key if is_paid else None,
            }
            if connection.execute(sql.settle_order, order_parameters).rowcount == 0:
                raise ContradictsLedger("The order is not being processed.")
        if recording.result is not None:
            connection.execute(
                sql.finish_submission,
                {
                    "submission_key": recording.submission_key,
                    "new_result": dict(recording.result),
                    "at": recording.at,
                },
            )
        return stored_transaction(recording)


def _conflict(error: IntegrityError) -> DuplicateKey | ClaimLost:
    return DuplicateKey() if "idempotency_key" in str(error.orig) else ClaimLost()


def _insert_or_claim(
    connection: Connection, order: dict[str, Any] | None, claim: dict[str, Any] | None
) -> int:
    """The order's key."""
    if order is not None:
        return int(connection.execute(sql.insert_order, order).scalar_one())
    if claim is None or connection.execute(sql.claim_order, claim).rowcount == 0:
        raise ClaimLost
    return int(claim["key"])
