"""Reviews of refunds on SQL: a proposal or decision is one transaction with its journal entry."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, Update, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.jobs import APPLY_REFUND_REVIEW, NewJob
from payorch.application.review_refund import RefundConclusion, RefundProposal
from payorch.application.staff_permissions import Permission
from payorch.domain.errors import ReviewNotPossible
from payorch.domain.refund import Refund, RefundId
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.staff_rights import PROPOSER_MAY_NOT, staff_has
from payorch.infrastructure.persistence.tables import OrderRow, RefundReviewRow, RefundRow

_SELECT = (
    select(
        RefundReviewRow.__table__,
        RefundRow.public_id.label("refund_public_id"),
        OrderRow.public_id.label("order_public_id"),
    )
    .join(RefundRow, RefundRow.id == RefundReviewRow.refund_id)
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
)
_BY_ID = _SELECT.where(RefundReviewRow.id == bindparam("wanted"))
_UNDECIDED = _SELECT.where(
    RefundRow.public_id == bindparam("wanted"), RefundReviewRow.decided_at.is_(None)
)
_REFUND = (
    select(RefundRow.id, OrderRow.public_id.label("order_public_id"))
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .where(RefundRow.public_id == bindparam("wanted"))
)
_INSERT = insert(RefundReviewRow).returning(RefundReviewRow.id)
_DECIDE: Update = (
    update(RefundReviewRow)
    .where(RefundReviewRow.id == bindparam("wanted"), RefundReviewRow.decided_at.is_(None))
    .values(
        is_approved=bindparam("new_is_approved"),
        decided_by=bindparam("actor"),
        decided_at=bindparam("at", type_=UtcDateTime()),
        decision_reason=bindparam("reason"),
    )
)


class SqlAlchemyRefundReviewBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def propose(
        self,
        refund: Refund,
        conclusion: RefundConclusion,
        *,
        provider_reference: str | None,
        evidence: str,
        actor: str,
        at: datetime,
    ) -> RefundProposal:
        said = {"conclusion": conclusion.value, "provider_reference": provider_reference}
        with self._transactions.write() as connection:
            row = connection.execute(_REFUND, {"wanted": refund.id}).one()
            values = {
                **said,
                "refund_id": row.id,
                "of_retry": refund.retries,
                "evidence": evidence,
                "proposed_by": actor,
                "proposed_at": at,
            }
            try:
                number = connection.execute(_INSERT, values).scalar_one()
            except IntegrityError:
                raise ReviewNotPossible(
                    "There is a proposal for this refund already; it has to be decided first."
                ) from None
            insert_entry(
                connection,
                actor=actor,
                action="refund_review_proposed",
                subject=f"order:{refund.order_id}",
                # The evidence stands in the review; the journal's reason is shorter.
                reason=evidence[:500],
                before=None,
                after={"review": number, "refund": refund.id, **said},
                at=at,
            )
        return RefundProposal(
            number,
            refund.id,
            conclusion,
            provider_reference,
            evidence,
            actor,
            at,
            of_retry=refund.retries,
        )

    def find(self, proposal_id: int) -> RefundProposal | None:
        return self._one(_BY_ID, proposal_id)

    def undecided(self, refund_id: RefundId) -> RefundProposal | None:
        return self._one(_UNDECIDED, refund_id)

    def decide(
        self, proposal: RefundProposal, *, is_approved: bool, actor: str, reason: str, at: datetime
    ) -> None:
        values = {
            "wanted": proposal.id,
            "new_is_approved": is_approved,
            "actor": actor,
            "reason": reason,
            "at": at,
        }
        with self._transactions.write() as connection:
            if is_approved and not staff_has(
                connection, proposal.proposed_by, Permission.REFUND_PAYMENTS
            ):
                raise ReviewNotPossible(PROPOSER_MAY_NOT)
            if connection.execute(_DECIDE, values).rowcount == 0:
                raise ReviewNotPossible("This proposal was decided already.")
            refund = connection.execute(_REFUND, {"wanted": proposal.refund_id}).one()
            insert_entry(
                connection,
                actor=actor,
                action="refund_review_approved" if is_approved else "refund_review_rejected",
                subject=f"order:{refund.order_public_id}",
                reason=reason,
                before={"review": proposal.id, "proposed_by": proposal.proposed_by},
                after={"conclusion": proposal.conclusion.value, "is_approved": is_approved},
                at=at,
            )
            if is_approved:
                dedup_key = f"refund_review:{proposal.id}"
                job = NewJob(APPLY_REFUND_REVIEW, {"review": proposal.id}, dedup_key=dedup_key)
                insert_jobs(connection, [job], at=at)

    def _one(self, statement: Select[Any], wanted: int | str) -> RefundProposal | None:
        with self._transactions.read() as connection:
            row = connection.execute(statement, {"wanted": wanted}).mappings().first()
        if row is None:
            return None
        return RefundProposal(
            id=row["id"],
            refund_id=RefundId(row["refund_public_id"]),
            conclusion=RefundConclusion(row["conclusion"]),
            provider_reference=row["provider_reference"],
            evidence=row["evidence"],
            proposed_by=row["proposed_by"],
            proposed_at=row["proposed_at"],
            is_approved=row["is_approved"],
            of_retry=row["of_retry"],
        )
