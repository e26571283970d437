"""Tells staff who a customer is: everywhere else names and addresses are masked.

Whoever asks says why, and it is journalled before anything is told: what cannot be journalled is
not told. Nothing of the customer stands in the journal.
"""

from datetime import datetime
from typing import Protocol

from payorch.application.order_views import OrderReader
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import OrderNotFound
from payorch.domain.payment_order import Customer, OrderId


class RevealJournal(Protocol):
    """`address` is the network address of the person. Both raise LedgerUnavailable."""

    def customer_revealed(
        self, order_id: OrderId, *, actor: str, reason: str, address: str, at: datetime
    ) -> None:
        """Somebody sees the customer of one order."""

    def customers_exported(
        self, name: str, *, filters: str, actor: str, reason: str, address: str, at: datetime
    ) -> None:
        """Somebody takes a list with its customers away; `filters` is what it was cut down by."""


class RevealCustomersUseCase:
    def __init__(self, orders: OrderReader, journal: RevealJournal, clock: Clock) -> None:
        self._orders = orders
        self._journal = journal
        self._clock = clock

    def of_order(
        self, order_id: OrderId, *, actor: str, reason: str, address: str
    ) -> Customer | None:
        """None, and nothing journalled, where there is nobody to tell about.

        Raises ReasonRequired, OrderNotFound and SecretUnreadable.
        """
        why = checked_reason(reason)
        found = self._orders.by_id(order_id)
        if found is None:
            raise OrderNotFound("There is no such order.")
        customer = found.order.customer
        if customer is not None:
            self._journal.customer_revealed(
                order_id, actor=actor, reason=why, address=address, at=self._clock.now()
            )
        return customer

    def of_list(self, name: str, *, filters: str, actor: str, reason: str, address: str) -> None:
        """Call it before the first row leaves. Raises ReasonRequired."""
        self._journal.customers_exported(
            name,
            filters=filters,
            actor=actor,
            reason=checked_reason(reason),
            address=address,
            at=self._clock.now(),
        )
