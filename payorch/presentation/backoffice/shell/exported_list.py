"""A list that can be taken away as CSV: exactly its filter, streamed page by page, journalled."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from flask import Response, abort, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.exact_filters import InvalidFilter
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView, beyond
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.csv_lines import csv_line
from payorch.presentation.services import services

ROWS_AT_ONCE = 1_000


class ExportedListView(KeysetListView):
    """Newest rows first. A subclass says who may, what the file is called, and what is in it."""

    export_permission: ClassVar[Permission]
    export_name: ClassVar[str]
    export_columns: ClassVar[Sequence[str]]

    def export_cells(self, rows: Sequence[Any]) -> Iterable[Sequence[str]]:
        """The lines of these rows; texts that others wrote are formula_safe."""
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
        if not staff_may(self.export_permission):
            abort(403)
        criteria = ListCriteria.from_args(request.args, self.exact_filters).from_start()
        try:
            matching = self.matching(criteria)
        except InvalidFilter:
            abort(422)
        services().record_access.figures_exported(
            current_staff().email,
            chart=self.export_name,
            query=criteria.journalled(),
            address=request.remote_addr or "",
        )
        file = self.export_name.replace(" ", "-")
        return Response(
            stream_with_context(self._lines(matching, self._order_columns(criteria))),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f"attachment; filename="
                f'"payorch-{file}-{services().clock.now():%Y%m%dT%H%M%S}.csv"'
            },
        )

    def _lines(self, matching: Any, order: Sequence[Any]) -> Iterator[str]:
        yield csv_line(self.export_columns)
        for rows in self._pages(matching, order):
            yield "".join(csv_line(cells) for cells in self.export_cells(rows))

    def _pages(self, matching: Any, order: Sequence[Any]) -> Iterator[Sequence[Any]]:
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
