"""Customers: they press "Pay" twice, try again when nothing comes, go to the bank's page or walk
away. What they are told is kept: nobody may be told "paid" who is not, or "not charged" who is.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from payorch.application.commands import PayOrder
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import (
    CardNotAcceptedNow,
    LedgerUnavailable,
    NoProviderForOrder,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
    PayorchError,
    TooManySubmissions,
)
from payorch.domain.payment_status import PaymentStatus
from tests.fakes import SimulatedCrash
from tests.shop import a_card, an_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from payorch.application.services import Services
    from payorch.domain.payment_order import OrderId
    from tests.simulation.scheduler import Task
    from tests.simulation.world import World

AMOUNT_MINOR = 1999
MOST_TRIES = 4
SHARE_OF_CANCELS = 0.15


class NoAnswer(Exception):
    """The server died, was not there, or took longer than the customer waits."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer was told, and under which submit key."""

    order_id: OrderId
    kind: ResultKind
    key: str


class Shopper:
    """One customer with one basket, which is to be paid once, however often she presses "Pay"."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._chance = Random(f"{world.seed}:shopper:{number}")
        self.name = f"shopper{number}"
        self.keys: list[str] = []
        self.order_id: OrderId | None = None
        self._command = an_order(AMOUNT_MINOR, idempotency_key=f"order:{self.name}")

    def start(self) -> None:
        self._world.spawn_client(self.name, self._shop)

    def _shop(self) -> None:
        self._world.scheduler.sleep(self._chance.uniform(0, 20))
        if self._chance.random() < 0.5:
            self._create_order()
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            kind = self._press_pay()
            if kind is ResultKind.PAID:
                return
            self._world.scheduler.sleep(self._chance.choice((1, 20, 300)))

    def _create_order(self) -> None:
        for _ in range(MOST_TRIES):
            try:
                created = self._ask(lambda services: services.create_order.execute(self._command))
            except (NoAnswer, LedgerUnavailable):
                continue
            self.order_id = created.order.id
            return

    def _press_pay(self) -> ResultKind | None:
        """Once, as a double click, or in two tabs of the browser."""
        key = f"{self.name}:{len(self.keys)}"
        if self.order_id is None and self.keys:
            # She never heard of an order: the same form is sent again.
            key = self.keys[0]
        self.keys.append(key)
        command = PayOrder(
            idempotency_key=key,
            request_hash=f"hash of {key}",
            order_id=self.order_id,
            new_order=None if self.order_id else replace(self._command, idempotency_key=key),
            preferred_provider=self._chance.choice((None, None, "alpha", "beta")),
            instrument=a_card(),
        )
        others = [
            self._world.spawn_client(f"{self.name} too", functools.partial(self._pay, other))
            for other in self._pressed_as_well(command)
        ]
        if self.order_id is not None and self._chance.random() < SHARE_OF_CANCELS:
            others.append(self._world.spawn_client(f"{self.name} cancels", self._cancel))
        kind = self._pay(command)
        for other in others:
            self._world.scheduler.wait(other.done, 10_000)
        return kind

    def _cancel(self) -> None:
        """She changes her mind in the moment in which she pays."""
        try:
            ended = self._ask(
                lambda services: services.end_order.cancel(
                    self.order_id, actor=self.name, reason="Changed my mind."
                )
            )
        except (NoAnswer, PayorchError):
            return
        self._world.cancelled.add(ended.id)

    def _pressed_as_well(self, command: PayOrder) -> list[PayOrder]:
        draw = self._chance.random()
        if draw < 0.25:
            return [command]
        if draw < 0.4 and self.order_id is not None:
            key = f"{command.idempotency_key}:tab"
            return [replace(command, idempotency_key=key, request_hash=f"hash of {key}")]
        return []

    def _pay(self, command: PayOrder) -> ResultKind | None:
        """Press until there is an answer. The key stays the same, so that it is one payment."""
        for _ in range(MOST_TRIES):
            try:
                result = self._ask(lambda services: services.pay_order.execute(command))
            except OrderAlreadyPaid:
                self._hear_paid(command.order_id)
                return ResultKind.PAID
            except (OrderNotPayable, NoProviderForOrder, TooManySubmissions, CardNotAcceptedNow):
                return None
            except (NoAnswer, LedgerUnavailable, PaymentInProgress):
                self._world.scheduler.sleep(self._chance.choice((0.0, 2.0, 30.0)))
                continue
            self.order_id = result.order_id
            self._hear(command, result)
            if result.kind in {ResultKind.ACTION_REQUIRED, ResultKind.CONFIRMING}:
                self._follow_up(result)
            return result.kind
        return None

    def _hear(self, command: PayOrder, result: PaymentResult) -> None:
        self._world.note(self.name, "hears", result.kind.value)
        self._world.told.append(Told(result.order_id, result.kind, command.idempotency_key))
        if result.kind is ResultKind.PAID:
            self._hear_paid(result.order_id)

    def _hear_paid(self, order_id: OrderId | None) -> None:
        status = self._world.books.status_of(order_id)
        if status != PaymentStatus.PAID:
            self._world.find(f"{self.name} was told that {order_id} is paid; it is {status}")

    def _follow_up(self, result: PaymentResult) -> None:
        """To the bank's page and back, or a look at the order's page."""
        if result.redirect_url is not None and self._chance.random() < 0.8:
            self._world.scheduler.sleep(self._chance.choice((5.0, 100.0, 4000.0)))
            payment = self._world.providers.payment_at(result.redirect_url)
            if payment is not None:
                self._world.providers.decide(payment, is_approved=self._chance.random() < 0.8)
        if self._chance.random() < 0.6:
            self._look(result.order_id)

    def _look(self, order_id: OrderId) -> None:
        try:
            self._ask(lambda services: services.resolve.check_order_now(order_id))
            view = self._ask(lambda services: services.orders.by_id(order_id))
        except (NoAnswer, LedgerUnavailable):
            return
        self._world.note(self.name, "sees", view.order.status.value)

    def _ask(self, handle: Callable[[Services], Any]) -> Any:
        return ask(self._world, self._chance, handle)


def ask(world: World, chance: Random, handle: Callable[[Services], Any]) -> Any:
    """One request to one of the web processes. Raises NoAnswer and what payorch refuses with.

    After a refusal nothing was sent for it: the texts on the pages rely on that.
    """
    life = chance.choice(world.web)
    if life.is_dead:
        world.scheduler.sleep(1.0)
        raise NoAnswer
    who = world.scheduler.current.name if world.scheduler.current else ""
    task = world.scheduler.spawn(f"{life.name} for {who}", lambda: handle(life.services), life)
    patience_s = chance.choice((3.0, 60.0, 60.0, 60.0))
    if not world.scheduler.wait(task.done, patience_s):
        raise NoAnswer
    if task.error is None:
        return task.result
    _check_error(world, task)
    if isinstance(task.error, PayorchError):
        raise task.error
    raise NoAnswer


def _check_error(world: World, task: Task) -> None:
    error = task.error
    if isinstance(error, PayorchError):
        if task.charges_sent:
            world.find(f"refused with {error.code} after a charge was sent")
    elif not isinstance(error, (SimulatedCrash, SQLAlchemyError)):
        world.find(f"a request broke: {error!r}")
