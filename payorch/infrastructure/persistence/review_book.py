"""Reviews on SQL: each proposal and decision is one transaction with its journal entry."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Update, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.jobs import APPLY_REVIEW, NewJob
from payorch.application.review import Conclusion, Proposal
from payorch.application.staff_permissions import Permission
from payorch.domain.errors import ReviewNotPossible
from payorch.domain.outcome import Approved
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence import attempt_statements as sql
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.staff_rights import PROPOSER_MAY_NOT, staff_has
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    OrderRow,
    ReviewRow,
    TransactionRow,
)

_SELECT = select(ReviewRow.__table__, TransactionRow.public_id.label("transaction_public_id")).join(
    TransactionRow, TransactionRow.id == ReviewRow.transaction_id
)
_BY_ID = _SELECT.where(ReviewRow.id == bindparam("wanted"))
_UNDECIDED = _SELECT.where(
    TransactionRow.public_id == bindparam("wanted"), ReviewRow.decided_at.is_(None)
)
_TOLD = (
    select(EvidenceRow.detail)
    .join(TransactionRow, TransactionRow.id == EvidenceRow.transaction_id)
    .where(TransactionRow.public_id == bindparam("wanted"), EvidenceRow.outcome == "Approved")
    .order_by(EvidenceRow.id)
)
_OWNER = (
    select(TransactionRow.public_id, OrderRow.public_id)
    .join(OrderRow, OrderRow.id == TransactionRow.order_id)
    .where(
        TransactionRow.provider_code == bindparam("provider"),
        TransactionRow.provider_reference == bindparam("reference"),
    )
)
_INSERT = insert(ReviewRow).returning(ReviewRow.id)
_DECIDE: Update = (
    update(ReviewRow)
    .where(ReviewRow.id == bindparam("wanted"), ReviewRow.decided_at.is_(None))
    .values(
        is_approved=bindparam("new_is_approved"),
        decided_by=bindparam("actor"),
        decided_at=bindparam("at", type_=UtcDateTime()),
        decision_reason=bindparam("reason"),
    )
)


class SqlAlchemyReviewBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def propose(
        self,
        transaction_id: TransactionId,
        conclusion: Conclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
        at: datetime,
    ) -> Proposal:
        with self._transactions.write() as connection:
            key = connection.execute(sql.transaction_key, {"public_id": transaction_id})
            values = {
                "transaction_id": key.scalar_one(),
                "conclusion": conclusion.value,
                "provider_reference": provider_reference,
                "evidence": evidence,
                "proposed_by": actor,
                "proposed_at": at,
            }
            try:
                number = connection.execute(_INSERT, values).scalar_one()
            except IntegrityError:
                raise ReviewNotPossible(
                    "There is a proposal for this transaction already; it has to be decided first."
                ) from None
            insert_entry(
                connection,
                actor=actor,
                action="review_proposed",
                subject=_subject(transaction_id),
                # The evidence stands in the review; the journal's reason is shorter.
                reason=evidence[:500],
                before=None,
                after={
                    "review": number,
                    "conclusion": conclusion.value,
                    "provider_reference": provider_reference,
                },
                at=at,
            )
        return Proposal(
            id=number,
            transaction_id=transaction_id,
            conclusion=conclusion,
            provider_reference=provider_reference,
            evidence=evidence,
            proposed_by=actor,
            proposed_at=at,
        )

    def owner_of(
        self, provider_code: str, provider_reference: str
    ) -> tuple[TransactionId, OrderId] | None:
        values = {"provider": provider_code, "reference": provider_reference}
        with self._transactions.read() as connection:
            row = connection.execute(_OWNER, values).one_or_none()
        return None if row is None else (TransactionId(row[0]), OrderId(row[1]))

    def find(self, proposal_id: int) -> Proposal | None:
        return self._one(_BY_ID, proposal_id)

    def charges_told(self, transaction_id: TransactionId) -> Sequence[Approved]:
        with self._transactions.read() as connection:
            told = connection.execute(_TOLD, {"wanted": transaction_id}).scalars().all()
        charges = (_charge(detail) for detail in told)
        return tuple({c.provider_reference: c for c in charges if c is not None}.values())

    def undecided(self, transaction_id: TransactionId) -> Proposal | None:
        return self._one(_UNDECIDED, transaction_id)

    def decide(
        self, proposal: Proposal, *, is_approved: bool, actor: str, reason: str, at: datetime
    ) -> None:
        values = {
            "wanted": proposal.id,
            "new_is_approved": is_approved,
            "actor": actor,
            "reason": reason,
            "at": at,
        }
        job = NewJob(APPLY_REVIEW, {"review": proposal.id}, dedup_key=f"review:{proposal.id}")
        with self._transactions.write() as connection:
            if is_approved and not staff_has(
                connection, proposal.proposed_by, Permission.PROPOSE_REVIEWS
            ):
                raise ReviewNotPossible(PROPOSER_MAY_NOT)
            if connection.execute(_DECIDE, values).rowcount == 0:
                raise ReviewNotPossible("This proposal was decided already.")
            insert_entry(
                connection,
                actor=actor,
                action="review_approved" if is_approved else "review_rejected",
                subject=_subject(proposal.transaction_id),
                reason=reason,
                before={"review": proposal.id, "proposed_by": proposal.proposed_by},
                after={"conclusion": proposal.conclusion.value, "is_approved": is_approved},
                at=at,
            )
            if is_approved:
                insert_jobs(connection, [job], at=at)

    def _one(self, statement: Select[Any], wanted: int | str) -> Proposal | None:
        with self._transactions.read() as connection:
            row = connection.execute(statement, {"wanted": wanted}).mappings().first()
        if row is None:
            return None
        return Proposal(
            id=row["id"],
            transaction_id=TransactionId(row["transaction_public_id"]),
            conclusion=Conclusion(row["conclusion"]),
            provider_reference=row["provider_reference"],
            evidence=row["evidence"],
            proposed_by=row["proposed_by"],
            proposed_at=row["proposed_at"],
            is_approved=row["is_approved"],
        )


def _charge(detail: Mapping[str, Any]) -> Approved | None:
    """An approval as its evidence keeps it (late_news.py, claims_of)."""
    names = ("provider_reference", "our_reference", "amount_minor", "currency")
    reference, ours, amount, currency = (detail.get(name) for name in names)
    if None in {reference, ours, amount, currency}:
        return None
    return Approved(str(reference), str(ours), int(str(amount)), str(currency))


def _subject(transaction_id: TransactionId) -> str:
    return f"transaction:{transaction_id}"
