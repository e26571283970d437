"""What callers ask of the payment use cases. Presentation turns forms and JSON into these."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from payorch.domain.instrument import CardInstrument
from payorch.domain.money import Money
from payorch.domain.payment_order import Customer, OrderId, PaymentOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """`idempotency_key` is already scoped by the caller ("api:...", "checkout:...").

    `request_hash` is a hash of everything the caller sent, without card data.
    """

    money: Money
    description: str
    country: str
    customer: Customer | None = None
    merchant_reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    request_hash: str | None = None
    expires_after_min: int | None = None


@dataclass(frozen=True, slots=True)
class CreatedOrder:
    """`token` opens the order's page; it is derived anew on a replay, never stored."""

    order: PaymentOrder
    token: str
    is_replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOrder:
    """One press of "Pay". Exactly one of `order_id` and `new_order` is given.

    With `new_order` the order and the first attempt's intent share one commit. `customer` and
    `country`, when given, replace the order's. `instrument` None pays by redirect or wallet.
    `language` is the one the customer reads, for the letters to them. `client_address` is the
    customer's network address, for the limits on declines; None when it is not known.
    """

    idempotency_key: str
    request_hash: str
    order_id: OrderId | None = None
    new_order: CreateOrder | None = None
    customer: Customer | None = None
    country: str | None = None
    preferred_provider: str | None = None
    language: str | None = None
    client_address: str | None = None
    instrument: CardInstrument | None = None
