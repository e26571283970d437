"""The list of e-mails, the page of one, and sending one to a customer again."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from payorch.application.notices import ALERT_KIND, NoticeEvent
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import NoticeNotFound, ReasonRequired
from payorch.infrastructure.persistence.tables.notices import NoticeRow, NoticeState
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.notices.letter_texts import (
    KINDS,
    LETTERS_ENDPOINT,
    STATES,
    kind_text,
    letter_address,
    shown_letter,
)
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import (
    ChoiceFilter,
    ExactFilter,
    InvalidFilter,
    typed,
)
from payorch.presentation.backoffice.shell.exact_search import (
    MAX_SEARCH_LENGTH,
    by_email,
    keys_found,
)
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView, SavedView
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services, settings


class RecipientFilter(ExactFilter):
    """One address; letters from before the sealing have it in the clear."""

    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:  # noqa: ARG002 - the others matter to amounts only
        if len(value) > MAX_SEARCH_LENGTH:
            raise InvalidFilter(f"{self.label}: this text is too long.")
        index = services().personal_data.email_index(value)
        return or_(NoticeRow.recipient_index == index, NoticeRow.recipient == value)


class LettersView(KeysetListView):
    required_permission = Permission.READ_PAYMENTS
    search_hint = "E-mail address, order or letter"
    column_list = ("created_at", "kind", "recipient", "order", "state", "error")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "order": "id",
        "error": "text",
    }
    exact_filters = (
        ChoiceFilter(
            name="state",
            label="State",
            choices=lambda: [(state.value, text) for state, (text, _) in STATES.items()],
            where=lambda value: typed(NoticeRow.state == NoticeState(value)),
        ),
        ChoiceFilter(
            name="kind",
            label="Kind",
            choices=lambda: [(str(kind), text) for kind, text in KINDS.items()],
            where=lambda value: typed(NoticeRow.kind == value),
        ),
        RecipientFilter(name="to", label="To"),
        *time_filters(NoticeRow.created_at),
    )

    def __init__(self, session: SQLAlchemy) -> None:
        self.column_labels = {"created_at": "Time", "kind": "Letter", "recipient": "To"}
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
            "kind": shown_as(
                lambda row: cells.with_small_print(
                    cells.link(kind_text(row.kind), letter_address(row)), shown_letter(row).subject
                )
            ),
            "recipient": shown_as(lambda row: shown_letter(row).recipient),
            "order": shown_as(_order),
            "state": shown_as(lambda row: cells.badge(*STATES[row.state])),
            "error": shown_as(lambda row: row.error or "-"),
        }
        super().__init__(
            NoticeRow,
            session,
            name="E-mails",
            category="Records",
            endpoint=LETTERS_ENDPOINT,
            url="emails",
        )

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Waiting", {"state": NoticeState.QUEUED.value}),
            SavedView("Failed", {"state": NoticeState.FAILED.value}),
            SavedView("Receipts", {"kind": NoticeEvent.PAID.value}),
            SavedView("Staff alerts", {"kind": ALERT_KIND}),
        )

    def loading(self) -> Sequence[Any]:
        return (joinedload(NoticeRow.order),)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        letters = select(NoticeRow.id)
        of_orders = letters.join(OrderRow, NoticeRow.order_id == OrderRow.id)
        return NoticeRow.id.in_(
            keys_found(
                text,
                [
                    (letters, NoticeRow.recipient),
                    by_email(letters, NoticeRow.recipient_index, text),
                    (letters, NoticeRow.public_id),
                    (of_orders, OrderRow.public_id),
                ],
            )
        )

    @expose("/<public_id>")
    def letter_page(self, public_id: str) -> ResponseReturnValue:
        letter = self._found(public_id)
        state, tone = STATES[letter.state]
        shown = shown_letter(letter)
        may_resend = (
            letter.kind != ALERT_KIND
            and shown.problem is None
            and staff_may(Permission.RESEND_LETTERS)
        )
        page: str = self.render(
            "backoffice/letter.html",
            letter=letter,
            kind=kind_text(letter.kind),
            state=state,
            tone=tone,
            shown=shown,
            order_address=cells.order_address(letter.order.public_id) if letter.order else None,
            may_resend=may_resend,
            is_outbox=settings().mail_backend == "outbox",
            # One key per page: a second press of the button is the same wish.
            key=secrets.token_urlsafe(16),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    @expose("/<public_id>/resend", methods=["POST"])
    def resend(self, public_id: str) -> ResponseReturnValue:
        if not staff_may(Permission.RESEND_LETTERS):
            abort(403)
        try:
            again = services().resend_notice.execute(
                self._found(public_id).public_id,
                key=request.form.get("key", ""),
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
            )
        except NoticeNotFound:
            abort(404)
        except ReasonRequired as error:
            flash(error.message, "error")
            return redirect(url_for(f"{self.endpoint}.letter_page", public_id=public_id), code=303)
        flash("The letter is on its way again: this is the copy.", "success")
        return redirect(url_for(f"{self.endpoint}.letter_page", public_id=again.id), code=303)

    def _found(self, public_id: str) -> NoticeRow:
        letter = self.find_row(public_id, joinedload(NoticeRow.order))
        if not isinstance(letter, NoticeRow):
            abort(404)
        return letter


def _order(letter: NoticeRow) -> Markup | str:
    return cells.order_link(letter.order) if letter.order else "-"
