"""Customers who pay, press again, come back and look; processes that die over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from payorch.application.commands import PayOrder
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import OrderAlreadyPaid, OrderNotPayable, PaymentInProgress
from tests.shop import a_card
from tests.simulation.machine.model import (
    AMOUNT_MINOR,
    REFUSED_PAYMENTS,
    Forecast,
    ModelOrder,
    forecast,
)
from tests.simulation.machine.shop_floor import EXPIRES_AFTER_MIN, WHICH, ShopFloor, asked
from tests.simulation.scripted_providers import NAMES, Mood

if TYPE_CHECKING:
    from tests.shop import Shop

# Any crash point that a submission of three attempts can have; a later one never comes.
CRASH_POINTS = st.integers(1, 24)
NOT_NOW = (OrderAlreadyPaid, OrderNotPayable, PaymentInProgress)
MOODS = st.fixed_dictionaries({name: st.sampled_from(Mood) for name in NAMES})


class Paying(ShopFloor):
    @rule(target=ShopFloor.orders)
    def a_customer_orders(self) -> ModelOrder:
        expires_at_s = self.clock.elapsed_s + EXPIRES_AFTER_MIN * 60
        order = ModelOrder(self.shop.order(amount_minor=AMOUNT_MINOR).id, expires_at_s)
        self.model.append(order)
        return order

    @rule(target=ShopFloor.orders, moods=MOODS)
    def a_customer_orders_and_pays(self, moods: dict[str, Mood]) -> ModelOrder:
        order = self.a_customer_orders()
        self.pays(order, moods, None)
        return order

    @rule(order=ShopFloor.orders, moods=MOODS, preferred=st.sampled_from((None, *NAMES)))
    def she_pays(self, order: ModelOrder, moods: dict[str, Mood], preferred: str | None) -> None:
        self.pays(order, moods, preferred)

    @rule(order=ShopFloor.orders, moods=MOODS)
    def she_pays_in_two_tabs_at_once(self, order: ModelOrder, moods: dict[str, Mood]) -> None:
        """The other tab's request comes in while a provider works on the first one's charge."""

        def press_in_the_other_tab() -> None:
            command = self._command(order, None)
            _, refused = asked(lambda: self._submit_to(self.other, command), *NOT_NOW)
            assert refused is PaymentInProgress

        self.providers.meanwhile = press_in_the_other_tab
        self.pays(order, moods, None)
        self.providers.meanwhile = None

    @precondition(lambda self: any(order.last_command for order in self.model))
    @rule(which=WHICH)
    def she_sends_the_same_again(self, which: int) -> None:
        """The stored answer once it is over; before that, that it is being confirmed."""
        asked_for = [order for order in self.model if order.last_command is not None]
        order = asked_for[which % len(asked_for)]
        assert order.last_command is not None
        result = self._submit_again(order.last_command)
        if result is None:
            assert order.status in {None, "processing"} or order.last_kind is None
        elif order.last_kind is not None and result.kind is not order.last_kind:
            assert order.last_kind in {ResultKind.CONFIRMING, ResultKind.ACTION_REQUIRED}
        if result is not None and result.kind is ResultKind.PAID:
            assert self.books.status_of(order.id) == "paid"
            order.status = "paid"

    @rule(order=ShopFloor.orders, moods=MOODS, place=CRASH_POINTS)
    def the_process_dies_while_she_pays(
        self, order: ModelOrder, moods: dict[str, Mood], place: int
    ) -> None:
        before = order.status
        if not self.dies(place, lambda: self.pays(order, moods, None)):
            return
        is_claimed = before in {"pending", "failed", None} and not self._is_overdue(order)
        order.status = None if is_claimed else before

    @precondition(lambda self: self.providers.has_requests_on_the_way)
    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self.providers.land()

    @precondition(lambda self: any(payment.is_open for payment in self.payments()))
    @rule(is_approved=st.booleans())
    def providers_settle_what_is_open(self, is_approved: bool) -> None:  # noqa: FBT001
        """Also what waits on a provider's page: the customer decides it, and never comes back."""
        for payment in self.payments():
            if payment.is_open:
                self.providers.settle(payment, is_approved=is_approved)

    @rule(order=ShopFloor.orders)
    def she_looks_at_the_order(self, order: ModelOrder) -> None:
        """The return page asks the provider; what it says is then in the books."""
        self.providers.heal()
        self.shop.services.resolve.check_order_now(order.id)
        if order.status in {None, "processing"}:
            order.status = None

    @rule(minutes=st.sampled_from((1, 20, 600)))
    def the_workers_come_by(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        self.work()

    @rule(places=st.permutations(NAMES))
    def ops_reorder_the_providers(self, places: list[str]) -> None:
        self.publish(list(places))

    def pays(self, order: ModelOrder, moods: dict[str, Mood], preferred: str | None) -> None:
        self.set_out()
        self.providers.moods = dict(moods)
        command = self._command(order, preferred)
        expected = forecast(moods, self._tried(preferred))
        order.last_command, last = command, (order.last_command, order.last_kind)
        order.last_kind = None
        result = self._submit(order, command)
        if result is None:
            order.last_command, order.last_kind = last
        else:
            self._remember(order, expected)
            assert result.kind is expected.kind

    def _submit(self, order: ModelOrder, command: PayOrder) -> PaymentResult | None:
        """None when it was refused, as it has to be while the order is not payable."""
        expected = REFUSED_PAYMENTS.get(order.status or "")
        if expected is None and self._is_overdue(order):
            expected = OrderNotPayable
        result, refused = asked(lambda: self._submit_to(self.shop, command), *NOT_NOW)
        assert order.status is None or refused is expected
        return result

    @staticmethod
    def _submit_to(shop: Shop, command: PayOrder) -> PaymentResult:
        return shop.services.pay_order.execute(command)

    def _submit_again(self, command: PayOrder) -> PaymentResult | None:
        self.providers.heal()
        return asked(lambda: self._submit_to(self.shop, command), *NOT_NOW)[0]

    def _remember(self, order: ModelOrder, expected: Forecast) -> None:
        order.status, order.last_kind = expected.status, expected.kind

    def _is_overdue(self, order: ModelOrder) -> bool:
        return self.clock.elapsed_s >= order.expires_at_s

    def _tried(self, preferred: str | None) -> list[str]:
        others = [name for name in self.order_of_trying if name != preferred]
        return others if preferred is None else [preferred, *others]

    def _command(self, order: ModelOrder, preferred: str | None) -> PayOrder:
        number = next(self.numbers)
        return PayOrder(
            idempotency_key=f"{order.id}:{number}",
            request_hash=f"hash {number}",
            order_id=order.id,
            preferred_provider=preferred,
            instrument=a_card(),
        )
