"""The page on which finance says what a report's columns mean, and starts it."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.settlement_file import DELIMITERS, Sample
from payorch.domain.errors import (
    InvalidSettlementMapping,
    SettlementFileRefused,
    SettlementImportChanged,
)
from payorch.infrastructure.persistence.tables.settlements import SettlementImportRow
from payorch.presentation.backoffice.reconciliation.mapping_form import (
    COLUMN_FIELDS,
    MappingForm,
    kind_fields,
)
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    AMOUNT_STYLES,
    DATE_STYLES,
)
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.services import services


class ColumnPages(KeysetListView):
    """Mixed into the view of the reports, so that the pages stand under its address."""

    def found(self, key: str) -> SettlementImportRow:
        raise NotImplementedError

    @staticmethod
    def require_reconciler() -> None:
        raise NotImplementedError

    @expose("/<key>/columns")
    def columns_page(self, key: str) -> ResponseReturnValue:
        self.require_reconciler()
        report = self.found(key)
        kept = services().receive_settlement.proposed(report.provider_code)
        wanted = request.args.get("delimiter")
        if wanted is None and kept is not None:
            wanted = kept.delimiter
        try:
            sample = services().receive_settlement.sample(report.id, wanted)
            if kept is not None and len(sample.header) < 2 and "delimiter" not in request.args:
                # Not parted as the last one was: find out how.
                sample = services().receive_settlement.sample(report.id)
        except (SettlementFileRefused, SettlementImportChanged) as error:
            flash(error.message, "error")
            return self._back(report)
        if kept is not None and kept.mapping.fits(sample.header):
            form, origin = MappingForm.of(kept.mapping), f"As in version {kept.version}."
        else:
            form, origin = MappingForm.guessed(sample.header), "Guessed from the header."
            if kept is not None:
                origin += " The columns that were used last do not fit this file."
        return self._page(report, sample, form, origin=origin)

    @expose("/<key>/columns", methods=["POST"])
    def start(self, key: str) -> ResponseReturnValue:
        self.require_reconciler()
        report = self.found(key)
        delimiter = request.form.get("delimiter", "")
        form = MappingForm.posted(request.form)
        receive = services().receive_settlement
        try:
            receive.start(
                report.id, form.mapping(), delimiter=delimiter, actor=current_staff().email
            )
        except InvalidSettlementMapping as error:
            sample = receive.sample(report.id, delimiter)
            return self._page(report, sample, form, problem=error.message), 422
        except (SettlementFileRefused, SettlementImportChanged) as error:
            flash(error.message, "error")
            return self._back(report)
        flash("The report is being read.", "success")
        return self._back(report)

    def _page(
        self,
        report: SettlementImportRow,
        sample: Sample,
        form: MappingForm,
        *,
        origin: str = "",
        problem: str = "",
    ) -> str:
        page: str = self.render(
            "backoffice/settlement_columns.html",
            report=report,
            sample=sample,
            delimiters=DELIMITERS,
            form=form,
            fields=COLUMN_FIELDS,
            kinds=kind_fields(form),
            amount_styles=AMOUNT_STYLES,
            date_styles=DATE_STYLES,
            origin=origin,
            problem=problem,
        )
        return page

    @staticmethod
    def _back(report: SettlementImportRow) -> ResponseReturnValue:
        return redirect(url_for(".report_page", key=report.id), code=303)
