"""SQL of what staff have asked for of an order, and of what waits for a second person."""

from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.sql.functions import coalesce

from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.refund_statements import has_gone_back, may_go_back
from payorch.infrastructure.persistence.tables import OrderRow, RefundProposalRow, RefundRow

_since = bindparam("since", type_=UtcDateTime())

asked_by_staff: Select[Any] = (
    select(coalesce(func.sum(RefundRow.amount_minor), 0))
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .where(
        OrderRow.public_id == bindparam("order_id"),
        RefundRow.asked_by_staff,
        ~RefundRow.is_guard,
        or_(may_go_back, has_gone_back),
        # A refund that was tried again counts from then on: it had moved nothing before.
        or_(
            RefundRow.requested_at >= _since,
            and_(RefundRow.retries > 0, RefundRow.changed_at >= _since),
        ),
    )
)

asked_alone: Select[Any] = select(RefundRow.id).where(
    RefundRow.public_id == bindparam("refund_id"),
    RefundRow.asked_by_staff,
    ~RefundRow.is_guard,
    ~exists().where(RefundProposalRow.refund_id == RefundRow.id),
)
"""A refund that one person of the staff has asked for, and no second one agreed on."""

proposals: Select[Any] = (
    select(
        RefundProposalRow.__table__,
        OrderRow.public_id.label("order_public_id"),
        RefundRow.public_id.label("refund_public_id"),
    )
    .join(OrderRow, OrderRow.id == RefundProposalRow.order_id)
    .outerjoin(RefundRow, RefundRow.id == RefundProposalRow.refund_id)
)
