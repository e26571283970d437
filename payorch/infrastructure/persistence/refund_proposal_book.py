"""Proposals of large refunds on SQL: each step is one transaction with its journal entry.

All of them take the order's lock first, like the refunds themselves, so that what is left, what
was asked for, and what waits are seen as one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Update, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.large_refunds import NewProposal, ProposalState, RefundProposal
from payorch.application.refund_ledger import NewRefund
from payorch.application.refund_payment import RefundPayment
from payorch.application.staff_alerts import alert_job
from payorch.application.staff_permissions import Permission
from payorch.domain.errors import IdempotencyKeyReused
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId
from payorch.domain.second_person_errors import RefundProposalNotPossible
from payorch.infrastructure.persistence import refund_statements as sql
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_opening import Agreed, open_refund, refundable_row
from payorch.infrastructure.persistence.refund_rows import refundable_from
from payorch.infrastructure.persistence.second_person_statements import proposals
from payorch.infrastructure.persistence.staff_rights import PROPOSER_MAY_NOT, staff_has
from payorch.infrastructure.persistence.tables import OrderRow, RefundProposalRow, RefundRow

BY_ITSELF = "payorch"

_Row = RefundProposalRow
_BY_ID = proposals.where(_Row.id == bindparam("wanted"))
_BY_KEY = proposals.where(_Row.idempotency_key == bindparam("wanted"))
_OPEN = proposals.where(
    OrderRow.public_id == bindparam("wanted"), _Row.state == ProposalState.OPEN.value
)
_END: Update = (
    update(_Row)
    .where(_Row.id == bindparam("wanted"), _Row.state == ProposalState.OPEN.value)
    .values(
        state=bindparam("new_state"),
        decided_by=bindparam("actor"),
        decided_at=bindparam("at", type_=UtcDateTime()),
        decision_reason=bindparam("why"),
        refund_id=select(RefundRow.id)
        .where(RefundRow.public_id == bindparam("opened_refund"))
        .scalar_subquery(),
    )
)


class SqlAlchemyRefundProposalBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def replayed(self, command: RefundPayment) -> RefundProposal | None:
        with self._transactions.read() as connection:
            return _replayed(
                connection, command.idempotency_key, command.request_hash, command.order_id
            )

    def find(self, proposal_id: int) -> RefundProposal | None:
        with self._transactions.read() as connection:
            row = connection.execute(_BY_ID, {"wanted": proposal_id}).mappings().first()
        return None if row is None else _proposal(row)

    def open_of(self, order_id: OrderId) -> RefundProposal | None:
        with self._transactions.read() as connection:
            row = connection.execute(_OPEN, {"wanted": order_id}).mappings().first()
        return None if row is None else _proposal(row)

    def propose(self, new: NewProposal) -> RefundProposal:
        try:
            return self._propose(new)
        except IntegrityError:
            raise RefundProposalNotPossible(
                "The same form was sent for another order. Start again."
            ) from None

    def _propose(self, new: NewProposal) -> RefundProposal:
        with self._transactions.write() as connection:
            connection.execute(sql.lock_order, {"order_id": new.order_id})
            replayed = _replayed(connection, new.idempotency_key, new.request_hash, new.order_id)
            if replayed is not None:
                return replayed
            row = refundable_row(connection, new.order_id)
            plan = new.plan(refundable_from(row))
            _make_way(connection, new)
            values = {
                "order_id": row["order_key"],
                "kind": plan.kind,
                "amount_minor": plan.money.amount_minor,
                "currency": plan.money.currency,
                "reason": new.reason,
                "limit_minor": new.limit_minor,
                "counted_minor": new.counted_minor,
                "idempotency_key": new.idempotency_key,
                "request_hash": new.request_hash,
                "state": ProposalState.OPEN.value,
                "proposed_by": new.actor,
                "proposed_at": new.at,
                "expires_at": new.expires_at,
            }
            key = connection.execute(insert(_Row).returning(_Row.id), values).scalar_one()
            proposal = _proposal(connection.execute(_BY_ID, {"wanted": key}).mappings().one())
            _journal(
                connection, "refund_proposed", proposal, actor=new.actor, why=new.reason, at=new.at
            )
            facts = {"order": new.order_id, "refund_proposal": str(key), "by": new.actor}
            insert_jobs(connection, [alert_job("refund_to_approve", facts, at=new.at)], at=new.at)
        return proposal

    def approve(self, proposal: RefundProposal, new: NewRefund) -> Refund:
        with self._transactions.write() as connection:
            connection.execute(sql.lock_order, {"order_id": proposal.order_id})
            _require_waiting(connection, proposal, new.at)
            _require_proposer(connection, proposal)
            refund = open_refund(
                connection,
                new,
                agreed=Agreed(
                    proposal.id, proposal.proposed_by, proposal.reason, proposal.limit_minor
                ),
            )
            _end(
                connection,
                proposal,
                ProposalState.APPROVED,
                actor=new.actor,
                why=new.reason,
                at=new.at,
                refund_id=refund.id,
            )
        return refund

    def end(
        self,
        proposal: RefundProposal,
        state: ProposalState,
        *,
        actor: str,
        reason: str,
        at: datetime,
    ) -> None:
        with self._transactions.write() as connection:
            connection.execute(sql.lock_order, {"order_id": proposal.order_id})
            _require_waiting(connection, proposal, at)
            _end(connection, proposal, state, actor=actor, why=reason, at=at)


_ACTIONS = {
    ProposalState.APPROVED: "refund_proposal_approved",
    ProposalState.REJECTED: "refund_proposal_rejected",
    ProposalState.WITHDRAWN: "refund_proposal_withdrawn",
    ProposalState.EXPIRED: "refund_proposal_expired",
}


def _require_waiting(connection: Connection, proposal: RefundProposal, at: datetime) -> None:
    """Once more under the lock: two may decide in the same moment."""
    row = connection.execute(_BY_ID, {"wanted": proposal.id}).mappings().one()
    if not _proposal(row).waits_at(at):
        raise RefundProposalNotPossible("This proposal was decided already.")


def _require_proposer(connection: Connection, proposal: RefundProposal) -> None:
    if not staff_has(connection, proposal.proposed_by, Permission.REFUND_PAYMENTS):
        raise RefundProposalNotPossible(PROPOSER_MAY_NOT)


def _make_way(connection: Connection, new: NewProposal) -> None:
    row = connection.execute(_OPEN, {"wanted": new.order_id}).mappings().first()
    if row is None:
        return
    earlier = _proposal(row)
    if earlier.waits_at(new.at):
        raise RefundProposalNotPossible(
            f"A refund of {earlier.money} of this order waits for a second person already; it has "
            "to be decided or withdrawn first."
        )
    _end(
        connection,
        earlier,
        ProposalState.EXPIRED,
        actor=BY_ITSELF,
        why="Nobody decided in time.",
        at=new.at,
    )


def _end(
    connection: Connection,
    proposal: RefundProposal,
    state: ProposalState,
    *,
    actor: str,
    why: str,
    at: datetime,
    refund_id: RefundId | None = None,
) -> None:
    values = {
        "wanted": proposal.id,
        "new_state": state.value,
        "actor": actor,
        "at": at,
        "why": why,
        "opened_refund": refund_id,
    }
    if connection.execute(_END, values).rowcount == 0:
        raise RefundProposalNotPossible("This proposal was decided already.")
    _journal(connection, _ACTIONS[state], proposal, actor=actor, why=why, at=at, refund=refund_id)


def _journal(
    connection: Connection,
    action: str,
    proposal: RefundProposal,
    *,
    actor: str,
    why: str,
    at: datetime,
    refund: RefundId | None = None,
) -> None:
    insert_entry(
        connection,
        actor=actor,
        action=action,
        subject=f"order:{proposal.order_id}",
        reason=why,
        before=None,
        after={
            "proposal": proposal.id,
            "kind": proposal.kind.value,
            "amount_minor": proposal.money.amount_minor,
            "currency": proposal.money.currency,
            "limit_minor": proposal.limit_minor,
            "proposed_by": proposal.proposed_by,
            **({} if refund is None else {"refund": refund}),
        },
        at=at,
    )


def _replayed(
    connection: Connection, idempotency_key: str, request_hash: str, order_id: OrderId
) -> RefundProposal | None:
    row = connection.execute(_BY_KEY, {"wanted": idempotency_key}).mappings().first()
    if row is None:
        return None
    if row["request_hash"] != request_hash or row["order_public_id"] != order_id:
        raise IdempotencyKeyReused("This idempotency key was used with another request.")
    return _proposal(row)


def _proposal(row: RowMapping | Any) -> RefundProposal:
    refund = row["refund_public_id"]
    return RefundProposal(
        id=row["id"],
        order_id=OrderId(row["order_public_id"]),
        kind=row["kind"],
        money=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        limit_minor=row["limit_minor"],
        counted_minor=row["counted_minor"],
        state=ProposalState(row["state"]),
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        expires_at=row["expires_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
        refund_id=None if refund is None else RefundId(refund),
    )
