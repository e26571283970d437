"""Payments that nobody can prove: one person proposes what happened, a second one decides."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from payorch.application.review import MAX_EVIDENCE, MAX_REFERENCE, Conclusion
from payorch.application.staff_reason import MAX_REASON_LENGTH, checked_reason
from payorch.domain.errors import PayorchError, ReasonRequired
from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.infrastructure.persistence.tables.reviews import ReviewRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.backoffice.journal_texts import done_text
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.evidence_texts import answered_text
from payorch.presentation.backoffice.payments.order_actions import (
    REVIEWS_ENDPOINT,
    review_address,
)
from payorch.presentation.backoffice.payments.order_page import AttemptPart, attempt_part
from payorch.presentation.backoffice.payments.payment_texts import TRANSACTION_STATUSES
from payorch.presentation.backoffice.payments.provider_events import EVENT_STATES
from payorch.presentation.backoffice.payments.review_list import (
    remember_reviews,
    review_filters,
    where_it_stands,
)
from payorch.presentation.backoffice.payments.review_page import (
    age_text,
    consequence,
    proposal_parts,
)
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_names
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.keyset_list import (
    KeysetListView,
    ListPage,
    SavedView,
)
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

MOST_EVENTS = 50
APPROVE, REJECT = "approve", "reject"


class ReviewsView(KeysetListView):
    required_permission = Permission.READ_PAYMENTS
    time_column = "started_at"
    column_list = (
        "review_since",
        "public_id",
        "order",
        "provider_code",
        "amount_minor",
        "status",
        "review",
    )
    column_kinds: ClassVar[Mapping[str, str]] = {
        "review_since": "time",
        "public_id": "id",
        "order": "id",
        "amount_minor": "amount",
        "review": "text",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = review_filters(session)
        self.column_labels = {
            "review_since": "In review since",
            "public_id": "Payment",
            "provider_code": "Provider",
            "amount_minor": "Amount",
            "review": "Where it stands",
        }
        self.column_formatters = {
            "review_since": shown_as(lambda row: utc_time(row.review_since)),
            "public_id": shown_as(self._link),
            "order": shown_as(lambda row: cells.order_link(row.order)),
            "provider_code": shown_as(self._provider),
            "amount_minor": shown_as(lambda row: format_money(row.amount_minor, row.currency)),
            "status": shown_as(lambda row: cells.badge(*TRANSACTION_STATUSES[row.status])),
            "review": shown_as(where_it_stands),
        }
        super().__init__(
            TransactionRow,
            session,
            name="Reviews",
            category="Payments",
            endpoint=REVIEWS_ENDPOINT,
            url="reviews",
        )

    def get_query(self) -> Any:
        """Payments that are, or were, in review; by the partial index of those."""
        return super().get_query().filter(TransactionRow.review_since.is_not(None))

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("To review", {"state": "open"}),
            SavedView("Settled", {"state": "settled"}),
            SavedView("All", {}),
        )

    def loading(self) -> Sequence[Any]:
        return (joinedload(TransactionRow.order),)

    def read_page(self, criteria: ListCriteria) -> ListPage:
        page = super().read_page(criteria)
        remember_reviews(self.session.session, page.rows)
        return page

    @expose("/<public_id>")
    def review_page(self, public_id: str) -> ResponseReturnValue:
        return self._page(self._found(public_id))

    @expose("/<public_id>/propose", methods=["POST"])
    def propose(self, public_id: str) -> ResponseReturnValue:
        _require(Permission.PROPOSE_REVIEWS)
        if (question := identity_question(self)) is not None:
            return question
        transaction = self._found(public_id)
        try:
            services().review.propose(
                TransactionId(public_id),
                Conclusion(request.form.get("conclusion", "")),
                provider_reference=request.form.get("provider_reference"),
                evidence=request.form.get("evidence", ""),
                actor=current_staff().email,
            )
        except ValueError:
            return self._page(transaction, problem="Choose what happened."), 422
        except PayorchError as error:
            return self._page(transaction, problem=error.message), 422
        flash("The proposal is written down. A second person has to decide on it.", "success")
        return redirect(review_address(transaction.public_id), code=303)

    @expose("/<public_id>/decide", methods=["POST"])
    def decide(self, public_id: str) -> ResponseReturnValue:
        """A rejection is done at once; an approval is asked about once more, as it moves money."""
        _require(Permission.DECIDE_REVIEWS)
        if (question := identity_question(self)) is not None:
            return question
        transaction = self._found(public_id)
        review, decision = self._waiting(transaction), request.form.get("decision")
        if review is None or decision not in {APPROVE, REJECT}:
            return self._page(transaction, problem="Choose whether you agree."), 422
        try:
            reason = checked_reason(request.form.get("reason", ""))
        except ReasonRequired as error:
            return self._page(transaction, problem=error.message), 422
        if decision == REJECT:
            return self._decided(transaction, review.id, reason, is_approved=False)
        page: str = self.render(
            "backoffice/review_confirm.html",
            transaction=transaction,
            proposal=proposal_parts([review])[0],
            consequence=consequence(review.conclusion, transaction),
            reason=reason,
        )
        return page

    @expose("/<public_id>/approve", methods=["POST"])
    def approve(self, public_id: str) -> ResponseReturnValue:
        _require(Permission.DECIDE_REVIEWS)
        if (question := identity_question(self)) is not None:
            return question
        transaction, review = self._found(public_id), request.form.get("review", "")
        waiting = self._waiting(transaction)
        if waiting is None or str(waiting.id) != review:
            flash("This proposal was decided meanwhile. Nothing was changed.", "warning")
            return redirect(review_address(transaction.public_id), code=303)
        reason = request.form.get("reason", "")
        return self._decided(transaction, waiting.id, reason, is_approved=True)

    def _decided(
        self, transaction: TransactionRow, review: int, reason: str, *, is_approved: bool
    ) -> ResponseReturnValue:
        address = review_address(transaction.public_id)
        try:
            services().review.decide(
                review, is_approved=is_approved, actor=current_staff().email, reason=reason
            )
        except PayorchError as error:
            flash(f"{error.message} Nothing was changed.", "error")
            return redirect(address, code=303)
        if is_approved:
            flash("You approved the proposal. The payment is settled by it.", "success")
        else:
            flash("You rejected the proposal. The payment is still to be reviewed.", "warning")
        return redirect(address, code=303)

    def _page(self, transaction: TransactionRow, problem: str | None = None) -> str:
        names, now = provider_names(self.session.session), services().clock.now()
        reviews, waiting = self._reviews(transaction), self._waiting(transaction)
        is_open = transaction.status in OPEN_TRANSACTION_STATUSES
        is_own = waiting is not None and waiting.proposed_by == current_staff().email
        attempt: AttemptPart = attempt_part(transaction, names)
        page: str = self.render(
            "backoffice/review.html",
            transaction=transaction,
            customer=shown_customer(transaction.order),
            attempt=attempt,
            amount=format_money(transaction.amount_minor, transaction.currency),
            provider=names.get(transaction.provider_code, transaction.provider_code),
            age=age_text(transaction.started_at, now),
            age_in_review=age_text(transaction.review_since or now, now),
            first_answer=answered_text("Unknown", transaction.technical_reason),
            staff_checks=self._staff_checks(transaction, names),
            events=self._events(transaction),
            proposals=proposal_parts(reviews),
            is_open=is_open,
            may_propose=is_open and waiting is None and staff_may(Permission.PROPOSE_REVIEWS),
            may_decide=waiting is not None and not is_own and staff_may(Permission.DECIDE_REVIEWS),
            is_own=is_own,
            typed=request.form,
            problem=problem,
            limits={
                "reason": MAX_REASON_LENGTH,
                "evidence": MAX_EVIDENCE,
                "reference": MAX_REFERENCE,
            },
        )
        return page

    def _reviews(self, transaction: TransactionRow) -> Sequence[ReviewRow]:
        found: Sequence[ReviewRow] = self.session.session.scalars(
            select(ReviewRow)
            .where(ReviewRow.transaction_id == transaction.id)
            .order_by(ReviewRow.id)
        ).all()
        return found

    def _waiting(self, transaction: TransactionRow) -> ReviewRow | None:
        return next((row for row in self._reviews(transaction) if row.decided_at is None), None)

    def _events(self, transaction: TransactionRow) -> list[tuple[WebhookEventRow, str, str]]:
        events = self.session.session.scalars(
            select(WebhookEventRow)
            .where(WebhookEventRow.our_reference == transaction.public_id)
            .order_by(WebhookEventRow.id)
            .limit(MOST_EVENTS)
        )
        return [(event, *EVENT_STATES[event.state]) for event in events]

    def _staff_checks(
        self, transaction: TransactionRow, names: Mapping[str, str]
    ) -> list[tuple[JournalRow, str]]:
        """Who asked the provider by hand, and what came of it."""
        rows = self.session.session.scalars(
            select(JournalRow)
            .where(
                JournalRow.subject == f"transaction:{transaction.public_id}",
                JournalRow.action == "transaction_checked",
            )
            .order_by(JournalRow.id)
            .limit(MOST_EVENTS)
        )
        return [(row, done_text(row, names)) for row in rows]

    def _found(self, public_id: str) -> TransactionRow:
        transaction = self.find_row(
            public_id, joinedload(TransactionRow.order), selectinload(TransactionRow.evidence)
        )
        if not isinstance(transaction, TransactionRow):
            abort(404)
        return transaction

    def _link(self, transaction: TransactionRow) -> Markup:
        address = review_address(transaction.public_id)
        return cells.with_small_print(
            cells.link(transaction.public_id, address), transaction.provider_reference
        )

    def _provider(self, transaction: TransactionRow) -> str:
        code = transaction.provider_code
        return provider_names(self.session.session).get(code, code)


def _require(permission: Permission) -> None:
    if not staff_may(permission):
        abort(403)
