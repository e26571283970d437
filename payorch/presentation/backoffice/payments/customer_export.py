"""Orders as CSV with their customers' names and addresses: for a reason, asked by a form.

The plain file has both masked. This one is another way, not a switch of that address: a link that
somebody was sent must not take customers away.
"""

from collections.abc import Iterator
from typing import Any

from flask import Response, abort, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import ReasonRequired, SecretUnreadable
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.payments.payment_exports import ORDER_CELLS
from payorch.presentation.backoffice.payments.shown_customer import UNREADABLE
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.exact_filters import InvalidFilter
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.csv_lines import csv_line
from payorch.presentation.export_cells import Cell, csv_text
from payorch.presentation.services import services

NAME, EMAIL = "customer_name", "customer_email"
"""The columns that are masked in the plain file."""


class CustomerExportPages(ExportedListView):
    """Mixed into the view of orders."""

    def render(self, template: str, **context: Any) -> str:
        page: str = super().render(template, may_export_customers=self._may(), **context)
        return page

    @expose("/with-customers")
    def customer_export_page(self) -> ResponseReturnValue:
        if not self._may():
            abort(403)
        return self._export_form(ListCriteria.from_args(request.args, self.exact_filters))

    @expose("/with-customers", methods=["POST"])
    def customer_export(self) -> ResponseReturnValue:
        if not self._may():
            abort(403)
        if (question := identity_question(self)) is not None:
            return question
        criteria = ListCriteria.from_args(request.form, self.exact_filters).from_start()
        try:
            matching = self.matching(criteria)
            services().reveal_customers.of_list(
                self.export_name,
                filters=criteria.journalled(),
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
                address=request.remote_addr or "",
            )
        except (InvalidFilter, ReasonRequired) as problem:
            return self._export_form(criteria, str(problem)), 422
        order = self._order_columns(criteria)
        return Response(
            stream_with_context(self._lines_with_customers(matching, order)),
            mimetype="text/csv",
            headers={
                "Content-Disposition": "attachment; filename="
                f'"payorch-orders-with-customers-{services().clock.now():%Y%m%dT%H%M%S}.csv"'
            },
        )

    def _may(self) -> bool:
        return staff_may(Permission.REVEAL_CUSTOMERS) and staff_may(self.export_permission)

    def _export_form(self, criteria: ListCriteria, problem: str = "") -> str:
        criteria = criteria.from_start()
        page: str = self.render(
            "backoffice/customer_export.html",
            filters=criteria.query_args(),
            chips=self._chips(criteria),
            back=self._address(criteria),
            most=MAX_REASON_LENGTH,
            problem=problem,
        )
        return page

    def _lines_with_customers(self, matching: Any, order: Any) -> Iterator[str]:
        yield csv_line(tuple(ORDER_CELLS))
        for rows in self._pages(matching, order):
            yield "".join(csv_line(map(csv_text, _cells(row))) for row in rows)


def _cells(order: OrderRow) -> list[Cell]:
    cells = {name: cell(order) for name, cell in ORDER_CELLS.items()}
    return list({**cells, **_customer(order)}.values())


def _customer(order: OrderRow) -> dict[str, str]:
    try:
        customer = services().personal_data.customer_of(order)
    except SecretUnreadable:
        return {NAME: UNREADABLE, EMAIL: UNREADABLE}
    if customer is None:
        return {}
    return {NAME: customer.name, EMAIL: customer.email}
