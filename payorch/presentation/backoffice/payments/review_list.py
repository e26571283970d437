"""The list of reviews: how each payment stands, and what the list can be narrowed to."""

from collections.abc import Sequence
from typing import Any

from flask import g
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES
from payorch.infrastructure.persistence.tables.reviews import ReviewRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.notices.work_queues import in_review
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_filters import amount_filters
from payorch.presentation.backoffice.payments.review_page import proposal_parts
from payorch.presentation.backoffice.provider_names import provider_choices
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, typed


def remember_reviews(session: Any, transactions: Sequence[TransactionRow]) -> None:
    """Read the last proposal about each of them, in one look for the whole page."""
    rows = session.scalars(
        select(ReviewRow)
        .where(ReviewRow.transaction_id.in_([row.id for row in transactions]))
        .order_by(ReviewRow.id)
    )
    g.last_reviews = {row.transaction_id: row for row in rows}


def where_it_stands(transaction: TransactionRow) -> Markup | str:
    """Who has proposed what, and who decided; by what `remember_reviews` has read."""
    review: ReviewRow | None = g.get("last_reviews", {}).get(transaction.id)
    if review is None:
        return "Nobody has proposed anything yet"
    proposal = proposal_parts([review])[0]
    names = f"“{proposal.conclusion}” by {proposal.proposed_by}"
    if proposal.decided_by:
        names += f", decided by {proposal.decided_by}"
    return cells.with_small_print(cells.badge(proposal.state, proposal.tone), names)


def review_filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="state",
            label="State",
            choices=lambda: [("open", "To review"), ("settled", "Settled")],
            where=_in_state,
        ),
        ChoiceFilter(
            name="provider",
            label="Provider",
            choices=lambda: provider_choices(session.session),
            where=lambda code: typed(TransactionRow.provider_code == code),
        ),
        *amount_filters(TransactionRow.currency, TransactionRow.amount_minor),
    )


def _in_state(value: str) -> ColumnElement[bool]:
    if value == "open":
        return typed(in_review())
    return typed(TransactionRow.status.not_in(OPEN_TRANSACTION_STATUSES))
