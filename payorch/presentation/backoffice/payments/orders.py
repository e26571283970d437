"""The list of orders, and the page of one order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, current_app
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import selectinload

from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.notices.order_letters import order_letters
from payorch.presentation.backoffice.notices.work_queues import flag_waits
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.customer_export import CustomerExportPages
from payorch.presentation.backoffice.payments.erasure_pages import ErasurePages
from payorch.presentation.backoffice.payments.order_actions import (
    may_deal_with_flag,
    may_reopen_flag,
    order_actions,
)
from payorch.presentation.backoffice.payments.order_badge import order_badge
from payorch.presentation.backoffice.payments.order_events import order_events
from payorch.presentation.backoffice.payments.order_page import order_page
from payorch.presentation.backoffice.payments.order_proposal import waiting_refund
from payorch.presentation.backoffice.payments.order_refunds import order_refunds, refunded_text
from payorch.presentation.backoffice.payments.order_timeline import staff_entries, timeline
from payorch.presentation.backoffice.payments.payment_exports import ORDER_CELLS
from payorch.presentation.backoffice.payments.payment_filters import (
    amount_filters,
    start_of_today,
    time_filters,
)
from payorch.presentation.backoffice.payments.payment_texts import (
    FLAGS,
    ORDER_STATUSES,
    flag_text,
)
from payorch.presentation.backoffice.payments.payment_totals import ORDER_TOTALS
from payorch.presentation.backoffice.payments.reveal_pages import RevealPages
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_choices, provider_names
from payorch.presentation.backoffice.reconciliation.order_settlement import order_settlement
from payorch.presentation.backoffice.routing.order_decisions import sentences_of_order
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, TextFilter, typed
from payorch.presentation.backoffice.shell.exact_search import by_email, keys_found
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.backoffice.shell.list_totals import TotalledListView
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.export_cells import Cell
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time

ANY_FLAG, OPEN_FLAG = "any", "open"


class OrdersView(CustomerExportPages, TotalledListView, OwnListView, ErasurePages, RevealPages):
    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_PAYMENTS
    export_name = "orders"
    export_columns = tuple(ORDER_CELLS)
    summed_columns = ORDER_TOTALS
    search_hint = "Any id, reference or e-mail"
    column_list = (
        "created_at",
        "public_id",
        "description",
        "customer",
        "amount_minor",
        "refunded",
        "status",
        "path",
    )
    more_columns = ("merchant_reference", "country", "expires_at")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "created_at": "time",
        "public_id": "id",
        "description": "text",
        "customer": "text",
        "amount_minor": "amount",
        "refunded": "amount",
        "merchant_reference": "text",
        "expires_at": "time",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = _filters(session)
        self.column_labels = {
            "created_at": "Time",
            "public_id": "Order",
            "description": "For",
            "amount_minor": "Amount",
            "path": "Providers",
            "merchant_reference": "Reference",
            "expires_at": "Expires",
        }
        self.column_formatters = {
            "created_at": shown_as(lambda row: utc_time(row.created_at)),
            "public_id": shown_as(cells.order_link),
            "description": shown_as(cells.description),
            "customer": shown_as(cells.customer),
            "amount_minor": shown_as(lambda row: format_money(row.amount_minor, row.currency)),
            "refunded": shown_as(refunded_text),
            "status": shown_as(_status),
            "path": shown_as(self._path),
            "merchant_reference": shown_as(lambda row: row.merchant_reference or "-"),
            "expires_at": shown_as(lambda row: utc_time(row.expires_at)),
        }
        super().__init__(
            OrderRow,
            session,
            name="Orders",
            category="Payments",
            endpoint=cells.ORDERS_ENDPOINT,
            url="orders",
        )

    def export_cells(self, rows: Sequence[OrderRow]) -> Iterable[Sequence[Cell]]:
        return ([cell(row) for cell in ORDER_CELLS.values()] for row in rows)

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Confirming", {"status": PaymentStatus.PROCESSING.value}),
            SavedView("Needs attention", {"flag": OPEN_FLAG}),
            SavedView(
                "Paid today", {"status": PaymentStatus.PAID.value, "since": start_of_today()}
            ),
        )

    def loading(self) -> Sequence[Any]:
        return (selectinload(OrderRow.transactions), selectinload(OrderRow.refunds))

    def search_condition(self, text: str) -> ColumnElement[bool]:
        orders, transactions = select(OrderRow.id), select(TransactionRow.order_id)
        return OrderRow.id.in_(
            keys_found(
                text,
                [
                    (orders, OrderRow.public_id),
                    (orders, OrderRow.merchant_reference),
                    (orders, OrderRow.customer_email),
                    by_email(orders, OrderRow.customer_email_index, text),
                    (transactions, TransactionRow.public_id),
                    (transactions, TransactionRow.provider_reference),
                ],
            )
        )

    @expose("/<public_id>")
    def order_page(self, public_id: str) -> ResponseReturnValue:
        order = self.find_row(
            public_id,
            selectinload(OrderRow.submissions),
            selectinload(OrderRow.refunds),
            selectinload(OrderRow.transactions).selectinload(TransactionRow.evidence),
        )
        if order is None:
            abort(404)
        session, names = self.session.session, provider_names(self.session.session)
        page = order_page(order, names, sentences_of_order(OrderId(order.public_id), names))
        refunds, letters = order_refunds(order), order_letters(session, order.id)
        return self.render(
            "backoffice/order.html",
            order=order,
            customer=shown_customer(order),
            page=page,
            refunds=refunds,
            waiting_refund=waiting_refund(order.public_id),
            settled=order_settlement(session, order.id, names),
            timeline=timeline(
                order,
                page,
                refunds,
                events=order_events(session, order),
                letters=letters,
                staff=staff_entries(session, order, names),
            ),
            actions=order_actions(order, refunds, letters),
            may_refund=staff_may(Permission.REFUND_PAYMENTS),
            may_reveal=staff_may(Permission.REVEAL_CUSTOMERS),
            customer_address=_customer_address(order),
            may_resend_letters=staff_may(Permission.RESEND_LETTERS),
            may_deal_with_flag=may_deal_with_flag(order),
            may_reopen_flag=may_reopen_flag(order),
        )

    def _path(self, order: OrderRow) -> Markup | str:
        """The providers of the last submission in the order in which they were tried."""
        if not order.transactions:
            return "-"
        names = provider_names(self.session.session)
        last = order.transactions[-1].submission_id
        tried = [t.provider_code for t in order.transactions if t.submission_id == last]
        return Markup(" &rarr; ").join(names.get(code, code) for code in tried)


def _customer_address(order: OrderRow) -> str | None:
    """None where nobody is named, and in a site without that page."""
    has_page = f"{cells.CUSTOMERS_ENDPOINT}.customer_page" in current_app.view_functions
    key = order.customer_email_index
    return cells.customer_address(key) if key and has_page else None


def _status(order: OrderRow) -> Markup:
    shown = cells.badge(*order_badge(order))
    if order.flag:
        is_open = order.flag_dealt_at is None
        text = flag_text(order.flag) if is_open else f"{flag_text(order.flag)}, dealt with"
        shown += Markup(" ") + cells.badge(text, "warning" if is_open else "neutral")
    return shown


def _filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="status",
            label="Status",
            choices=lambda: [(status.value, text) for status, (text, _) in ORDER_STATUSES.items()],
            where=lambda value: typed(OrderRow.status == PaymentStatus(value)),
        ),
        ChoiceFilter(
            name="provider",
            label="Provider tried",
            choices=lambda: provider_choices(session.session),
            where=_tried_at,
        ),
        *amount_filters(OrderRow.currency, OrderRow.amount_minor),
        TextFilter(name="country", label="Country (code)", column=OrderRow.country, is_extra=True),
        TextFilter(
            name="customer",
            label="Customer (key)",
            column=OrderRow.customer_email_index,
            is_extra=True,
        ),
        *time_filters(OrderRow.created_at),
        ChoiceFilter(
            name="flag",
            label="Flag",
            choices=lambda: [
                (OPEN_FLAG, "Not dealt with"),
                (ANY_FLAG, "Any flag"),
                *FLAGS.items(),
            ],
            where=_flagged,
            is_extra=True,
        ),
        ChoiceFilter(
            name="fallback",
            label="Fallback",
            choices=lambda: [("yes", "More than one provider asked")],
            where=lambda _: exists().where(
                TransactionRow.order_id == OrderRow.id, TransactionRow.attempt_number > 1
            ),
            is_extra=True,
        ),
    )


def _flagged(value: str) -> ColumnElement[bool]:
    match value:
        case "open":
            return flag_waits()
        case "any":
            return OrderRow.flag.is_not(None)
        case _:
            return typed(OrderRow.flag == value)


def _tried_at(provider_code: str) -> ColumnElement[bool]:
    return exists().where(
        TransactionRow.order_id == OrderRow.id, TransactionRow.provider_code == provider_code
    )
