"""Orders that end without a payment: somebody cancels, or their time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from payorch.domain.errors import OrderAlreadyPaid, OrderNotPayable, PaymentInProgress
from tests.simulation.machine.model import REFUSED_CANCELS, ModelOrder
from tests.simulation.machine.paying import MOODS, Paying
from tests.simulation.machine.shop_floor import ShopFloor, asked

if TYPE_CHECKING:
    from tests.shop import Shop
    from tests.simulation.scripted_providers import Mood


class Ending(Paying):
    @rule(order=ShopFloor.orders)
    def she_cancels(self, order: ModelOrder) -> None:
        """Only an order for which nothing is under way can be cancelled."""
        before = order.status or self.books.status_of(order.id) or ""
        if self._cancel(self.shop, order, before):
            order.status = "cancelled"

    @rule(order=ShopFloor.orders, moods=MOODS)
    def she_cancels_while_she_pays(self, order: ModelOrder, moods: dict[str, Mood]) -> None:
        """A provider works on the charge at this moment: it is too late."""

        def cancel() -> None:
            assert not self._cancel(self.other, order, "processing")

        self.providers.meanwhile = cancel
        self.pays(order, moods, None)
        self.providers.meanwhile = None

    @rule(minutes=st.sampled_from((1500, 21_000)))
    def days_go_by(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @precondition(lambda self: self.model)
    @rule()
    def orders_expire(self) -> None:
        """Those whose time is over; one with an open attempt has to end first."""
        for order in self.model:
            order.status = order.status or self.books.status_of(order.id)
        self.shop.services.end_order.expire_due()
        for order in self.model:
            if order.status in {"pending", "failed"} and self._is_overdue(order):
                order.status = "expired"

    @staticmethod
    def _cancel(shop: Shop, order: ModelOrder, status: str) -> bool:
        """Whether it was cancelled; what it was refused with is what its status asks for."""
        ended, refused = asked(
            lambda: shop.services.end_order.cancel(
                order.id, actor="ana", reason="Changed my mind."
            ),
            OrderAlreadyPaid,
            PaymentInProgress,
            OrderNotPayable,
        )
        assert refused is REFUSED_CANCELS.get(status)
        return ended is not None
