"""The page on which an auditor takes the journal away as a file; doing so is journalled.

It asks with POST, because an address that somebody was sent must not make an entry.
"""

from datetime import UTC, datetime

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.journal_archive import ExportJournal
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import ReasonRequired
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.journal_files import JOURNAL_FORMATS, journal_file
from payorch.presentation.services import services


class BadTime(Exception):
    """A text that is no time; the message is for the person who typed it."""


class JournalExportPages(KeysetListView):
    """Mixed into the journal's view, so that the pages stand under its address."""

    def may_export(self) -> bool:
        return staff_may(Permission.EXPORT_JOURNAL)

    @expose("/export")
    def export_page(self) -> ResponseReturnValue:
        self._require_export()
        return self._page()

    @expose("/export", methods=["POST"])
    def export_file(self) -> ResponseReturnValue:
        self._require_export()
        if (question := identity_question(self)) is not None:
            return question
        form = request.form.get("format", "")
        if form not in JOURNAL_FORMATS:
            abort(400)
        try:
            command = ExportJournal(
                since=_moment("since"),
                until=_moment("until"),
                form=form,
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
            )
            entries = services().journal.export(command)
        except (BadTime, ReasonRequired) as problem:
            return self._page(str(problem)), 422
        now = services().clock.now()
        return Response(
            journal_file(form, entries),
            mimetype=JOURNAL_FORMATS[form],
            headers={
                "Content-Disposition": (
                    f'attachment; filename="payorch-journal-{now:%Y%m%dT%H%M%S}.{form}"'
                ),
                "Cache-Control": "no-store",
            },
        )

    def _page(self, problem: str = "") -> str:
        page: str = self.render(
            "backoffice/journal_export.html",
            head=services().journal.head(),
            formats=sorted(JOURNAL_FORMATS),
            most=MAX_REASON_LENGTH,
            problem=problem,
            typed=request.form,
        )
        return page

    def _require_export(self) -> None:
        if not self.may_export():
            abort(403)


def _moment(field: str) -> datetime | None:
    """None where nothing was typed. Raises BadTime."""
    text = request.form.get(field, "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadTime("Write a time such as 2026-03-01T12:30.") from None
