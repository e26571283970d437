"""Port to the providers: what a charge asks for, and what comes back from any call.

An adapter never raises: whatever happens is an Outcome. Cancels answer with
NotSent(PROVED_CANCELLED) when the cancel is proof, lookups with Unknown(NOT_FOUND) when nothing
was found, because nothing found is no proof.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.refund_gateway import RefundGateway
from payorch.domain.instrument import CardInstrument
from payorch.domain.money import Money
from payorch.domain.outcome import Outcome, Unknown
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.payment_order import Customer, OrderId
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Everything a provider needs. `reference` is also the idempotency key: a replay of the same
    request is byte-identical. Lives in memory only, as it may hold a card.

    The provider keeps `order_id` beside the payment: after a restored backup it tells for which
    order a charge was made that the books have forgotten.
    """

    reference: TransactionId
    money: Money
    description: str
    country: str
    customer: Customer | None
    return_url: str
    instrument: CardInstrument | None
    order_id: OrderId | None = None

    def __repr__(self) -> str:
        return f"ChargeRequest({self.reference})"


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome and how long it took from send to answer (or to the cut), in milliseconds.

    `evidence` is a small, scrubbed excerpt for the log and the order page, never card data.
    """

    outcome: Outcome
    latency_ms: int
    evidence: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment as the provider lists it, ours or not. `order_id` is what its metadata say."""

    provider_reference: str
    our_reference: str
    order_id: str | None
    amount_minor: int
    currency: str
    outcome: Outcome
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Payments in the order of their creation; the last one's reference leads to the next page."""

    items: tuple[ListedPayment, ...]
    has_more: bool


class PaymentGateway(Protocol):
    """One provider account behind the wall. `timeout_s` is the total time of one call."""

    def charge(
        self, request: ChargeRequest, *, timeout_s: float, ignore_circuit: bool = False
    ) -> Answer: ...

    def place(self) -> AbstractContextManager[bool]:
        """A place among the threads that may wait for this provider; False when all are taken."""

    def replay(self, request: ChargeRequest, *, timeout_s: float) -> Answer: ...

    def read(
        self, provider_reference: str, our_reference: TransactionId, *, timeout_s: float
    ) -> Answer: ...

    def find(self, our_reference: TransactionId, *, timeout_s: float) -> Answer: ...

    def cancel(
        self, provider_reference: str, our_reference: TransactionId, *, timeout_s: float
    ) -> Answer: ...

    def cancel_by_reference(self, our_reference: TransactionId, *, timeout_s: float) -> Answer: ...

    def list_payments(
        self, *, since: datetime, after: str | None, timeout_s: float
    ) -> PaymentPage | Unknown:
        """A page of all payments created after `since`; `after` is the last one of the page before.

        Unknown when the provider did not answer clearly: then nothing is known of what is missing.
        """


class GatewayCatalog(Protocol):
    """Finds the gateway of a payment method, also of a disabled one with open transactions."""

    def is_connected(self, method: PaymentMethodVO) -> bool:
        """Whether this installation has the method's connector and its settings."""

    def gateway_for(self, method: PaymentMethodVO) -> PaymentGateway:
        """Raises PaymentMethodNotFound for a method that is not connected."""

    def refund_gateway_for(self, method: PaymentMethodVO) -> RefundGateway:
        """Raises PaymentMethodNotFound for a method that is not connected."""
