"""What is added up of the orders, transactions and refunds of a list."""

from sqlalchemy import case, func, select

from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, PaymentStatus
from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.shell.list_totals import SummedColumn

# The same as the list's column: what the guard gave back had never been counted as paid.
_REFUNDED_OF_ORDER = (
    select(func.coalesce(func.sum(RefundRow.amount_minor), 0))
    .where(
        RefundRow.order_id == OrderRow.id,
        RefundRow.status == RefundStatus.SUCCEEDED,
        RefundRow.is_guard.is_(False),
    )
    .correlate(OrderRow)
    .scalar_subquery()
)

ORDER_TOTALS = (
    SummedColumn("Ordered", OrderRow.amount_minor),
    SummedColumn(
        "Paid", case((OrderRow.status == PaymentStatus.PAID, OrderRow.amount_minor), else_=0)
    ),
    SummedColumn("Refunded", _REFUNDED_OF_ORDER),
)

# A voided one had been approved: the same definition as the dashboard's.
TRANSACTION_TOTALS = (
    SummedColumn("Tried", TransactionRow.amount_minor),
    SummedColumn(
        "Approved",
        case(
            (
                TransactionRow.status.in_(sorted(CHARGED_TRANSACTION_STATUSES)),
                TransactionRow.amount_minor,
            ),
            else_=0,
        ),
    ),
)

REFUND_TOTALS = (
    SummedColumn("Asked for", RefundRow.amount_minor),
    SummedColumn(
        "Gone back",
        case((RefundRow.status == RefundStatus.SUCCEEDED, RefundRow.amount_minor), else_=0),
    ),
)
