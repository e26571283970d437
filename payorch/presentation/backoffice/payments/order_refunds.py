"""The refunds of an order, as its page shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.backoffice.payments.refund_texts import (
    REFUND_STATUSES,
    refund_title,
    why_it_stands_so,
)
from payorch.presentation.money_format import format_money


@dataclass(frozen=True, slots=True)
class RefundPart:
    """`reference` is the provider's; a void has the payment's own."""

    public_id: str
    title: str
    status: str
    tone: Tone
    at: datetime
    who: str
    why: str
    note: str
    reference: str
    is_guard: bool
    may_retry: bool
    review_since: datetime | None
    waits_for_review: bool


@dataclass(frozen=True, slots=True)
class OrderRefunds:
    """`refunded`, `under_way` and `left` are of the order's payment, without the guard's."""

    refunds: Sequence[RefundPart]
    refunded: str | None
    under_way: str | None
    left: str | None


def order_refunds(order: OrderRow) -> OrderRefunds:
    """Of an order whose refunds are loaded."""
    refunded_minor = refunded_minor_of(order)
    open_minor = _sum(order, lambda refund: refund.may_go_back)
    left_minor = order.amount_minor - refunded_minor - open_minor
    is_left = order.status is PaymentStatus.PAID and left_minor > 0
    return OrderRefunds(
        refunds=[_part(refund) for refund in order.refunds],
        refunded=_amount(refunded_minor, order),
        under_way=_amount(open_minor, order),
        left=_amount(left_minor, order) if is_left else None,
    )


def refunded_text(order: OrderRow) -> str:
    """What has gone back of the order's payment, for a column; "-" for nothing."""
    refunded_minor = refunded_minor_of(order)
    if not refunded_minor:
        return "-"
    if refunded_minor == order.amount_minor:
        return "in full"
    return format_money(refunded_minor, order.currency)


def refunded_minor_of(order: OrderRow) -> int:
    """Minor units that have gone back of the order's own payment."""
    return _sum(order, lambda refund: refund.status is RefundStatus.SUCCEEDED)


def _sum(order: OrderRow, which: Callable[[RefundRow], bool]) -> int:
    return sum(
        refund.amount_minor for refund in order.refunds if which(refund) and not refund.is_guard
    )


def _amount(amount_minor: int, order: OrderRow) -> str | None:
    return format_money(amount_minor, order.currency) if amount_minor else None


def _part(refund: RefundRow) -> RefundPart:
    status, tone = REFUND_STATUSES[refund.status]
    is_replaced = refund.is_guard and refund.kind is RefundKind.VOID
    return RefundPart(
        public_id=refund.public_id,
        title=refund_title(refund),
        status=status,
        tone=tone,
        at=refund.requested_at,
        who=refund.requested_by,
        why=refund.reason,
        note=why_it_stands_so(refund),
        reference=refund.provider_reference or refund.payment_reference,
        is_guard=refund.is_guard,
        may_retry=refund.status is RefundStatus.FAILED and not is_replaced,
        review_since=refund.review_since,
        waits_for_review=refund.review_since is not None and refund.is_open,
    )
