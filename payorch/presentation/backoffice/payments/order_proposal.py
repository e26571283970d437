"""The large refund of an order that waits for a second person, as the order's page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, url_for

from payorch.application.large_refunds import ProposalState
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundKind
from payorch.infrastructure.persistence.tables.refund_proposals import RefundProposalRow
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.money_format import format_money
from payorch.presentation.services import services

PROPOSALS_ENDPOINT = "refund_proposals"

PROPOSED: Mapping[RefundKind, str] = {
    RefundKind.REFUND: "Proposed refund",
    RefundKind.VOID: "Proposed void",
}

PROPOSAL_STATES: Mapping[ProposalState, tuple[str, Tone]] = {
    ProposalState.OPEN: ("Waits for a second person", "warning"),
    ProposalState.APPROVED: ("Approved", "success"),
    ProposalState.REJECTED: ("Rejected", "danger"),
    ProposalState.WITHDRAWN: ("Withdrawn", "neutral"),
    ProposalState.EXPIRED: ("Expired", "neutral"),
}


def proposal_status(row: RefundProposalRow, now: datetime) -> tuple[str, Tone]:
    state = ProposalState(row.state)
    if state is ProposalState.OPEN and now >= row.expires_at:
        state = ProposalState.EXPIRED
    return PROPOSAL_STATES[state]


@dataclass(frozen=True, slots=True)
class WaitingRefund:
    """`address` leads to the page that decides; `is_own`: who looks has proposed it."""

    title: str
    who: str
    why: str
    at: datetime
    until: datetime
    address: str
    is_own: bool
    may_decide: bool


def waiting_refund(order_id: str) -> WaitingRefund | None:
    """None also where this installation has no such page."""
    if f"{PROPOSALS_ENDPOINT}.proposal_page" not in current_app.view_functions:
        return None
    proposal = services().large_refunds.open_of(OrderId(order_id))
    if proposal is None:
        return None
    money, is_own = proposal.money, proposal.proposed_by == current_staff().email
    return WaitingRefund(
        title=f"{PROPOSED[proposal.kind]} of {format_money(money.amount_minor, money.currency)}",
        who=proposal.proposed_by,
        why=proposal.reason,
        at=proposal.proposed_at,
        until=proposal.expires_at,
        address=url_for(f"{PROPOSALS_ENDPOINT}.proposal_page", key=proposal.id),
        is_own=is_own,
        may_decide=not is_own and staff_may(Permission.REFUND_PAYMENTS),
    )
