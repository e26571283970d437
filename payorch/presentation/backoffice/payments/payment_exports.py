"""What the files of orders, transactions and refunds hold of each: customers are masked."""

from collections.abc import Callable, Mapping

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.payments.order_refunds import refunded_minor_of
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.export_cells import AmountCell, Cell, text_cell, time_cell


def _customer_name(order: OrderRow) -> str:
    shown = shown_customer(order)
    return text_cell(shown.name or shown.note)


ORDER_CELLS: Mapping[str, Callable[[OrderRow], Cell]] = {
    "order": lambda row: row.public_id,
    "created_at": lambda row: time_cell(row.created_at),
    "merchant_reference": lambda row: text_cell(row.merchant_reference),
    "description": lambda row: text_cell(row.description),
    "country": lambda row: row.country,
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "refunded": lambda row: AmountCell(refunded_minor_of(row), row.currency),
    "status": lambda row: row.status.value,
    "providers_tried": lambda row: " ".join(
        it.provider_code for it in sorted(row.transactions, key=lambda it: it.sequence)
    ),
    "flag": lambda row: row.flag or "",
    "expires_at": lambda row: time_cell(row.expires_at),
    "customer_name": _customer_name,
    "customer_email": lambda row: text_cell(shown_customer(row).email),
}

TRANSACTION_CELLS: Mapping[str, Callable[[TransactionRow], Cell]] = {
    "transaction": lambda row: row.public_id,
    "order": lambda row: row.order.public_id,
    "merchant_reference": lambda row: text_cell(row.order.merchant_reference),
    "started_at": lambda row: time_cell(row.started_at),
    "provider": lambda row: row.provider_code,
    "provider_reference": lambda row: text_cell(row.provider_reference),
    "attempt": lambda row: row.attempt_number,
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "status": lambda row: row.status.value,
    "decline_class": lambda row: row.decline_class or "",
    "decline_reason": lambda row: row.decline_reason or "",
    "decline_scheme": lambda row: row.decline_scheme or "",
    "decline_code": lambda row: text_cell(row.decline_code),
    "technical_reason": lambda row: row.technical_reason or "",
    "latency_ms": lambda row: "" if row.latency_ms is None else row.latency_ms,
    "country": lambda row: row.order.country,
    "card_brand": lambda row: row.card_brand or "",
}

REFUND_CELLS: Mapping[str, Callable[[RefundRow], Cell]] = {
    "refund": lambda row: row.public_id,
    "order": lambda row: row.order.public_id,
    "kind": lambda row: row.kind.value,
    "by_itself": lambda row: "yes" if row.is_guard else "no",
    "requested_at": lambda row: time_cell(row.requested_at),
    "requested_by": lambda row: text_cell(row.requested_by),
    "reason": lambda row: text_cell(row.reason),
    "provider": lambda row: row.provider_code,
    "provider_reference": lambda row: text_cell(row.provider_reference),
    "payment_reference": lambda row: text_cell(row.payment_reference),
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "status": lambda row: row.status.value,
    "failure_code": lambda row: text_cell(row.failure_code),
}
