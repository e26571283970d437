"""What the files of orders, transactions and refunds hold of each: customers are masked."""

from collections.abc import Callable, Mapping
from datetime import datetime

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.payments.order_refunds import refunded_minor_of
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.export_cells import AmountCell, Cell


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _customer_name(order: OrderRow) -> str:
    shown = shown_customer(order)
    return _text(shown.name or shown.note)


ORDER_CELLS: Mapping[str, Callable[[OrderRow], Cell]] = {
    "order": lambda row: row.public_id,
    "created_at": lambda row: _time(row.created_at),
    "merchant_reference": lambda row: _text(row.merchant_reference),
    "description": lambda row: _text(row.description),
    "country": lambda row: row.country,
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "refunded": lambda row: AmountCell(refunded_minor_of(row), row.currency),
    "status": lambda row: row.status.value,
    "providers_tried": lambda row: " ".join(
        it.provider_code for it in sorted(row.transactions, key=lambda it: it.sequence)
    ),
    "flag": lambda row: row.flag or "",
    "expires_at": lambda row: _time(row.expires_at),
    "customer_name": _customer_name,
    "customer_email": lambda row: _text(shown_customer(row).email),
}

TRANSACTION_CELLS: Mapping[str, Callable[[TransactionRow], Cell]] = {
    "transaction": lambda row: row.public_id,
    "order": lambda row: row.order.public_id,
    "merchant_reference": lambda row: _text(row.order.merchant_reference),
    "started_at": lambda row: _time(row.started_at),
    "provider": lambda row: row.provider_code,
    "provider_reference": lambda row: _text(row.provider_reference),
    "attempt": lambda row: row.attempt_number,
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "status": lambda row: row.status.value,
    "decline_class": lambda row: row.decline_class or "",
    "decline_reason": lambda row: row.decline_reason or "",
    "decline_scheme": lambda row: row.decline_scheme or "",
    "decline_code": lambda row: _text(row.decline_code),
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
    "requested_at": lambda row: _time(row.requested_at),
    "requested_by": lambda row: _text(row.requested_by),
    "reason": lambda row: _text(row.reason),
    "provider": lambda row: row.provider_code,
    "provider_reference": lambda row: _text(row.provider_reference),
    "payment_reference": lambda row: _text(row.payment_reference),
    "currency": lambda row: row.currency,
    "amount": lambda row: AmountCell(row.amount_minor, row.currency),
    "status": lambda row: row.status.value,
    "failure_code": lambda row: _text(row.failure_code),
}
