"""How an order stands, in its badge: also how much of a paid one has gone back.

PAID is final (domain.md, section 3); what was given back is derived from the settled refunds.
"""

from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.payments.order_refunds import refunded_minor_of
from payorch.presentation.backoffice.payments.payment_texts import ORDER_STATUSES, Tone
from payorch.presentation.money_format import format_money


def is_voided(order: OrderRow) -> bool:
    """Whether its payment was taken back as a whole, before it settled."""
    return any(
        transaction.id == order.paid_transaction_id
        and transaction.status is TransactionStatus.VOIDED
        for transaction in order.transactions
    )


def order_badge(order: OrderRow) -> tuple[str, Tone]:
    """Text and tone; `order`'s transactions and refunds are loaded."""
    text, tone = ORDER_STATUSES[order.status]
    if order.status is not PaymentStatus.PAID:
        return text, tone
    if is_voided(order):
        return "Voided", "neutral"
    refunded = refunded_minor_of(order)
    if refunded >= order.amount_minor:
        return "Refunded", "neutral"
    if refunded:
        return f"Paid, refunded {format_money(refunded, order.currency)}", "warning"
    return text, tone
