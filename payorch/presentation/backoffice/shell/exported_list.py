"""A list that can be taken away as CSV or XLSX: exactly its filter, page by page, journalled.

However long the list is, a thousand of its rows are in memory at a time.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar

from flask import Response, abort, flash, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.exact_filters import InvalidFilter
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView, beyond
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.csv_lines import csv_line
from payorch.presentation.export_cells import Cell, csv_text
from payorch.presentation.services import services
from payorch.presentation.workbook import MAX_ROWS, XLSX, in_chunks, workbook_of

ROWS_AT_ONCE = 1_000


class ExportedListView(KeysetListView):
    """Newest rows first. A subclass says who may, what the file is called, and what is in it."""

    export_permission: ClassVar[Permission]
    export_name: ClassVar[str]
    export_columns: ClassVar[Sequence[str]]

    def export_cells(self, rows: Sequence[Any]) -> Iterable[Sequence[Cell]]:
        """The lines of these rows, which know amounts from texts."""
        raise NotImplementedError(f"{type(self).__name__} says nothing about its rows.")

    def render(self, template: str, **context: Any) -> str:
        """The list also has the way to take it away."""
        if template == self.list_template:
            may_export = staff_may(self.export_permission) and context["problem"] is None
            criteria: ListCriteria = context["criteria"]
            context["export_args"] = criteria.from_start().query_args() if may_export else None
        page: str = super().render(template, **context)
        return page

    def matching(self, criteria: ListCriteria) -> Any:
        """The query of the list. Raises InvalidFilter."""
        return self.get_query().filter(*self._conditions(criteria))

    @expose("/export.csv")
    def export(self) -> ResponseReturnValue:
        criteria, matching = self._asked()
        self._journal(self.export_name, criteria)
        return Response(
            stream_with_context(self._lines(matching, self._order_columns(criteria))),
            mimetype="text/csv",
            headers=self._as_file("csv"),
        )

    @expose("/export.xlsx")
    def export_xlsx(self) -> ResponseReturnValue:
        """The same rows and columns; the way back to the list where there are too many."""
        criteria, matching = self._asked()
        order = self._order_columns(criteria)
        if matching.with_entities(order[-1]).limit(MAX_ROWS + 1).count() > MAX_ROWS:
            flash(
                f"There are more than {MAX_ROWS:,} here: too many for a workbook. "
                "Set a filter, such as a time, or take the CSV.",
                "error",
            )
            return redirect(self._address(criteria), code=303)
        self._journal(f"{self.export_name} (XLSX)", criteria)
        with closing(self._pages(matching, order)) as pages:
            lines = (cells for rows in pages for cells in self.export_cells(rows))
            file = workbook_of(self.export_columns, lines)
        response = Response(in_chunks(file), mimetype=XLSX, headers=self._as_file("xlsx"))
        response.call_on_close(file.close)
        return response

    def _asked(self) -> tuple[ListCriteria, Any]:
        """The list from its start, and its query."""
        if not staff_may(self.export_permission):
            abort(403)
        criteria = ListCriteria.from_args(request.args, self.exact_filters).from_start()
        try:
            return criteria, self.matching(criteria)
        except InvalidFilter:
            abort(422)

    def _journal(self, what: str, criteria: ListCriteria) -> None:
        services().record_access.figures_exported(
            current_staff().email,
            chart=what,
            query=criteria.journalled(),
            address=request.remote_addr or "",
        )

    def _as_file(self, ending: str) -> dict[str, str]:
        name = f"payorch-{self.export_name.replace(' ', '-')}"
        moment = f"{services().clock.now():%Y%m%dT%H%M%S}"
        return {"Content-Disposition": f'attachment; filename="{name}-{moment}.{ending}"'}

    def _lines(self, matching: Any, order: Sequence[Any]) -> Iterator[str]:
        yield csv_line(self.export_columns)
        for rows in self._pages(matching, order):
            yield "".join(csv_line(map(csv_text, cells)) for cells in self.export_cells(rows))

    def _pages(self, matching: Any, order: Sequence[Any]) -> Generator[Sequence[Any], None, None]:
        try:
            yield from self._read_pages(matching, order)
        finally:
            # The request has ended its session before the file is written, and the query goes on
            # with it: nobody else gives its connection back, nor that of what the lines looked up.
            matching.session.close()
            self.session.session.remove()

    def _read_pages(self, matching: Any, order: Sequence[Any]) -> Iterator[Sequence[Any]]:
        newest_first = matching.order_by(*(column.desc() for column in order))
        rows: Sequence[Any] = ()
        while True:
            following = newest_first
            if rows:
                following = newest_first.filter(beyond(order, rows[-1], older=True))
            rows = following.limit(ROWS_AT_ONCE).options(*self.loading()).all()
            if not rows:
                return
            yield rows
            # Else every row that was written out would be kept until the end.
            matching.session.expunge_all()
