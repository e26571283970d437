"""Conditions on transactions that counts and lists share, so that both mean the same rows."""

from sqlalchemy import ColumnElement, and_, exists, func, or_
from sqlalchemy.orm import aliased

from payorch.domain.money import currency_exponent, payment_currencies
from payorch.domain.segment import NO_BRAND, Segment, SegmentDimension, band_bounds_minor
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow


def in_segment(segment: Segment) -> ColumnElement[bool]:
    """Transactions of the segment, as segment_counts.segments_of puts them into it."""
    match segment.dimension:
        case SegmentDimension.COUNTRY:
            # An alias, because the caller may have joined the orders itself.
            order = aliased(OrderRow)
            return exists().where(
                order.id == TransactionRow.order_id, order.country == segment.value
            )
        case SegmentDimension.CARD_BRAND:
            # Without a brand it may be NULL or an empty text, as count_segments sees both.
            return func.coalesce(func.nullif(TransactionRow.card_brand, ""), NO_BRAND) == (
                segment.value
            )
        case SegmentDimension.AMOUNT:
            return _in_band(segment.value)


def _in_band(code: str) -> ColumnElement[bool]:
    by_exponent: dict[int, list[str]] = {}
    for currency in payment_currencies():
        by_exponent.setdefault(currency_exponent(currency), []).append(currency)
    parts = []
    for exponent, currencies in by_exponent.items():
        start, below = band_bounds_minor(code, exponent)
        conditions = [
            TransactionRow.currency.in_(currencies),
            TransactionRow.amount_minor >= start,
        ]
        if below is not None:
            conditions.append(TransactionRow.amount_minor < below)
        parts.append(and_(*conditions))
    return or_(*parts)
