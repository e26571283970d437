"""Who a customer is, as pages show it: masked, also when it was erased, or cannot be read."""

from dataclasses import dataclass

from payorch.domain.errors import SecretUnreadable
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.masked_texts import masked_email, masked_name
from payorch.presentation.services import services

UNREADABLE = "cannot be read"
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class ShownCustomer:
    """Name and address are masked. `note` says in a word why there is none, `because` in a
    sentence.
    """

    name: str | None = None
    email: str | None = None
    note: str | None = None
    because: str | None = None


def shown_customer(order: OrderRow) -> ShownCustomer:
    if order.erased_at is not None:
        return ShownCustomer(
            note=ERASED,
            because=f"Erased on {order.erased_at:%Y-%m-%d %H:%M} UTC by {order.erased_by}.",
        )
    try:
        customer = services().personal_data.customer_of(order)
    except SecretUnreadable as error:
        return ShownCustomer(note=UNREADABLE, because=f"It cannot be read: {error.message}")
    if customer is None:
        return ShownCustomer()
    return ShownCustomer(
        masked_name(customer.name), masked_email(customer.email) if customer.email else None
    )
