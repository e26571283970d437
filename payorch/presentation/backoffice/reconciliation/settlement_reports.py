"""The list of settlement reports, the upload, and the page of one with how far it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup

from payorch.application.settlement_reports import RUNNING_STATES, ImportState
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import (
    PaymentMethodNotFound,
    PayorchError,
    SettlementFileRefused,
    SettlementImportChanged,
)
from payorch.infrastructure.persistence.tables.settlements import SettlementImportRow
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_choices, provider_names
from payorch.presentation.backoffice.reconciliation.column_pages import ColumnPages
from payorch.presentation.backoffice.reconciliation.report_page import report_page
from payorch.presentation.backoffice.reconciliation.settlement_texts import IMPORT_STATES
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, typed
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

REPORTS_ENDPOINT = "settlement_reports"
UPLOAD_ENDPOINT = f"{REPORTS_ENDPOINT}.upload"
_MB = 1024 * 1024


class SettlementReportsView(ColumnPages):
    required_permission = Permission.READ_PAYMENTS
    list_template = "backoffice/settlement_reports.html"
    time_column = "uploaded_at"
    column_list = (
        "uploaded_at",
        "file_name",
        "provider_code",
        "state",
        "rows_read",
        "differences",
        "period",
    )
    column_kinds: ClassVar[Mapping[str, str]] = {
        "uploaded_at": "time",
        "file_name": "id",
        "rows_read": "number",
        "differences": "number",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = (
            ChoiceFilter(
                name="provider",
                label="Provider",
                choices=lambda: provider_choices(session.session),
                where=lambda code: typed(SettlementImportRow.provider_code == code),
            ),
            ChoiceFilter(
                name="state",
                label="State",
                choices=lambda: [(state.value, text) for state, (text, _) in _SHOWN.items()],
                where=lambda value: typed(SettlementImportRow.state == ImportState(value)),
            ),
        )
        self.column_labels = {
            "uploaded_at": "Uploaded",
            "file_name": "File",
            "provider_code": "Provider",
            "rows_read": "Lines",
            "differences": "Differences",
            "period": "Settled",
        }
        self.column_formatters = {
            "uploaded_at": shown_as(lambda row: utc_time(row.uploaded_at)),
            "file_name": shown_as(self._file),
            "provider_code": shown_as(self._provider),
            "state": shown_as(lambda row: cells.badge(*IMPORT_STATES[ImportState(row.state)])),
            "rows_read": shown_as(lambda row: f"{row.rows_read:,}"),
            "differences": shown_as(lambda row: f"{row.differences:,}"),
            "period": shown_as(period_text),
        }
        super().__init__(
            SettlementImportRow,
            session,
            name="Settlement reports",
            category="Reconciliation",
            endpoint=REPORTS_ENDPOINT,
            url="settlement-reports",
        )

    def get_query(self) -> Any:
        """Without uploads that broke off: of them there is nothing to see."""
        return super().get_query().filter(SettlementImportRow.state != ImportState.UPLOADING)

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Waiting", {"state": ImportState.UPLOADED.value}),
            SavedView("Imported", {"state": ImportState.DONE.value}),
        )

    def render(self, template: str, **context: Any) -> str:
        """The list also has the form to upload, for those who may."""
        context["may_reconcile"] = staff_may(Permission.RECONCILE_SETTLEMENTS)
        if template == self.list_template:
            context["accounts"] = [
                (methods[0].code, ", ".join(method.display_name for method in methods))
                for methods in services().receive_settlement.accounts()
            ]
            context["max_mb"] = services().receive_settlement.max_bytes // _MB
            context.setdefault("upload_problem", "")
        page: str = super().render(template, **context)
        return page

    @expose("/upload")
    def upload_page(self) -> ResponseReturnValue:
        return redirect(url_for(f"{self.endpoint}.index_view"))

    @expose("/upload", methods=["POST"])
    def upload(self) -> ResponseReturnValue:
        self.require_reconciler()
        file = request.files.get("file")
        if file is None or not file.filename:
            return self._refused("Choose a file first.")
        try:
            uploaded = services().receive_settlement.upload(
                request.form.get("provider", ""),
                file_name=file.filename,
                stream=file.stream,  # type: ignore[arg-type]  # Werkzeug's reads and rewinds, too
                actor=current_staff().email,
            )
        except (SettlementFileRefused, SettlementImportChanged) as error:
            return self._refused(error.message)
        except PaymentMethodNotFound:
            return self._refused("Choose the provider whose report it is.")
        if uploaded.is_known:
            flash("This very file was uploaded before: here it is. Nothing was done.", "info")
        endpoint = "report_page" if uploaded.is_known else "columns_page"
        return redirect(url_for(f".{endpoint}", key=uploaded.import_id), code=303)

    @expose("/<key>")
    def report_page(self, key: str) -> ResponseReturnValue:
        report = self.found(key)
        page: str = self.render(
            "backoffice/settlement_report.html",
            report=report,
            page=report_page(self.session.session, report, services().clock.now()),
            provider=self._provider(report),
            period=period_text(report),
        )
        return page

    @expose("/<key>/again", methods=["POST"])
    def run_again(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().receive_settlement.run_again, "It goes on.")

    @expose("/<key>/discard", methods=["POST"])
    def discard(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().receive_settlement.discard, "The file was discarded.")

    @expose("/<key>/undo")
    def undo_page(self, key: str) -> ResponseReturnValue:
        """Says what goes with the report; nothing happens yet."""
        self.require_reconciler()
        return self._undo_page(self.found(key))

    @expose("/<key>/undo", methods=["POST"])
    def undo(self, key: str) -> ResponseReturnValue:
        self.require_reconciler()
        report = self.found(key)
        try:
            services().undo_settlement.start(
                report.id, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except PayorchError as error:
            return self._undo_page(report, problem=f"{error.message} Nothing was done."), 422
        flash("It is being taken back.", "success")
        return redirect(url_for(".report_page", key=report.id), code=303)

    def _undo_page(self, report: SettlementImportRow, problem: str | None = None) -> str:
        page: str = self.render(
            "backoffice/settlement_undo.html",
            report=report,
            provider=self._provider(report),
            is_imported=report.state == ImportState.DONE,
            problem=problem,
            typed=request.form,
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    def _act(self, key: str, action: Callable[..., None], done: str) -> ResponseReturnValue:
        self.require_reconciler()
        report = self.found(key)
        try:
            action(report.id, actor=current_staff().email)
        except PayorchError as error:
            flash(error.message, "warning")
        else:
            flash(done, "success")
        return redirect(url_for(".report_page", key=report.id), code=303)

    def _refused(self, problem: str) -> ResponseReturnValue:
        flash(problem, "error")
        return redirect(url_for(f"{self.endpoint}.index_view"), code=303)

    def found(self, key: str) -> SettlementImportRow:
        report = self.find_row(key)
        if not isinstance(report, SettlementImportRow):
            abort(404)
        return report

    @staticmethod
    def require_reconciler() -> None:
        if not staff_may(Permission.RECONCILE_SETTLEMENTS):
            abort(403)

    def _file(self, report: SettlementImportRow) -> Markup:
        address = url_for(f"{self.endpoint}.report_page", key=report.id)
        return cells.with_small_print(
            cells.link(report.file_name, address), f"by {report.uploaded_by}"
        )

    def _provider(self, report: SettlementImportRow) -> str:
        return provider_names(self.session.session).get(report.provider_code, report.provider_code)


_SHOWN = {state: text for state, text in IMPORT_STATES.items() if state != ImportState.UPLOADING}


def is_running(report: SettlementImportRow) -> bool:
    return report.state in RUNNING_STATES


def period_text(report: SettlementImportRow) -> str:
    if report.period_start is None or report.period_end is None:
        return "-"
    if report.period_start == report.period_end:
        return report.period_start.isoformat()
    return f"{report.period_start.isoformat()} to {report.period_end.isoformat()}"
