"""The list of customers, and the page of one.

A customer is an e-mail address: there is no table of them, and a payment writes nothing for this
list. A line is the newest order of its address, so pages are cut like those of orders; what the
customer bought is added up for the lines of the page (docs/adr/0030-customers-without-a-table.md).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, g
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased, selectinload

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.customers.customer_erasure import CustomerErasurePages
from payorch.presentation.backoffice.customers.customer_figures import (
    CustomerFigures,
    figures_of,
    money_text,
    plain_money_text,
)
from payorch.presentation.backoffice.notices.work_queues import flag_waits
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.order_badge import order_badge
from payorch.presentation.backoffice.payments.order_refunds import refunded_text
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, TextFilter, typed
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import ListPage
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.countries import country_name
from payorch.presentation.export_cells import Cell
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

MOST_ORDERS = 20
"""On the page of one customer; the list of orders has all of them, page by page."""

_KEY = re.compile(r"[0-9a-f]{32}")
_LATER = aliased(OrderRow)

# Not NOT EXISTS: either database then reads one entry of the index for each order, the last one of
# its address, and none of them is led to join all orders with all others (figures in ADR 30).
_IS_LAST = typed(
    OrderRow.id
    == select(func.max(_LATER.id))
    .where(_LATER.customer_email_index == OrderRow.customer_email_index)
    .correlate(OrderRow)
    .scalar_subquery()
)


class CustomersView(ExportedListView, CustomerErasurePages):
    """Rows are the newest order of each address."""

    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_PAYMENTS
    export_name = "customers"
    export_columns = (
        "customer",
        "customer_name",
        "customer_email",
        "country",
        "orders",
        "first_order_at",
        "last_order_at",
        "paid",
        "refunded",
    )
    search_hint = "The whole e-mail address"
    column_list = (
        "created_at",
        "customer",
        "country",
        "orders",
        "paid",
        "refunded",
        "first_order",
    )
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "customer": "text",
        "orders": "number",
        "paid": "amount",
        "refunded": "amount",
        "first_order": "time",
    }
    exact_filters = (
        TextFilter(name="country", label="Country (code)", column=OrderRow.country),
        ChoiceFilter(
            name="flag",
            label="Flag",
            choices=lambda: [("open", "Not dealt with"), ("any", "Any flag")],
            where=lambda value: _has_order(
                flag_waits() if value == "open" else typed(OrderRow.flag.is_not(None))
            ),
        ),
        *time_filters(OrderRow.created_at),
    )

    def __init__(self, session: SQLAlchemy) -> None:
        self.column_labels = {"created_at": "Last order", "first_order": "First order"}
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
            "customer": shown_as(self._customer),
            "country": shown_as(lambda row: row.country),
            "orders": shown_as(lambda row: f"{_figures(row).orders:,}"),
            "paid": shown_as(lambda row: money_text(_figures(row).paid)),
            "refunded": shown_as(lambda row: money_text(_figures(row).refunded)),
            "first_order": shown_as(lambda row: utc_time(_figures(row).first_at)),
        }
        super().__init__(
            OrderRow,
            session,
            name="Customers",
            category="Payments",
            endpoint=cells.CUSTOMERS_ENDPOINT,
            url="customers",
        )

    def get_query(self) -> Any:
        return (
            super().get_query().filter(typed(OrderRow.customer_email_index.is_not(None)), _IS_LAST)
        )

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's signature
        """A page goes on from its last order also when its customer has bought again meanwhile."""
        key = self._parsed_key(id)
        found = select(OrderRow).where(OrderRow.public_id == key[1]) if key else None
        return None if found is None else self.session.session.scalar(found)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        index = services().personal_data.email_index(text)
        return typed(OrderRow.customer_email_index == index)

    def read_page(self, criteria: ListCriteria) -> ListPage:
        page = super().read_page(criteria)
        g.customer_figures = self._figures_of(page.rows)
        return page

    def export_cells(self, rows: Sequence[OrderRow]) -> Iterable[Sequence[Cell]]:
        figures = self._figures_of(rows)
        for row in rows:
            one, shown = _figures_in(figures, row), shown_customer(row)
            yield (
                str(row.customer_email_index),
                shown.name or shown.note or "",
                shown.email or "",
                row.country,
                one.orders,
                f"{one.first_at:%Y-%m-%dT%H:%M:%SZ}",
                f"{one.last_at:%Y-%m-%dT%H:%M:%SZ}",
                plain_money_text(one.paid),
                plain_money_text(one.refunded),
            )

    @expose("/<key>")
    def customer_page(self, key: str) -> ResponseReturnValue:
        orders = self._orders_of(key)
        one = _figures_in(self._figures_of(orders[:1]), orders[0])
        page: str = self.render(
            "backoffice/customer.html",
            key=key,
            customer=shown_customer(orders[0]),
            country=country_name(orders[0].country, "en"),
            figures=one,
            paid=money_text(one.paid),
            refunded=money_text(one.refunded),
            orders=[
                (
                    order,
                    cells.order_address(order.public_id),
                    format_money(order.amount_minor, order.currency),
                    refunded_text(order),
                    order_badge(order),
                )
                for order in orders
            ],
            may_erase=staff_may(Permission.ERASE_CUSTOMERS),
            may_reveal=staff_may(Permission.REVEAL_CUSTOMERS),
        )
        return page

    def _orders_of(self, key: str) -> Sequence[OrderRow]:
        """The newest orders of the customer; 404 where there is none."""
        if not _KEY.fullmatch(key):
            abort(404)
        orders: Sequence[OrderRow] = self.session.session.scalars(
            select(OrderRow)
            .where(OrderRow.customer_email_index == key)
            .order_by(OrderRow.id.desc())
            .limit(MOST_ORDERS)
            .options(selectinload(OrderRow.refunds), selectinload(OrderRow.transactions))
        ).all()
        if not orders:
            abort(404)
        return orders

    def _figures_of(self, rows: Sequence[OrderRow]) -> Mapping[str, CustomerFigures]:
        keys = {str(row.customer_email_index) for row in rows}
        return figures_of(self.session.session, keys)

    def _customer(self, row: OrderRow) -> Markup:
        shown = shown_customer(row)
        name = shown.name or shown.note or "-"
        address = cells.customer_address(str(row.customer_email_index))
        return cells.with_small_print(cells.link(name, address), shown.email)


def _figures(row: OrderRow) -> CustomerFigures:
    return _figures_in(g.customer_figures, row)


def _figures_in(found: Mapping[str, CustomerFigures], row: OrderRow) -> CustomerFigures:
    """Of the row alone, if its customer was erased since the row was read."""
    one = found.get(str(row.customer_email_index))
    return one or CustomerFigures(1, row.created_at, row.created_at)


def _has_order(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Customers with such an order, whichever it is: flagged ones are few, and have an index."""
    such = select(OrderRow.customer_email_index).where(condition).correlate(None)
    return typed(OrderRow.customer_email_index.in_(such))
