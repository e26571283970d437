"""The double-payment guard's write: evidence, flag, refund and jobs in one transaction."""

from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, not_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.jobs import ALERT_STAFF, SEND_REFUND, NewJob
from payorch.application.open_attempts import Evidence
from payorch.application.surplus_charges import GiveBack
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.refund import RefundStatus
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
_GOES_BACK = select(RefundRow.id).where(
    RefundRow.is_guard,
    RefundRow.provider_code == bindparam("provider"),
    RefundRow.payment_reference == bindparam("charge"),
    RefundRow.status != RefundStatus.FAILED,
)
"""Of whatever kind: a refund may be known by listing before anything was tried from here."""

# Whoever is about to book this very charge loses the attempt's version to this, and looks again.
_LOCK: Update = (
    update(TransactionRow)
    .where(
        TransactionRow.public_id == bindparam("attempt_id"),
        not_(
            and_(
                TransactionRow.status.in_((TransactionStatus.APPROVED, TransactionStatus.VOIDED)),
                TransactionRow.provider_reference == bindparam("charge"),
            )
        ),
    )
    .values(version=TransactionRow.version + 1)
)


class SqlAlchemySurplusCharges:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def give_back(self, order: GiveBack) -> bool:
        charge = order.charge
        lock = {"attempt_id": charge.transaction_id, "charge": charge.payment_reference}
        with self._transactions.write() as connection:
            if connection.execute(_LOCK, lock).rowcount == 0:
                return False
            return insert_give_back(connection, order)


def insert_give_back(connection: Connection, order: GiveBack) -> bool:
    """Within a transaction that has written to the attempt. False when it is given back already."""
    charge, evidence = order.charge, order.evidence
    attempt = connection.execute(_ATTEMPT, {"attempt_id": charge.transaction_id}).one()
    goes_back = {"provider": attempt.provider_code, "charge": charge.payment_reference}
    if connection.execute(_GOES_BACK, goes_back).first() is not None:
        return False
    values = {
        "public_id": order.refund_id,
        "order_id": attempt.order_id,
        "transaction_id": attempt.id,
        "kind": order.kind,
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
    # The new row's key, not a count of rows: drivers count an insert that did nothing in
    # different ways.
    if connection.execute(_INSERTS[connection.dialect.name], values).scalar() is None:
        return False
    _keep(connection, attempt.id, evidence)
    connection.execute(
        sql.flag_order, {"transaction": charge.transaction_id, "new_flag": order.order_flag}
    )
    jobs = _jobs(order, attempt.provider_code, attempt.order_public_id)
    insert_jobs(connection, jobs, at=evidence.at)
    return True


def _jobs(order: GiveBack, provider_code: str, order_id: str) -> tuple[NewJob, ...]:
    return (
        NewJob(
            SEND_REFUND,
            {"refund": order.refund_id},
            dedup_key=f"send_refund:{order.refund_id}",
            destination=provider_code,
        ),
        NewJob(
            ALERT_STAFF,
            {
                "alert": order.order_flag,
                "order": order_id,
                "transaction": order.charge.transaction_id,
                "refund": order.refund_id,
            },
            dedup_key=f"alert:{order.order_flag}:{order.refund_id}",
        ),
    )


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
