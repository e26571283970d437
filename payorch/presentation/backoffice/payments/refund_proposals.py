"""Large refunds that wait for a second person: the list, and the page on which one decides."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import joinedload

from payorch.application.large_refunds import ProposalState
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import PayorchError
from payorch.domain.refund import RefundKind
from payorch.infrastructure.persistence.tables.refund_proposals import (
    PROPOSAL_OPEN,
    RefundProposalRow,
)
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.order_proposal import (
    PROPOSALS_ENDPOINT,
    PROPOSED,
    proposal_status,
)
from payorch.presentation.backoffice.payments.payment_filters import amount_filters
from payorch.presentation.backoffice.payments.refund_form import outcome_message
from payorch.presentation.backoffice.payments.refund_texts import HOW_IT_GOES_BACK
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView, SavedView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

WAITING, OVER = "open", "over"
APPROVE, REJECT = "approve", "reject"
_MENU_COUNTS_TO = 99

_Row = RefundProposalRow


class RefundProposalsView(KeysetListView):
    required_permission = Permission.READ_PAYMENTS
    time_column = "proposed_at"
    column_list = ("proposed_at", "id", "order", "amount_minor", "state", "proposed_by")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "proposed_at": "time",
        "order": "id",
        "amount_minor": "amount",
        "proposed_by": "text",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = (
            ChoiceFilter(
                name="state",
                label="State",
                choices=lambda: [(WAITING, "To approve"), (OVER, "Decided or over")],
                where=_in_state,
            ),
            *amount_filters(_Row.currency, _Row.amount_minor),
        )
        self.column_labels = {
            "proposed_at": "Proposed",
            "id": "Proposal",
            "amount_minor": "Amount",
            "proposed_by": "Who and why",
        }
        self.column_formatters = {
            "proposed_at": shown_as(lambda row: utc_time(row.proposed_at)),
            "id": shown_as(self._link),
            "order": shown_as(lambda row: cells.order_link(row.order)),
            "amount_minor": shown_as(lambda row: format_money(row.amount_minor, row.currency)),
            "state": shown_as(_state),
            "proposed_by": shown_as(
                lambda row: cells.with_small_print(row.proposed_by, row.reason)
            ),
        }
        super().__init__(
            RefundProposalRow,
            session,
            name="Approve refunds",
            category="Payments",
            endpoint=PROPOSALS_ENDPOINT,
            url="refund-proposals",
        )

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("To approve", {"state": WAITING}),
            SavedView("Decided or over", {"state": OVER}),
            SavedView("All", {}),
        )

    def loading(self) -> Sequence[Any]:
        return (joinedload(_Row.order),)

    def menu_count(self) -> int:
        """Those that wait; counting ends soon, because each page of the site asks."""
        few = select(_Row.id).where(waits(services().clock.now())).limit(_MENU_COUNTS_TO + 1)
        counted = select(func.count()).select_from(few.subquery())
        return int(self.session.session.scalar(counted) or 0)

    @expose("/<key>")
    def proposal_page(self, key: str) -> ResponseReturnValue:
        return self._page(self._found(key))

    @expose("/<key>/decide", methods=["POST"])
    def decide(self, key: str) -> ResponseReturnValue:
        row = self._found_by_finance(key)
        if (question := identity_question(self)) is not None:
            return question
        decision, why = request.form.get("decision"), request.form.get("reason", "")
        if decision not in {APPROVE, REJECT}:
            return self._page(row, problem="Choose whether you agree."), 422
        actor, large = current_staff().email, services().large_refunds
        try:
            if decision == REJECT:
                large.reject(row.id, actor=actor, reason=why)
                flash("You rejected the refund. Nothing goes back.", "warning")
            else:
                flash(*outcome_message(large.approve(row.id, actor=actor, reason=why)))
        except PayorchError as error:
            return self._page(row, problem=f"{error.message} Nothing was done."), 422
        return _back_to_order(row)

    @expose("/<key>/withdraw", methods=["POST"])
    def withdraw(self, key: str) -> ResponseReturnValue:
        row = self._found_by_finance(key)
        try:
            services().large_refunds.withdraw(
                row.id, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except PayorchError as error:
            return self._page(row, problem=f"{error.message} Nothing was done."), 422
        flash("You have withdrawn the refund. Nothing goes back.", "success")
        return _back_to_order(row)

    def _page(self, row: RefundProposalRow, problem: str | None = None) -> str:
        now, money = services().clock.now(), row.currency
        is_waiting = row.state == ProposalState.OPEN and now < row.expires_at
        page: str = self.render(
            "backoffice/refund_proposal.html",
            proposal=row,
            status=proposal_status(row, now),
            amount=format_money(row.amount_minor, money),
            limit=format_money(row.limit_minor, money),
            counted=format_money(row.counted_minor, money) if row.counted_minor else None,
            how=HOW_IT_GOES_BACK[RefundKind(row.kind)],
            is_waiting=is_waiting,
            is_own=row.proposed_by == current_staff().email,
            may_decide=is_waiting and staff_may(Permission.REFUND_PAYMENTS),
            problem=problem,
            typed=request.form,
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    def _found_by_finance(self, key: str) -> RefundProposalRow:
        if not staff_may(Permission.REFUND_PAYMENTS):
            abort(403)
        return self._found(key)

    def _found(self, key: str) -> RefundProposalRow:
        row = self.find_row(key, joinedload(_Row.order))
        if not isinstance(row, RefundProposalRow):
            abort(404)
        return row

    def _link(self, row: RefundProposalRow) -> Markup:
        address = url_for(f"{self.endpoint}.proposal_page", key=row.id)
        return cells.link(f"{PROPOSED[RefundKind(row.kind)]} {row.id}", address)


def waits(now: datetime) -> ColumnElement[bool]:
    # SQLite takes a partial index only for a condition that it can read.
    return and_(text(PROPOSAL_OPEN), _Row.expires_at > now)


def _in_state(value: str) -> ColumnElement[bool]:
    is_waiting = waits(services().clock.now())
    return is_waiting if value == WAITING else ~is_waiting


def _state(row: RefundProposalRow) -> Markup:
    badge = cells.badge(*proposal_status(row, services().clock.now()))
    return cells.with_small_print(badge, row.decided_by and f"by {row.decided_by}")


def _back_to_order(row: RefundProposalRow) -> ResponseReturnValue:
    address = url_for(
        f"{cells.ORDERS_ENDPOINT}.order_page",
        public_id=row.order.public_id,
        _anchor="order-refunds",
    )
    return redirect(address, code=303)
