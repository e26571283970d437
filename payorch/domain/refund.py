"""Refund: money that goes back to the customer, as its own little payment in reverse.

A void gives an approved payment back as a whole; a refund gives back a part or all of it. The
row and its key are committed before the call, like a charge's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import TransactionId

RefundId = NewType("RefundId", str)
"""Public id `re_...`; it is also our reference and the idempotency key at the provider."""


class RefundKind(StrEnum):
    REFUND = "refund"
    VOID = "void"


class RefundStatus(StrEnum):
    STARTED = "started"
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


CONCLUDED_BY_STAFF = "concluded_by_staff"
"""Failure code of a refund of which two people found that it did not happen. No provider has
proved that: a retry looks before it sends.
"""

OPEN_REFUND_STATUSES = frozenset({RefundStatus.STARTED, RefundStatus.PENDING, RefundStatus.UNKNOWN})
"""Money may still go back because of these: they count against what can be refunded."""

REFUND_TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.STARTED: frozenset(
        {
            RefundStatus.PENDING,
            RefundStatus.SUCCEEDED,
            RefundStatus.FAILED,
            RefundStatus.UNKNOWN,
        }
    ),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.UNKNOWN: frozenset(
        {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    ),
    RefundStatus.SUCCEEDED: frozenset(),
    # A refused refund can be tried again under the same key (domain.md, invariant 11).
    RefundStatus.FAILED: frozenset({RefundStatus.STARTED}),
}


def may_refund_become(current: RefundStatus, target: RefundStatus) -> bool:
    return target in REFUND_TRANSITIONS[current]


@dataclass(frozen=True, slots=True)
class Refund:
    """A snapshot of one refund as it was read. `version` and `token` as with a transaction.

    `payment_reference` is the provider's id of the payment that is given back. `sent_at` is when
    a request that may have arrived was first sent; it is committed before the call.
    `may_send_once_more`: people concluded that what was sent came to nothing; it is taken back
    with the next sending. `is_contradicted`: it had failed, and the provider says otherwise.
    """

    id: RefundId
    order_id: OrderId
    transaction_id: TransactionId
    kind: RefundKind
    is_guard: bool
    provider_code: str
    payment_reference: str
    money: Money
    status: RefundStatus
    version: int
    token: int
    requested_at: datetime
    lease_until: datetime
    provider_reference: str | None = None
    sent_at: datetime | None = None
    checks: int = 0
    failure_code: str | None = None
    is_in_review: bool = False
    retries: int = 0
    may_send_once_more: bool = False
    is_contradicted: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REFUND_STATUSES

    @property
    def may_have_been_sent(self) -> bool:
        """Whether a request for it may have reached the provider, and not been refused."""
        return self.sent_at is not None

    @property
    def our_reference(self) -> str:
        """What the provider knows it by: a void is only another state of the payment."""
        return self.transaction_id if self.kind is RefundKind.VOID else self.id
