"""The payment path on SQL: one method, one short transaction, no ORM.

The database forbids doubles; the compare-and-swaps here only make losing pleasant. See
payment_statements.py for the SQL and tables/ for the constraints.
"""

from dataclasses import replace
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
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import (
    claim_values,
    intent_values,
    order_from,
    order_values,
    recording_values,
    started_transaction,
)
from payorch.infrastructure.persistence.surplus_charges import insert_give_back


class SqlAlchemyPaymentLedger:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions
        clock = sql.LeaseClock(transactions.uses_database_clock)
        self._leased = sql.leased_statements(clock)

    def insert_order(self, new: NewOrder) -> None:
        with self._transactions.write() as connection:
            try:
                connection.execute(sql.insert_order, order_values(new))
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
            order=order_from(row),
            configuration_revision=row["revision"],
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
        with self._transactions.write() as connection:
            try:
                if new_order is not None:
                    order_key = _insert_claimed(connection, new_order)
                else:
                    claim = claim_values(payable, customer, country, intent.started_at)
                    order_key = _claim(connection, claim)
                submission_key = connection.execute(
                    sql.insert_submission, _submission_values(order_key, submission, intent)
                ).scalar_one()
                transaction = self._insert_intent(
                    connection, intent, money, order_key, submission_key
                )
            except IntegrityError as error:
                raise _conflict(error) from None
        return StartedSubmission(order_key, submission_key, transaction)

    def record(self, recording: Recording) -> Transaction | None:
        with self._transactions.write() as connection:
            try:
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
                **intent_values(intent, money, order_key, submission_key),
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
                "key": recording.order_key,
                "new_status": recording.order_status,
                "paid_id": key if is_paid else None,
                "new_flag": recording.order_flag,
                "at": recording.at,
            }
            if connection.execute(sql.settle_order, order_parameters).rowcount == 0:
                raise ContradictsLedger("The order is not being processed.")
        if recording.result is not None:
            connection.execute(
                sql.finish_submission,
                {
                    "key": recording.submission_key,
                    "new_result": dict(recording.result),
                    "at": recording.at,
                },
            )
        return replace(
            recording.transaction,
            status=recording.status,
            version=recording.transaction.version + 1,
            provider_reference=recording.provider_reference
            or recording.transaction.provider_reference,
            redirect_url=recording.redirect_url or recording.transaction.redirect_url,
        )


def _conflict(error: IntegrityError) -> DuplicateKey | ClaimLost:
    return DuplicateKey() if "idempotency_key" in str(error.orig) else ClaimLost()


def _insert_claimed(connection: Connection, new_order: NewOrder) -> int:
    values = order_values(new_order, status=PaymentStatus.PROCESSING)
    return int(connection.execute(sql.insert_order, values).scalar_one())


def _claim(connection: Connection, claim: dict[str, Any]) -> int:
    if connection.execute(sql.claim_order, claim).rowcount == 0:
        raise ClaimLost
    return int(claim["key"])


def _submission_values(order_key: int, submission: NewSubmission, intent: Intent) -> dict[str, Any]:
    return {
        "order_id": order_key,
        "number": submission.number,
        "idempotency_key": submission.idempotency_key,
        "request_hash": submission.request_hash,
        "preferred_provider": submission.preferred_provider,
        "client_hash": submission.client_hash,
        "language": submission.language,
        "policy_version": submission.policy_version,
        "candidates": [
            {"provider": c.provider_code, "because": c.because, "propensity": c.propensity}
            for c in submission.candidates
        ],
        "left_out": [
            {"provider": left.provider_code, "because": left.because}
            for left in submission.left_out
        ],
        "created_at": intent.started_at,
    }
