"""The journal: who changed what, when, why, from what to what. Read-only like the table itself.

The whole of it is for admins and auditors. Whoever may read a thing may read its entries.
"""

import json
from collections.abc import Mapping
from typing import ClassVar

from flask import abort
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import select

from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.journal_export import JournalExportPages
from payorch.presentation.backoffice.journal_texts import done_text, subject_link
from payorch.presentation.backoffice.payments.payment_columns import with_small_print
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_names
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView, shown_as
from payorch.presentation.backoffice.shell.exact_filters import TextFilter
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.page_context import utc_time

ENTRIES_ENDPOINT = "entries"
MOST_ENTRIES = 200

READERS: Mapping[str, Permission] = {
    "order": Permission.READ_PAYMENTS,
    "settlement_difference": Permission.READ_PAYMENTS,
    "payment_method": Permission.READ_ROUTING,
}
"""Who may read the entries of a thing: those who may read the thing."""


class JournalView(JournalExportPages, OwnListView):
    list_template = "backoffice/journal.html"
    required_permission = Permission.READ_JOURNAL
    column_list = ("created_at", "actor", "action", "subject", "reason", "changes")
    more_columns = ("id", "hash")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "actor": "id",
        "action": "text",
        "subject": "id",
        "reason": "text",
        "changes": "text",
        "id": "number",
        "hash": "id",
    }
    exact_filters = (
        TextFilter(name="subject", label="Subject", column=JournalRow.subject),
        TextFilter(name="actor", label="Who", column=JournalRow.actor),
        TextFilter(name="action", label="Action (code)", column=JournalRow.action),
        *time_filters(JournalRow.created_at),
    )

    def __init__(self, session: SQLAlchemy) -> None:
        self.column_labels = {
            "created_at": "Time",
            "actor": "Who",
            "action": "What",
            "id": "Number",
        }
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
            "action": shown_as(self._done),
            "subject": shown_as(lambda row: subject_link(row.subject, self._names())),
            "changes": shown_as(changes),
        }
        super().__init__(
            JournalRow,
            session,
            name="Journal",
            category="Records",
            endpoint="backoffice_journal",
            url="journal",
        )

    def _done(self, row: JournalRow) -> Markup:
        return with_small_print(done_text(row, self._names()), row.action)

    def _names(self) -> Mapping[str, str]:
        return provider_names(self.session.session)


class EntriesView(BackofficeView):
    """The journal of one thing, reached from its page."""

    required_permission = Permission.READ_PAYMENTS

    def __init__(self, session: SQLAlchemy) -> None:
        self._session = session
        super().__init__(name="Entries", endpoint=ENTRIES_ENDPOINT, url="entries")

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Entries are always of something."""
        abort(404)

    @expose("/<kind>/<key>")
    def of_thing(self, kind: str, key: str) -> ResponseReturnValue:
        permission = READERS.get(kind)
        if permission is None or "\0" in key:
            abort(404)
        if not staff_may(permission):
            abort(403)
        session = self._session.session
        names = provider_names(session)
        rows = session.scalars(
            select(JournalRow)
            .where(JournalRow.subject.in_(self._subjects(kind, key)))
            .order_by(JournalRow.id.desc())
            .limit(MOST_ENTRIES)
        ).all()
        page: str = self.render(
            "backoffice/entries.html",
            thing=subject_link(f"{kind}:{key}", names),
            entries=[(row, done_text(row, names), changes(row)) for row in rows],
            most=MOST_ENTRIES,
        )
        return page

    def _subjects(self, kind: str, key: str) -> list[str]:
        """An order's entries are also those of its payments."""
        subjects = [f"{kind}:{key}"]
        if kind == "order":
            payments = (
                select(TransactionRow.public_id)
                .join(OrderRow, OrderRow.id == TransactionRow.order_id)
                .where(OrderRow.public_id == key)
            )
            found = self._session.session.scalars(payments)
            subjects += [f"transaction:{payment}" for payment in found]
        return subjects


def changes(row: JournalRow) -> Markup | str:
    """Both states, folded up: they may be long."""
    if row.before is None and row.after is None:
        return "-"
    parts = [
        Markup("<dt>{}</dt><dd><pre>{}</pre></dd>").format(label, _as_text(state))
        for label, state in (("Before", row.before), ("After", row.after))
        if state is not None
    ]
    return Markup('<details class="changes"><summary>Show</summary><dl>{}</dl></details>').format(
        Markup("").join(parts)
    )


def _as_text(state: object) -> str:
    return json.dumps(state, indent=2, ensure_ascii=False, sort_keys=True)
