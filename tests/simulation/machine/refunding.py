"""Finance give money back: in part, all of it, too much, twice at once, again after a crash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from payorch.application.refund_payment import RefundPayment
from payorch.domain.errors import (
    IdempotencyKeyReused,
    OrderNotRefundable,
    RefundInProgress,
    RefundNotRetryable,
    RefundTooLarge,
)
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId, RefundKind
from tests.simulation.machine.model import (
    AMOUNT_MINOR,
    ModelMoney,
    refund_forecast,
    refused_retry,
)
from tests.simulation.machine.shop_floor import WHICH, ShopFloor, asked
from tests.simulation.scripted_providers import RefundMood

if TYPE_CHECKING:
    from tests.shop import Shop
    from tests.simulation.account import Refund
    from tests.simulation.machine.model import ModelOrder

CRASH_POINTS = st.integers(1, 12)
NOT_REFUNDABLE = (OrderNotRefundable, RefundTooLarge)
OPEN = {"started", "pending", "unknown"}


@dataclass(frozen=True, slots=True)
class Wish:
    """`which` of the paid orders, how much of it, and what its provider will do with it."""

    which: int
    amount: int | None
    prefers_void: bool
    mood: RefundMood


WISHES = st.builds(
    Wish,
    which=WHICH,
    amount=st.sampled_from((None, None, 1, 500, 1500, AMOUNT_MINOR, AMOUNT_MINOR + 1)),
    prefers_void=st.booleans(),
    mood=st.sampled_from(RefundMood),
)


@dataclass(slots=True)
class Request:
    """What was asked for; `refund` None: the process died over it."""

    command: RefundPayment
    refund: str | None = None


class Refunding(ShopFloor):
    def __init__(self) -> None:
        super().__init__()
        self._requests: list[Request] = []

    @precondition(lambda self: self.paid_orders())
    @rule(wish=WISHES)
    def finn_refunds(self, wish: Wish) -> None:
        self._refund(self.shop, self._set_out_for(wish), wish.mood)

    @rule(order=ShopFloor.orders, wish=WISHES)
    def finn_refunds_whatever_order_it_is(self, order: ModelOrder, wish: Wish) -> None:
        self._refund(self.shop, self._set_out_for(wish, order), wish.mood)

    @precondition(lambda self: self.paid_orders())
    @rule(wish=WISHES, too=st.sampled_from((None, 500, 1500)))
    def two_people_refund_at_once(self, wish: Wish, too: int | None) -> None:
        """The second one asks while the provider works on the first one's request."""
        first = self._set_out_for(wish)
        second = self._asking(first.order_id, too)
        self.providers.meanwhile = lambda: self._refund(self.other, second, wish.mood)
        self._refund(self.shop, first, wish.mood)
        self.providers.meanwhile = None

    @precondition(lambda self: self.paid_orders())
    @rule(wish=WISHES, place=CRASH_POINTS)
    def the_process_dies_while_finn_refunds(self, wish: Wish, place: int) -> None:
        command = self._set_out_for(wish)
        if self.dies(place, lambda: self._refund(self.shop, command, wish.mood)):
            self._requests.append(Request(command))

    @precondition(lambda self: self._requests)
    @rule(which=WHICH)
    def finn_asks_for_the_same_again(self, which: int) -> None:
        """One key is one refund. After a crash only the books know whether it was written."""
        request = self._requests[which % len(self._requests)]
        self.set_out()
        self.providers.heal()
        given_back = self._at_providers()
        opened, _ = asked(
            lambda: self.shop.services.refund_payment.execute(request.command), *NOT_REFUNDABLE
        )
        if request.refund is not None:
            assert opened is not None
            assert opened.is_replay
            assert opened.refund.id == request.refund
            assert self._at_providers() == given_back
        elif opened is not None:
            request.refund = opened.refund.id

    @precondition(lambda self: self._known())
    @rule(which=WHICH)
    def finn_asks_for_something_else_under_the_same_key(self, which: int) -> None:
        known = self._known()[which % len(self._known())]
        changed = replace(known.command, request_hash="other")
        _, refused = asked(
            lambda: self.shop.services.refund_payment.execute(changed), IdempotencyKeyReused
        )
        assert refused is IdempotencyKeyReused

    @precondition(lambda self: self._known())
    @rule(which=WHICH, mood=st.sampled_from(RefundMood))
    def finn_tries_a_failed_one_again(self, which: int, mood: RefundMood) -> None:
        """The provider decided about the key of a refund; a void may be possible by now."""
        rows = {row.public_id: row for row in self.books.refunds()}
        failed = [known for known in self._known() if rows[known.refund].status == "failed"]
        candidates = failed or self._known()
        known = candidates[which % len(candidates)]
        row = rows[known.refund]
        self.set_out()
        self.providers.refund_mood = mood
        is_too_large = self._money(known.command.order_id).left < row.amount_minor
        _, refused = asked(
            lambda: self.shop.services.refund_payment.retry(
                RefundId(row.public_id), actor="finn@example.com", reason="Once more."
            ),
            RefundInProgress,
            RefundNotRetryable,
            RefundTooLarge,
        )
        assert refused is refused_retry(row.status, is_too_large=is_too_large)

    @precondition(lambda self: self.pending_refunds())
    @rule(is_given_back=st.booleans())
    def providers_end_refunds(self, is_given_back: bool) -> None:  # noqa: FBT001
        for refund in self.pending_refunds():
            self.providers.end_refund(refund, is_given_back=is_given_back)

    def paid_orders(self) -> list[ModelOrder]:
        return [order for order in self.model if order.status == "paid"]

    def pending_refunds(self) -> list[Refund]:
        return [refund for refund in self._refunds() if refund.status == "pending"]

    def _set_out_for(self, wish: Wish, order: ModelOrder | None = None) -> RefundPayment:
        self.set_out()
        self.providers.refund_mood = wish.mood
        if order is None:
            paid = self.paid_orders()
            order = paid[wish.which % len(paid)]
        return self._asking(order.id, wish.amount, prefers_void=wish.prefers_void)

    def _refund(self, shop: Shop, command: RefundPayment, mood: RefundMood) -> None:
        """Takes place, or is refused, as the money says that the books hold for the order."""
        money = self._money(command.order_id)
        is_void = money.is_void(command.amount_minor, prefers_void=command.prefers_void)
        opened, refused = asked(
            lambda: shop.services.refund_payment.execute(command), *NOT_REFUNDABLE
        )
        assert refused is money.refuses(command.amount_minor)
        if opened is None:
            return
        refund = opened.refund
        assert not opened.is_replay
        assert refund.money.amount_minor == (command.amount_minor or money.left)
        assert (refund.kind is RefundKind.VOID) == is_void
        assert refund.status == refund_forecast(mood, is_void=is_void)
        self._requests.append(Request(command, refund.id))

    def _money(self, order_id: str) -> ModelMoney:
        """From the refunds in the books, of which each is compared with the provider's ledger."""
        money = ModelMoney(is_paid=self.books.status_of(order_id) == "paid")
        rows = self.books.rows(
            "SELECT r.* FROM refunds r JOIN orders o ON o.id = r.order_id"
            " WHERE o.public_id = :id AND NOT r.is_guard",
            id=order_id,
        )
        for row in rows:
            money.refunded += row.amount_minor if row.status == "succeeded" else 0
            money.open += row.amount_minor if row.status in OPEN else 0
            money.was_void_refused |= row.kind == "void" and row.status == "failed"
        return money

    def _at_providers(self) -> int:
        return len(self._refunds())

    def _refunds(self) -> list[Refund]:
        accounts = self.providers.accounts.values()
        return [refund for account in accounts for refund in account.refunds.values()]

    def _known(self) -> list[Request]:
        return [request for request in self._requests if request.refund is not None]

    def _asking(
        self, order_id: str, amount: int | None, *, prefers_void: bool = False
    ) -> RefundPayment:
        number = next(self.numbers)
        return RefundPayment(
            order_id=OrderId(order_id),
            amount_minor=amount,
            reason="Came back broken.",
            actor="finn@example.com",
            idempotency_key=f"refund:{number}",
            request_hash=f"hash {number}",
            prefers_void=prefers_void,
        )
