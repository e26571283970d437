"""The list of refunds, and the pages on which finance gives money back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from payorch.application.refund_ledger import OpenedRefund
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import OrderNotFound, OrderNotRefundable, PayorchError, RefundNotFound
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId, RefundStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_exports import REFUND_CELLS
from payorch.presentation.backoffice.payments.payment_totals import REFUND_TOTALS
from payorch.presentation.backoffice.payments.refund_filters import GUARD, UNDER_WAY, refund_filters
from payorch.presentation.backoffice.payments.refund_form import (
    InvalidRefundForm,
    RefundChoices,
    confirmed_command,
    outcome_message,
    typed_plan,
)
from payorch.presentation.backoffice.payments.refund_review import RefundReviewPages
from payorch.presentation.backoffice.payments.refund_texts import (
    HOW_IT_GOES_BACK,
    REFUND_KINDS,
    REFUND_STATUSES,
    what_a_retry_does,
    why_it_stands_so,
)
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_names
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_search import keys_found
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.backoffice.shell.list_totals import TotalledListView
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.export_cells import Cell
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

REFUNDS_ENDPOINT = "backoffice_refunds"
WAITS = "Proposed. Nothing goes back before somebody else of finance has agreed."


class RefundsView(ExportedListView, TotalledListView, OwnListView, RefundReviewPages):
    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_PAYMENTS
    export_name = "refunds"
    export_columns = tuple(REFUND_CELLS)
    summed_columns = REFUND_TOTALS
    search_hint = "Any id or reference"
    time_column = "requested_at"
    column_list = (
        "requested_at",
        "public_id",
        "order",
        "kind",
        "provider_code",
        "amount_minor",
        "status",
        "requested_by",
    )
    more_columns = ("changed_at", "failure_code")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "requested_at": "time",
        "public_id": "id",
        "order": "id",
        "amount_minor": "amount",
        "requested_by": "text",
        "changed_at": "time",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = refund_filters(session)
        self.column_labels = {
            "requested_at": "Time",
            "public_id": "Refund",
            "provider_code": "Provider",
            "amount_minor": "Amount",
            "requested_by": "Who and why",
            "changed_at": "Changed",
            "failure_code": "Failure",
        }
        self.column_formatters = {
            "requested_at": shown_as(lambda row: utc_time(row.requested_at)),
            "public_id": shown_as(_reference),
            "order": shown_as(lambda row: cells.order_link(row.order)),
            "kind": shown_as(_kind),
            "provider_code": shown_as(self._provider),
            "amount_minor": shown_as(lambda row: format_money(row.amount_minor, row.currency)),
            "status": shown_as(_status),
            "changed_at": shown_as(lambda row: utc_time(row.changed_at)),
            "failure_code": shown_as(lambda row: row.failure_code or "-"),
            "requested_by": shown_as(
                lambda row: cells.with_small_print(row.requested_by, row.reason)
            ),
        }
        super().__init__(
            RefundRow,
            session,
            name="Refunds",
            category="Payments",
            endpoint=REFUNDS_ENDPOINT,
            url="refunds",
        )

    def export_cells(self, rows: Sequence[RefundRow]) -> Iterable[Sequence[Cell]]:
        return ([cell(row) for cell in REFUND_CELLS.values()] for row in rows)

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Under way", {"status": UNDER_WAY}),
            SavedView("Failed", {"status": RefundStatus.FAILED.value}),
            SavedView("Surplus charges", {"asked_by": GUARD}),
        )

    def loading(self) -> Sequence[Any]:
        return (joinedload(RefundRow.order),)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        refunds = select(RefundRow.id)
        of_orders = refunds.join(RefundRow.order)
        return RefundRow.id.in_(
            keys_found(
                text,
                [
                    (refunds, RefundRow.public_id),
                    (refunds, RefundRow.provider_reference),
                    (of_orders, OrderRow.public_id),
                    (of_orders, OrderRow.merchant_reference),
                ],
            )
        )

    @expose("/order/<order_id>")
    def refund_page(self, order_id: str) -> ResponseReturnValue:
        """How much, how and why; nothing happens yet."""
        return self._form_page(order_id)

    @expose("/order/<order_id>/confirm", methods=["POST"])
    def confirm_page(self, order_id: str) -> ResponseReturnValue:
        """Says what will happen, once more, before it does."""
        choices = self._choices(order_id)
        try:
            plan = typed_plan(request.form, choices)
        except InvalidRefundForm as error:
            return self._form_page(order_id, problem=str(error)), 422
        return self._shown(
            "backoffice/refund_confirm.html",
            order_id=order_id,
            plan=plan,
            how=HOW_IT_GOES_BACK[plan.kind],
            needs_second_person=services().large_refunds.needs_second_person(
                OrderId(order_id), plan.money
            ),
        )

    @expose("/order/<order_id>", methods=["POST"])
    def refund(self, order_id: str) -> ResponseReturnValue:
        self._require_finance()
        if (question := identity_question(self)) is not None:
            return question
        try:
            command = confirmed_command(
                request.form, OrderId(order_id), actor=current_staff().email
            )
            asked = services().large_refunds.ask(command)
        except InvalidRefundForm as error:
            flash(str(error), "error")
        except OrderNotFound:
            abort(404)
        except PayorchError as error:
            flash(f"{error.message} Nothing was done.", "error")
        else:
            if isinstance(asked, OpenedRefund):
                flash(*outcome_message(asked.refund))
            else:
                flash(WAITS, "warning")
        return _back_to_order(order_id)

    @expose("/<refund_id>/retry")
    def retry_page(self, refund_id: str) -> ResponseReturnValue:
        self._require_finance()
        refund = self._found(refund_id)
        amount = format_money(refund.amount_minor, refund.currency)
        return self._shown(
            "backoffice/refund_retry.html",
            refund=refund,
            amount=amount,
            what_happens=what_a_retry_does(refund, amount),
            kind=REFUND_KINDS[refund.kind],
            note=why_it_stands_so(refund),
        )

    @expose("/<refund_id>/retry", methods=["POST"])
    def retry(self, refund_id: str) -> ResponseReturnValue:
        self._require_finance()
        if (question := identity_question(self)) is not None:
            return question
        order_id = self._found(refund_id).order.public_id
        try:
            refund = services().refund_payment.retry(
                RefundId(refund_id),
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
                is_by_staff=True,
            )
        except RefundNotFound:
            abort(404)
        except PayorchError as error:
            flash(f"{error.message} Nothing was done.", "error")
        else:
            flash(*outcome_message(refund))
        return _back_to_order(order_id)

    def _form_page(self, order_id: str, problem: str | None = None) -> str:
        return self._shown(
            "backoffice/refund.html",
            order_id=order_id,
            choices=self._choices(order_id),
            problem=problem,
            typed=request.form,
        )

    def _choices(self, order_id: str) -> RefundChoices:
        self._require_finance()
        try:
            return RefundChoices.of(services().refund_payment.options(OrderId(order_id)))
        except (OrderNotFound, OrderNotRefundable):
            abort(404)

    def _shown(self, template: str, **context: Any) -> str:
        page: str = self.render(template, max_reason_length=MAX_REASON_LENGTH, **context)
        return page

    def _require_finance(self) -> None:
        if not staff_may(Permission.REFUND_PAYMENTS):
            abort(403)

    def _found(self, refund_id: str) -> RefundRow:
        refund = self.find_row(refund_id, joinedload(RefundRow.order))
        if not isinstance(refund, RefundRow):
            abort(404)
        return refund

    def _provider(self, refund: RefundRow) -> str:
        return provider_names(self.session.session).get(refund.provider_code, refund.provider_code)


def _back_to_order(order_id: str) -> ResponseReturnValue:
    address = url_for(
        f"{cells.ORDERS_ENDPOINT}.order_page", public_id=order_id, _anchor="order-refunds"
    )
    return redirect(address, code=303)


def _reference(refund: RefundRow) -> Markup:
    address = cells.order_address(refund.order.public_id, refund.public_id)
    return cells.with_small_print(cells.link(refund.public_id, address), refund.provider_reference)


def _kind(refund: RefundRow) -> Markup:
    small_print = "of a surplus charge, by itself" if refund.is_guard else None
    return cells.with_small_print(REFUND_KINDS[refund.kind], small_print)


def _status(refund: RefundRow) -> Markup:
    text, tone = REFUND_STATUSES[refund.status]
    small_print: Markup | str = why_it_stands_so(refund)
    if refund.review_since is not None and refund.is_open:
        address = url_for(f"{REFUNDS_ENDPOINT}.review_page", refund_id=refund.public_id)
        small_print = cells.link("Nobody can prove it: settle it", address)
    return cells.with_small_print(cells.badge(text, tone), small_print)
