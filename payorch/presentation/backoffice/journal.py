"""The journal: who changed what, when, why, from what to what. Read-only like the table itself."""

import json
from collections.abc import Mapping
from typing import ClassVar

from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup

from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import TextFilter
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.page_context import utc_time


class JournalView(KeysetListView):
    required_permission = Permission.READ_JOURNAL
    column_list = ("created_at", "actor", "action", "subject", "reason", "changes")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "reason": "text",
        "changes": "text",
    }
    exact_filters = (
        TextFilter(name="subject", label="Subject", column=JournalRow.subject),
        TextFilter(name="actor", label="Who", column=JournalRow.actor),
        TextFilter(name="action", label="Action", column=JournalRow.action),
        *time_filters(JournalRow.created_at),
    )

    def __init__(self, session: SQLAlchemy) -> None:
        self.column_labels = {"created_at": "Time", "actor": "Who"}
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
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


def changes(row: JournalRow) -> Markup | str:
    """Both states, folded up: they may be long."""
    if row.before is None and row.after is None:
        return "-"
    parts = [
        Markup("<dt>{}</dt><dd><pre>{}</pre></dd>").format(label, _as_text(state))
        for label, state in (("Before", row.before), ("After", row.after))
        if state is not None
    ]
    return Markup("<details><summary>Show</summary><dl>{}</dl></details>").format(
        Markup("").join(parts)
    )


def _as_text(state: object) -> str:
    return json.dumps(state, indent=2, ensure_ascii=False, sort_keys=True)
