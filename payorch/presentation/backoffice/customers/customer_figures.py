"""What customers bought: added up for those on a page only, by the index of their addresses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, scoped_session

from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.money_format import format_amount_plain, format_money


@dataclass(slots=True)
class CustomerFigures:
    """`paid` and `refunded` are minor units by currency, without what the guard gave back."""

    orders: int
    first_at: datetime
    last_at: datetime
    paid: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)


def figures_of(
    session: Session | scoped_session[Any], keys: Collection[str]
) -> Mapping[str, CustomerFigures]:
    """By the customer's key; two statements, however many customers."""
    found: dict[str, CustomerFigures] = {}
    if not keys:
        return found
    is_paid = OrderRow.status == PaymentStatus.PAID
    for key, currency, orders, first_at, last_at, paid in session.execute(
        select(
            OrderRow.customer_email_index,
            OrderRow.currency,
            func.count(),
            func.min(OrderRow.created_at),
            func.max(OrderRow.created_at),
            func.sum(case((is_paid, OrderRow.amount_minor), else_=0)),
        )
        .where(OrderRow.customer_email_index.in_(keys))
        .group_by(OrderRow.customer_email_index, OrderRow.currency)
        .order_by(OrderRow.currency)
    ):
        figures = found.setdefault(key, CustomerFigures(0, first_at, last_at))
        figures.orders += orders
        figures.first_at = min(figures.first_at, first_at)
        figures.last_at = max(figures.last_at, last_at)
        if paid:
            figures.paid[currency] = int(paid)
    for key, currency, refunded in session.execute(
        select(OrderRow.customer_email_index, RefundRow.currency, func.sum(RefundRow.amount_minor))
        .join(OrderRow, OrderRow.id == RefundRow.order_id)
        .where(
            OrderRow.customer_email_index.in_(keys),
            RefundRow.status == RefundStatus.SUCCEEDED,
            RefundRow.is_guard.is_(False),
        )
        .group_by(OrderRow.customer_email_index, RefundRow.currency)
        .order_by(RefundRow.currency)
    ):
        # An order may come between the two statements.
        if key in found:
            found[key].refunded[currency] = int(refunded)
    return found


def money_text(amounts: Mapping[str, int]) -> str:
    return ", ".join(format_money(minor, code) for code, minor in amounts.items()) or "-"


def plain_money_text(amounts: Mapping[str, int]) -> str:
    """For a file: "EUR 19.99; JPY 500"."""
    return "; ".join(
        f"{code} {format_amount_plain(minor, code)}" for code, minor in amounts.items()
    )
