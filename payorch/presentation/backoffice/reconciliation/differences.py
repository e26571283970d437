"""The list of differences between settlement reports and the books, and the page of one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select, text

from payorch.application.settlement_reports import DifferenceState
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import DifferenceChanged, ReasonRequired
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.settlements import (
    DIFFERENCE_OPEN,
    SettlementDifferenceRow,
    SettlementLineRow,
)
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_filters import CURRENCY_CHOICES, time_filters
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_choices, provider_names
from payorch.presentation.backoffice.reconciliation.difference_export import (
    COLUMNS,
    difference_cells,
)
from payorch.presentation.backoffice.reconciliation.difference_page import (
    amount_here,
    amount_there,
    difference_page,
    totals_of,
)
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    DIFFERENCE_KINDS,
    DIFFERENCE_STATES,
)
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import (
    ChoiceFilter,
    InvalidFilter,
    TextFilter,
    typed,
)
from payorch.presentation.backoffice.shell.exact_search import keys_found
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.export_cells import Cell
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

DIFFERENCES_ENDPOINT = "settlement_differences"
_MENU_COUNTS_TO = 99

_Row = SettlementDifferenceRow


class DifferencesView(ExportedListView, OwnListView):
    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_SETTLEMENTS
    export_name = "settlement differences"
    export_columns = COLUMNS
    list_template = "backoffice/settlement_differences.html"
    search_hint = "Any reference or order"
    time_column = "found_at"
    column_list = ("found_at", "kind", "provider_code", "there", "here", "state")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "found_at": "time",
        "there": "amount",
        "here": "amount",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = _filters(session)
        self.column_labels = {
            "found_at": "Found",
            "kind": "Difference",
            "provider_code": "Provider",
            "there": "There",
            "here": "Here",
        }
        self.column_formatters = {
            "found_at": shown_as(lambda row: utc_time(row.found_at)),
            "kind": shown_as(self._kind),
            "provider_code": shown_as(self._provider),
            "there": shown_as(amount_there),
            "here": shown_as(amount_here),
            "state": shown_as(
                lambda row: cells.badge(*DIFFERENCE_STATES[DifferenceState(row.state)])
            ),
        }
        super().__init__(
            SettlementDifferenceRow,
            session,
            name="Differences",
            category="Reconciliation",
            endpoint=DIFFERENCES_ENDPOINT,
            url="settlement-differences",
        )

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Open", {"state": DifferenceState.OPEN.value}),
            SavedView("Paid there, not here", {"kind": DifferenceKind.PAID_THERE.value}),
            SavedView("Missing here", {"kind": DifferenceKind.MISSING_HERE.value}),
            SavedView("Missing there", {"kind": DifferenceKind.MISSING_THERE.value}),
        )

    def menu_count(self) -> int:
        """Open ones; counting ends soon, because each page of the site asks."""
        few = select(_Row.id).where(text(DIFFERENCE_OPEN)).limit(_MENU_COUNTS_TO + 1).subquery()
        return int(self.session.session.scalar(select(func.count()).select_from(few)) or 0)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        by_line = select(_Row.id).join(SettlementLineRow, SettlementLineRow.id == _Row.line_id)
        by_order = select(_Row.id).join(OrderRow, OrderRow.id == _Row.order_id)
        return _Row.id.in_(
            keys_found(
                text,
                [
                    (by_line, SettlementLineRow.reference),
                    (by_line, SettlementLineRow.our_reference),
                    (by_order, OrderRow.public_id),
                ],
            )
        )

    def render(self, template: str, **context: Any) -> str:
        """The list also has its totals."""
        if template == self.list_template:
            has_problem = context["problem"] is not None
            matching = None if has_problem else self.matching(context["criteria"])
            context["totals"] = totals_of(matching)
        return super().render(template, **context)

    def export_cells(self, rows: Sequence[SettlementDifferenceRow]) -> Iterable[Sequence[Cell]]:
        return difference_cells(self.session.session, rows)

    @expose("/<key>")
    def difference_page(self, key: str) -> ResponseReturnValue:
        return self._page(self._found(key))

    @expose("/<key>/resolve", methods=["POST"])
    def resolve(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().settle_differences.resolve, "It is resolved.")

    @expose("/<key>/reopen", methods=["POST"])
    def reopen(self, key: str) -> ResponseReturnValue:
        return self._act(key, services().settle_differences.reopen, "It is open again.")

    def _act(self, key: str, action: Callable[..., None], done: str) -> ResponseReturnValue:
        if not staff_may(Permission.RECONCILE_SETTLEMENTS):
            abort(403)
        difference = self._found(key)
        try:
            action(
                difference.id, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except ReasonRequired as error:
            return self._page(difference, error.message), 422
        except DifferenceChanged as error:
            flash(error.message, "warning")
        else:
            flash(done, "success")
        return redirect(url_for(".difference_page", key=difference.id), code=303)

    def _page(self, difference: SettlementDifferenceRow, problem: str = "") -> str:
        page: str = self.render(
            "backoffice/settlement_difference.html",
            difference=difference,
            page=difference_page(self.session.session, difference),
            provider=self._provider(difference),
            problem=problem,
            may_reconcile=staff_may(Permission.RECONCILE_SETTLEMENTS),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    def _found(self, key: str) -> SettlementDifferenceRow:
        difference = self.find_row(key)
        if not isinstance(difference, SettlementDifferenceRow):
            abort(404)
        return difference

    def _kind(self, difference: SettlementDifferenceRow) -> Markup:
        label, tone = DIFFERENCE_KINDS[DifferenceKind(difference.kind)]
        address = url_for(f"{self.endpoint}.difference_page", key=difference.id)
        return Markup('<a href="{}">{}</a>').format(address, cells.badge(label, tone))

    def _provider(self, difference: SettlementDifferenceRow) -> str:
        names = provider_names(self.session.session)
        return names.get(difference.provider_code, difference.provider_code)


def _filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="kind",
            label="Difference",
            choices=lambda: [(kind.value, label) for kind, (label, _) in DIFFERENCE_KINDS.items()],
            where=lambda value: typed(_Row.kind == value),
        ),
        ChoiceFilter(
            name="state",
            label="State",
            choices=lambda: [(s.value, label) for s, (label, _) in DIFFERENCE_STATES.items()],
            where=_in_state,
        ),
        ChoiceFilter(
            name="provider",
            label="Provider",
            choices=lambda: provider_choices(session.session),
            where=lambda code: typed(_Row.provider_code == code),
        ),
        _NumberFilter(name="import", label="Report number", column=_Row.import_id, is_extra=True),
        ChoiceFilter(
            name="currency",
            label="Currency",
            choices=lambda: CURRENCY_CHOICES,
            where=lambda code: typed(_Row.currency == code),
            is_extra=True,
        ),
        *time_filters(_Row.found_at),
    )


class _NumberFilter(TextFilter):
    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:  # noqa: ARG002 - the others matter to amounts only
        if not (value.isascii() and value.isdecimal()) or len(value) > 18:
            raise InvalidFilter(f"{self.label}: write a whole number.")
        return typed(self.column == int(value))


def _in_state(value: str) -> ColumnElement[bool]:
    """SQLite takes the partial index of open ones only for a condition that it can read."""
    if value == DifferenceState.OPEN:
        return typed(text(f"settlement_differences.{DIFFERENCE_OPEN}"))
    return typed(_Row.state == value)
