"""What providers told of their own accord, and the queue of money that belongs to no order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select

from payorch.application.provider_events import EventState
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import ReasonRequired
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.payment_methods import PaymentMethodRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.event_export import EVENT_COLUMNS, event_cells
from payorch.presentation.backoffice.payments.payment_filters import time_filters
from payorch.presentation.backoffice.payments.payment_texts import Tone, worded
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_choices, provider_names
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, TextFilter, typed
from payorch.presentation.backoffice.shell.exact_search import keys_found
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import ListPage, SavedView
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.export_cells import Cell
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

EVENTS_ENDPOINT = "backoffice_provider_events"

EVENT_STATES: Mapping[EventState, tuple[str, Tone]] = {
    EventState.RECEIVED: ("Waits", "neutral"),
    EventState.APPLIED: ("Followed up", "success"),
    EventState.NO_CHANGE: ("Nothing to do", "neutral"),
    EventState.ORPHAN: ("No match yet", "warning"),
    EventState.ALERTED: ("Needs a person", "danger"),
}

ORPHANED = "orphaned"
"""A filter's value: everything that stands in the queue."""

_IN_QUEUE = (EventState.ORPHAN, EventState.ALERTED)
_MENU_COUNTS_TO = 99


class ProviderEventsView(ExportedListView, OwnListView):
    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_PAYMENTS
    export_name = "provider events"
    export_columns = EVENT_COLUMNS
    search_hint = "Event id or any reference"
    time_column = "received_at"
    column_list = (
        "received_at",
        "event_type",
        "provider_code",
        "our_reference",
        "provider_reference",
        "state",
        "note",
    )
    more_columns = ("subject", "source", "processed_at")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "received_at": "time",
        "event_type": "id",
        "our_reference": "id",
        "provider_reference": "id",
        "note": "text",
        "processed_at": "time",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = _filters(session)
        self.column_labels = {
            "received_at": "Received",
            "event_type": "Event",
            "provider_code": "Provider",
            "our_reference": "About",
            "provider_reference": "Provider's reference",
            "note": "What came of it",
            "subject": "Kind",
            "source": "Told by",
            "processed_at": "Processed",
        }
        self.column_formatters = {
            "received_at": shown_as(lambda row: utc_time(row.received_at)),
            "event_type": shown_as(self._event),
            "provider_code": shown_as(self._provider),
            "our_reference": shown_as(_about),
            "provider_reference": shown_as(lambda row: row.provider_reference or "-"),
            "state": shown_as(lambda row: cells.badge(*EVENT_STATES[row.state])),
            "note": shown_as(lambda row: row.note or "-"),
            "subject": shown_as(lambda row: worded(row.subject)),
            "source": shown_as(lambda row: worded(row.source)),
            "processed_at": shown_as(_processed),
        }
        super().__init__(
            WebhookEventRow,
            session,
            name="Provider events",
            category="Payments",
            endpoint=EVENTS_ENDPOINT,
            url="provider-events",
        )

    def export_cells(self, rows: Sequence[WebhookEventRow]) -> Iterable[Sequence[Cell]]:
        return event_cells(rows, self._orders_of(rows))

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Waiting", {"state": EventState.RECEIVED.value}),
            SavedView("Orphan money", {"state": ORPHANED}),
        )

    def menu_count(self) -> int:
        """Events in the queue; counting ends soon, because each page of the site asks."""
        few = select(WebhookEventRow.id).where(_in_queue()).limit(_MENU_COUNTS_TO + 1).subquery()
        count = self.session.session.scalar(select(func.count()).select_from(few))
        return int(count or 0)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        events = select(WebhookEventRow.id)
        return WebhookEventRow.id.in_(
            keys_found(
                text,
                [
                    (events, WebhookEventRow.our_reference),
                    (events, WebhookEventRow.provider_reference),
                    (_events_named_alike(), WebhookEventRow.event_id),
                ],
            )
        )

    def read_page(self, criteria: ListCriteria) -> ListPage:
        page = super().read_page(criteria)
        g.orders_of_events = self._orders_of(page.rows)
        return page

    @expose("/<key>")
    def event_page(self, key: str) -> ResponseReturnValue:
        event = self._found(key)
        g.orders_of_events = self._orders_of([event])
        text, tone = EVENT_STATES[event.state]
        page: str = self.render(
            "backoffice/provider_event.html",
            event=event,
            status=text,
            tone=tone,
            provider=provider_names(self.session.session).get(event.provider_code),
            about=_about(event),
            excerpt=json.dumps(event.body, indent=2, ensure_ascii=False, sort_keys=True),
            may_conclude=event.state is EventState.ALERTED
            and staff_may(Permission.CONCLUDE_EVENTS),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    @expose("/<key>/conclude", methods=["POST"])
    def conclude(self, key: str) -> ResponseReturnValue:
        if not staff_may(Permission.CONCLUDE_EVENTS):
            abort(403)
        event = self._found(key)
        try:
            is_done = services().conclude_event.execute(
                event.id, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except ReasonRequired as error:
            flash(error.message, "error")
        else:
            if is_done:
                flash("The event is off the queue.", "success")
            else:
                flash("The event was not on the queue any more.", "warning")
        return redirect(url_for(f"{self.endpoint}.event_page", key=event.id), code=303)

    def _found(self, key: str) -> WebhookEventRow:
        event = self.find_row(key)
        if not isinstance(event, WebhookEventRow):
            abort(404)
        return event

    def _event(self, event: WebhookEventRow) -> Markup:
        address = url_for(f"{self.endpoint}.event_page", key=event.id)
        return cells.with_small_print(cells.link(event.event_type, address), event.event_id)

    def _provider(self, event: WebhookEventRow) -> str:
        return provider_names(self.session.session).get(event.provider_code, event.provider_code)

    def _orders_of(self, events: Sequence[WebhookEventRow]) -> Mapping[str, str]:
        """The orders' public ids by our references of transactions and refunds, in two looks."""
        references = {event.our_reference for event in events if event.our_reference}
        found: dict[str, str] = {}
        for table in (TransactionRow, RefundRow):
            rows = self.session.session.execute(
                select(table.public_id, OrderRow.public_id)
                .join(OrderRow, OrderRow.id == table.order_id)
                .where(table.public_id.in_(references))
            )
            found.update(tuple(row) for row in rows)
        return found


def _about(event: WebhookEventRow) -> Markup | str:
    """Our reference, as a link to its order where it is one of ours."""
    reference = event.our_reference
    if reference is None:
        return "-"
    orders: Mapping[str, str] = g.get("orders_of_events", {})
    order = orders.get(reference)
    if order is None:
        return reference
    return cells.link(reference, cells.order_address(order, reference))


def _processed(event: WebhookEventRow) -> str:
    return "-" if event.processed_at is None else utc_time(event.processed_at)


def _events_named_alike() -> Any:
    """An index finds an event id only together with its provider."""
    return select(WebhookEventRow.id).where(
        WebhookEventRow.provider_code.in_(select(PaymentMethodRow.code))
    )


def _in_queue() -> ColumnElement[bool]:
    return typed(WebhookEventRow.state.in_(_IN_QUEUE))


def _filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="state",
            label="State",
            choices=lambda: [
                (ORPHANED, "Orphan money"),
                *((state.value, text) for state, (text, _) in EVENT_STATES.items()),
            ],
            where=lambda value: (
                _in_queue()
                if value == ORPHANED
                else typed(WebhookEventRow.state == EventState(value))
            ),
        ),
        ChoiceFilter(
            name="provider",
            label="Provider",
            choices=lambda: provider_choices(session.session),
            where=lambda code: typed(WebhookEventRow.provider_code == code),
        ),
        TextFilter(
            name="our_reference",
            label="Our reference",
            column=WebhookEventRow.our_reference,
            is_extra=True,
        ),
        TextFilter(
            name="provider_reference",
            label="Provider's reference",
            column=WebhookEventRow.provider_reference,
            is_extra=True,
        ),
        *time_filters(WebhookEventRow.received_at),
    )
