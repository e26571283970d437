"""States of an order and of a transaction. What may follow what is in transitions.py."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """Where a PaymentOrder stands. PROCESSING also covers "we do not know yet"."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TransactionStatus(StrEnum):
    """Where one attempt at one provider stands.

    PENDING is the method that settles later (Outcome `Pending`): the provider has accepted the
    payment and will decide it, so it is open like UNKNOWN but nothing is in doubt.
    """

    STARTED = "started"
    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_SENT = "not_sent"
    ABANDONED = "abandoned"
    VOIDED = "voided"


CHARGED_TRANSACTION_STATUSES = frozenset({TransactionStatus.APPROVED, TransactionStatus.VOIDED})
"""The provider approved it, whatever became of the money afterwards.

A refund leaves a transaction approved. A void is a refund made early, so it must not make a
provider look as if it had declined.
"""

OPEN_TRANSACTION_STATUSES = frozenset(
    {
        TransactionStatus.STARTED,
        TransactionStatus.REQUIRES_ACTION,
        TransactionStatus.PENDING,
        TransactionStatus.UNKNOWN,
    }
)
"""Money may still move because of a transaction in one of these: one at a time per order."""
