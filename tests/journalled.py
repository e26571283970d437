"""Journal entries for rows that a test writes around the use cases."""

from datetime import UTC, datetime

from sqlalchemy import insert, select

from payorch.infrastructure.persistence.tables import JournalRow, OrderRow, RefundRow


def journal_entry(connection, action, subject, *, before=None, after=None):
    connection.execute(
        insert(JournalRow).values(
            created_at=datetime.now(UTC),
            actor="finn@example.org",
            action=action,
            subject=subject,
            reason="as asked",
            before=before,
            after=after,
        )
    )


def journal_refund(connection, refund_id):
    """As the request for this refund would have been."""
    order_id = connection.execute(
        select(OrderRow.public_id)
        .join(RefundRow, RefundRow.order_id == OrderRow.id)
        .where(RefundRow.public_id == refund_id)
    ).scalar_one()
    journal_entry(connection, "refund_requested", f"order:{order_id}", after={"refund": refund_id})
