"""The provider events of one order, for the timeline of its page."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.backoffice.payments.provider_events import EVENT_STATES

MOST_EVENTS = 100
"""A provider that repeats itself must not make the page endless."""


def order_events(session: Any, order: OrderRow) -> Sequence[tuple[WebhookEventRow, str, str]]:
    """(event, what came of it, its tone), oldest first; `order`'s transactions are loaded."""
    refunds = session.scalars(select(RefundRow.public_id).where(RefundRow.order_id == order.id))
    references = [*(transaction.public_id for transaction in order.transactions), *refunds]
    events = session.scalars(
        select(WebhookEventRow)
        .where(WebhookEventRow.our_reference.in_(references))
        .order_by(WebhookEventRow.id)
        .limit(MOST_EVENTS)
    )
    return [(event, *EVENT_STATES[event.state]) for event in events]
