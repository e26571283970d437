"""PaymentOrder: what is to be paid, by whom, until when. It never holds card data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from payorch.domain.errors import OrderAlreadyPaid, OrderNotPayable, PaymentInProgress
from payorch.domain.money import Money
from payorch.domain.payment_status import PaymentStatus

OrderId = NewType("OrderId", str)
"""Public id of an order, `po_...`; the database's integer key never leaves it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays. `fields` are the extra ones that a provider requires, such as a tax id.

    The e-mail address is kept in lower case: staff search it by equality, in whatever case they
    have it, and two spellings of one address are one customer.
    """

    name: str
    email: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "email", self.email.lower())

    def __repr__(self) -> str:
        return "Customer(hidden)"


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One thing to be paid. `country` is ISO 3166-1 alpha-2, times are aware UTC."""

    id: OrderId
    money: Money
    description: str
    country: str
    customer: Customer | None
    status: PaymentStatus
    version: int
    created_at: datetime
    expires_at: datetime
    merchant_reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    flag: str | None = None

    def require_payable(self, now: datetime) -> None:
        """Raises when no submission may be taken now; the message is fit for the customer."""
        match self.status:
            case PaymentStatus.PAID:
                raise OrderAlreadyPaid("This order is already paid.")
            case PaymentStatus.PROCESSING:
                raise PaymentInProgress(
                    "A payment for this order is being processed.", order_id=self.id
                )
            case PaymentStatus.EXPIRED | PaymentStatus.CANCELLED:
                raise OrderNotPayable(f"This order is {self.status}.")
            case PaymentStatus.PENDING | PaymentStatus.FAILED:
                if now >= self.expires_at:
                    raise OrderNotPayable("This order has expired.")
