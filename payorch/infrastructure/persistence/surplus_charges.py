"""The double-payment guard's write: evidence, flag, refund and jobs in one transaction."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.jobs import ALERT_STAFF, SEND_REFUND, NewJob
from payorch.application.open_attempts import Evidence
from payorch.application.ports import Ids
from payorch.application.surplus_charges import SurplusCharge
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.infrastructure.persistence import attempt_statements as sql
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import OrderRow, RefundRow, TransactionRow

GUARD = "payorch"
"""Who asked for the refund, as the order page names it."""

REASON = "The provider charged this although the payment was closed, or paid already."

_GUARDED: dict[str, Any] = {
    "index_elements": ["provider_code", "payment_reference", "kind"],
    "index_where": RefundRow.is_guard,
}
_INSERTS: dict[str, Any] = {
    "sqlite": sqlite_insert(RefundRow).on_conflict_do_nothing(**_GUARDED).returning(RefundRow.id),
    "postgresql": postgresql_insert(RefundRow)
    .on_conflict_do_nothing(**_GUARDED)
    .returning(RefundRow.id),
}
_ATTEMPT = (
    select(
        TransactionRow.id,
        TransactionRow.order_id,
        TransactionRow.provider_code,
        OrderRow.public_id.label("order_public_id"),
    )
    .join(OrderRow, OrderRow.id == TransactionRow.order_id)
    .where(TransactionRow.public_id == bindparam("attempt_id"))
)


class SqlAlchemySurplusCharges:
    """`can_void` says of a provider's code whether it voids; the others are asked for a refund."""

    def __init__(
        self, transactions: LedgerTransactions, ids: Ids, can_void: Callable[[str], bool]
    ) -> None:
        self._transactions = transactions
        self._ids = ids
        self._can_void = can_void

    def give_back(self, charge: SurplusCharge, evidence: Evidence, *, order_flag: str) -> bool:
        with self._transactions.read() as connection:
            attempt = connection.execute(_ATTEMPT, {"attempt_id": charge.transaction_id}).one()
        kind = RefundKind.VOID if self._can_void(attempt.provider_code) else RefundKind.REFUND
        refund_id = self._ids.refund_id()
        values = {
            "public_id": refund_id,
            "order_id": attempt.order_id,
            "transaction_id": attempt.id,
            "kind": kind,
            "is_guard": True,
            "provider_code": attempt.provider_code,
            "payment_reference": charge.payment_reference,
            "amount_minor": charge.money.amount_minor,
            "currency": charge.money.currency,
            "status": RefundStatus.STARTED,
            # Nobody is at work on it yet: whoever gets the job may take it at once.
            "lease_until": evidence.at,
            "reason": REASON,
            "requested_by": GUARD,
            "requested_at": evidence.at,
            "changed_at": evidence.at,
            "next_check_at": evidence.at,
        }
        jobs = (
            NewJob(
                SEND_REFUND,
                {"refund": refund_id},
                dedup_key=f"send_refund:{refund_id}",
                destination=attempt.provider_code,
            ),
            NewJob(
                ALERT_STAFF,
                {
                    "alert": order_flag,
                    "order": attempt.order_public_id,
                    "transaction": charge.transaction_id,
                    "refund": refund_id,
                },
                dedup_key=f"alert:{order_flag}:{refund_id}",
            ),
        )
        with self._transactions.write() as connection:
            # The new row's key, not a count of rows: drivers count an insert that did nothing
            # in different ways.
            if connection.execute(_INSERTS[connection.dialect.name], values).scalar() is None:
                return False
            _keep(connection, attempt.id, evidence)
            connection.execute(
                sql.flag_order, {"transaction": charge.transaction_id, "new_flag": order_flag}
            )
            insert_jobs(connection, jobs, at=evidence.at)
        return True


def _keep(connection: Connection, transaction_key: int, evidence: Evidence) -> None:
    connection.execute(
        sql.insert_evidence,
        {
            "transaction_id": transaction_key,
            "source": evidence.source,
            "outcome": evidence.outcome,
            "was_applied": evidence.was_applied,
            "detail": dict(evidence.detail),
            "created_at": evidence.at,
        },
    )
