"""Port to the providers for giving money back. Like provider_gateway.py: it never raises.

A refund holds no card data, so its request can be built again at any time, byte for byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.money import Money
from payorch.domain.refund import Refund
from payorch.domain.refund_outcome import RefundOutcome, RefundUnknown


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """`reference` is ours and the idempotency key; of a void it is the payment's own.

    `payment_reference` is the provider's id of the payment that is given back.
    """

    reference: str
    payment_reference: str
    money: Money

    @classmethod
    def of(cls, refund: Refund) -> "RefundRequest":
        return cls(refund.our_reference, refund.payment_reference, refund.money)


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """`evidence` is small and scrubbed, for the log and the order page."""

    outcome: RefundOutcome
    latency_ms: int
    evidence: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class ListedRefund:
    """A refund as the provider lists it; `payment_reference` is its own id of the payment.

    `has_failed`: nothing goes back because of it.
    """

    provider_reference: str
    our_reference: str
    payment_reference: str
    amount_minor: int
    currency: str
    has_failed: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundPage:
    """Refunds in the order of their creation; the last one's id leads to the next page."""

    items: tuple[ListedRefund, ...]
    has_more: bool


class RefundGateway(Protocol):
    """One provider account behind the wall. `timeout_s` is the total time of one call."""

    def refund(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        """Send it, or send it again under the same key."""

    def void(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        """Take the whole payment back; doing it again changes nothing."""

    def read_refund(
        self, provider_reference: str, request: RefundRequest, *, timeout_s: float
    ) -> RefundAnswer: ...

    def find_refund(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        """Search by our reference. Nothing found is RefundUnknown: it proves nothing."""

    def read_void(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        """Whether the payment is voided. RefundUnknown(NOT_FOUND) when it is not, or not yet."""

    def list_refunds(
        self, *, since: datetime, after: str | None, timeout_s: float
    ) -> RefundPage | RefundUnknown:
        """A page of all refunds created after `since`; as PaymentGateway.list_payments."""
