"""Settling a refund that no provider can prove: one of finance proposes, another one decides."""

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.review import MAX_EVIDENCE
from payorch.application.review_refund import RefundConclusion, RefundProposal
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import PayorchError
from payorch.domain.refund import RefundId, RefundKind
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.backoffice.payments.refund_texts import refund_title, why_it_stands_so
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.money_format import format_money
from payorch.presentation.services import services

CONCLUSIONS: Mapping[RefundConclusion, str] = {
    RefundConclusion.GIVEN_BACK: "The provider has given the money back",
    RefundConclusion.NOT_GIVEN_BACK: "Nothing was given back, and it cannot happen later",
}


class RefundReviewPages:
    """Pages of RefundsView. `find_row` and `render` are Flask-Admin's and the base view's."""

    find_row: Any
    render: Any

    @expose("/<refund_id>/review")
    def review_page(self, refund_id: str) -> ResponseReturnValue:
        return self._review_page(refund_id)

    @expose("/<refund_id>/review", methods=["POST"])
    def propose(self, refund_id: str) -> ResponseReturnValue:
        self._require_finance_for(refund_id)
        if (question := identity_question(self)) is not None:
            return question
        form = request.form
        if form.get("conclusion") not in set(RefundConclusion):
            return self._review_page(refund_id, problem="Say what happened."), 422
        try:
            services().review_refund.propose(
                RefundId(refund_id),
                RefundConclusion(form["conclusion"]),
                provider_reference=form.get("provider_reference"),
                evidence=form.get("evidence", ""),
                actor=current_staff().email,
            )
        except PayorchError as error:
            return self._review_page(refund_id, problem=error.message), 422
        flash("Proposed. Somebody else of finance has to agree before anything changes.", "success")
        return redirect(url_for(".review_page", refund_id=refund_id), code=303)

    @expose("/<refund_id>/review/<int:proposal_id>", methods=["POST"])
    def decide(self, refund_id: str, proposal_id: int) -> ResponseReturnValue:
        refund = self._require_finance_for(refund_id)
        if (question := identity_question(self)) is not None:
            return question
        is_approved = request.form.get("decision") == "approve"
        try:
            services().review_refund.decide(
                proposal_id,
                is_approved=is_approved,
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
            )
        except PayorchError as error:
            return self._review_page(refund_id, problem=error.message), 422
        flash("Agreed, and settled." if is_approved else "Rejected; nothing changed.", "success")
        address = url_for(
            "backoffice_orders.order_page",
            public_id=refund.order.public_id,
            _anchor="order-refunds",
        )
        return redirect(address, code=303)

    def _review_page(self, refund_id: str, problem: str | None = None) -> str:
        refund = self._require_finance_for(refund_id)
        proposal = services().review_refund.undecided(RefundId(refund_id))
        page: str = self.render(
            "backoffice/refund_review.html",
            refund=refund,
            title=refund_title(refund),
            amount=format_money(refund.amount_minor, refund.currency),
            note=why_it_stands_so(refund),
            needs_reference=refund.kind is RefundKind.REFUND,
            is_waiting=refund.review_since is not None and refund.is_open,
            conclusions=CONCLUSIONS,
            proposal=proposal,
            is_own=_is_own(proposal),
            problem=problem,
            typed=request.form,
            max_evidence=MAX_EVIDENCE,
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    def _require_finance_for(self, refund_id: str) -> RefundRow:
        if not staff_may(Permission.REFUND_PAYMENTS):
            abort(403)
        return self._found(refund_id)

    def _found(self, refund_id: str) -> RefundRow:
        raise NotImplementedError


def _is_own(proposal: RefundProposal | None) -> bool:
    return proposal is not None and proposal.proposed_by == current_staff().email
