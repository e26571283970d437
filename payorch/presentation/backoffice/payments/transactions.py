"""The list of transactions: each attempt at each provider."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from payorch.application.attempt_counts import UNKNOWN_REASON
from payorch.domain.decline_terms import DeclineClass
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.segment import Segment, SegmentDimension
from payorch.infrastructure.persistence.tables.conditions import in_segment
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.notices.work_queues import confirming_too_long, in_review
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.counted_as import counted_as_filter, tried_after
from payorch.presentation.backoffice.payments.payment_exports import TRANSACTION_CELLS
from payorch.presentation.backoffice.payments.payment_filters import amount_filters, time_filters
from payorch.presentation.backoffice.payments.payment_texts import (
    TRANSACTION_STATUSES,
    reason_text,
    worded,
)
from payorch.presentation.backoffice.payments.payment_totals import TRANSACTION_TOTALS
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_choices, provider_names
from payorch.presentation.backoffice.segment_texts import (
    DIMENSION_TITLES,
    LIST_FILTERS,
    segment_choices,
)
from payorch.presentation.backoffice.shell.base_view import shown_as
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, TextFilter, typed
from payorch.presentation.backoffice.shell.exact_search import by_email, keys_found
from payorch.presentation.backoffice.shell.exported_list import ExportedListView
from payorch.presentation.backoffice.shell.keyset_list import SavedView
from payorch.presentation.backoffice.shell.list_totals import TotalledListView
from payorch.presentation.backoffice.shell.own_lists import OwnListView
from payorch.presentation.export_cells import Cell
from payorch.presentation.money_format import format_money
from payorch.presentation.page_context import utc_time
from payorch.presentation.services import services

FIRST, FALLBACK = "first", "fallback"


class TransactionsView(ExportedListView, TotalledListView, OwnListView):
    required_permission = Permission.READ_PAYMENTS
    export_permission = Permission.EXPORT_PAYMENTS
    export_name = "transactions"
    export_columns = tuple(TRANSACTION_CELLS)
    summed_columns = TRANSACTION_TOTALS
    search_hint = "Any id, reference or e-mail"
    time_column = "started_at"
    column_list = (
        "started_at",
        "public_id",
        "order",
        "customer",
        "provider_code",
        "amount_minor",
        "status",
        "reason",
        "latency_ms",
    )
    more_columns = ("merchant_reference", "country", "card_brand")
    column_kinds: ClassVar[Mapping[str, str]] = {
        "started_at": "time",
        "public_id": "id",
        "order": "id",
        "customer": "text",
        "amount_minor": "amount",
        "latency_ms": "number",
        "merchant_reference": "text",
    }

    def __init__(self, session: SQLAlchemy) -> None:
        self.exact_filters = _filters(session)
        self.column_labels = {
            "started_at": "Time",
            "public_id": "Transaction",
            "provider_code": "Provider",
            "amount_minor": "Amount",
            "latency_ms": "Latency",
            "merchant_reference": "Reference",
        }
        self.column_formatters = {
            "started_at": shown_as(lambda row: utc_time(row.started_at)),
            "public_id": shown_as(_reference),
            "order": shown_as(lambda row: cells.order_link(row.order)),
            "customer": shown_as(lambda row: cells.customer(row.order)),
            "provider_code": shown_as(self._provider),
            "amount_minor": shown_as(lambda row: format_money(row.amount_minor, row.currency)),
            "status": shown_as(lambda row: cells.badge(*TRANSACTION_STATUSES[row.status])),
            "reason": shown_as(_reason),
            "latency_ms": shown_as(_latency),
            "merchant_reference": shown_as(lambda row: row.order.merchant_reference or "-"),
            "country": shown_as(lambda row: row.order.country),
            "card_brand": shown_as(lambda row: row.card_brand or "-"),
        }
        super().__init__(
            TransactionRow,
            session,
            name="Transactions",
            category="Payments",
            endpoint="backoffice_transactions",
            url="transactions",
        )

    def export_cells(self, rows: Sequence[TransactionRow]) -> Iterable[Sequence[Cell]]:
        return ([cell(row) for cell in TRANSACTION_CELLS.values()] for row in rows)

    def saved_views(self) -> Sequence[SavedView]:
        return (
            SavedView("All", {}),
            SavedView("Unknown", {"status": TransactionStatus.UNKNOWN.value}),
            SavedView("Declined", {"status": TransactionStatus.DECLINED.value}),
            SavedView("Not sent", {"status": TransactionStatus.NOT_SENT.value}),
        )

    def loading(self) -> Sequence[Any]:
        return (joinedload(TransactionRow.order),)

    def search_condition(self, text: str) -> ColumnElement[bool]:
        transactions = select(TransactionRow.id)
        of_orders = transactions.join(TransactionRow.order)
        return TransactionRow.id.in_(
            keys_found(
                text,
                [
                    (transactions, TransactionRow.public_id),
                    (transactions, TransactionRow.provider_reference),
                    (of_orders, OrderRow.public_id),
                    (of_orders, OrderRow.merchant_reference),
                    (of_orders, OrderRow.customer_email),
                    by_email(of_orders, OrderRow.customer_email_index, text),
                ],
            )
        )

    def _provider(self, transaction: TransactionRow) -> Markup:
        name = provider_names(self.session.session).get(transaction.provider_code)
        number = transaction.attempt_number
        attempt = "first attempt" if number == 1 else f"fallback, attempt {number}"
        return cells.with_small_print(name or transaction.provider_code, attempt)


def _reference(transaction: TransactionRow) -> Markup:
    address = cells.order_address(transaction.order.public_id, transaction.public_id)
    return cells.with_small_print(
        cells.link(transaction.public_id, address), transaction.provider_reference
    )


def _reason(transaction: TransactionRow) -> Markup | str:
    if transaction.decline_reason:
        raw = " ".join(
            part for part in (transaction.decline_scheme, transaction.decline_code) if part
        )
        return cells.with_small_print(worded(transaction.decline_reason), raw)
    return reason_text(transaction.technical_reason)


def _latency(transaction: TransactionRow) -> str:
    return "-" if transaction.latency_ms is None else f"{transaction.latency_ms:,} ms"


MOST_PLACES = 21


def _filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="status",
            label="Status",
            choices=lambda: [
                (status.value, text) for status, (text, _) in TRANSACTION_STATUSES.items()
            ],
            where=lambda value: typed(TransactionRow.status == TransactionStatus(value)),
        ),
        ChoiceFilter(
            name="provider",
            label="Provider",
            choices=lambda: provider_choices(session.session),
            where=lambda code: typed(TransactionRow.provider_code == code),
        ),
        ChoiceFilter(
            name="attempt",
            label="Attempt",
            choices=lambda: [(FIRST, "First"), (FALLBACK, "Fallback")],
            where=lambda kind: typed(
                TransactionRow.attempt_number == 1
                if kind == FIRST
                else TransactionRow.attempt_number > 1
            ),
        ),
        ChoiceFilter(
            name="decline_class",
            label="Decline class",
            choices=lambda: [(member.value, worded(member.value)) for member in DeclineClass],
            where=lambda value: typed(TransactionRow.decline_class == value),
            is_extra=True,
        ),
        TextFilter(
            name="decline_reason",
            label="Decline reason",
            column=func.coalesce(TransactionRow.decline_reason, UNKNOWN_REASON),
            is_extra=True,
        ),
        counted_as_filter(),
        ChoiceFilter(
            name="place",
            label="Place in its payment",
            choices=lambda: [(str(place), f"Attempt {place}") for place in range(1, MOST_PLACES)],
            where=lambda place: typed(TransactionRow.attempt_number == int(place)),
            is_extra=True,
        ),
        ChoiceFilter(
            name="follows",
            label="Right after",
            choices=lambda: provider_choices(session.session),
            where=tried_after,
            is_extra=True,
        ),
        ChoiceFilter(
            name="waits",
            label="Waits for",
            choices=lambda: [
                ("confirming", "An outcome, over 15 minutes"),
                ("review", "A review by finance"),
            ],
            where=lambda queue: (
                in_review() if queue == "review" else confirming_too_long(services().clock.now())
            ),
            is_extra=True,
        ),
        *(_segment_filter(dimension) for dimension in SegmentDimension),
        *amount_filters(TransactionRow.currency, TransactionRow.amount_minor),
        *time_filters(TransactionRow.started_at),
    )


def _segment_filter(dimension: SegmentDimension) -> ChoiceFilter:
    """The same parts of the traffic as the dashboard's."""
    return ChoiceFilter(
        name=LIST_FILTERS[dimension],
        label=DIMENSION_TITLES[dimension],
        choices=lambda: segment_choices(dimension),
        where=lambda value: in_segment(Segment(dimension, value)),
        is_extra=True,
    )
