"""People at work: they refund paid orders, whole or in part, and reorder the providers."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.refund_payment import RefundPayment
from payorch.domain.errors import PayorchError
from payorch.domain.routing_policy import PolicyEntry
from tests.simulation.shoppers import NoAnswer, ask

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST_REFUNDS = 3


def start_staff(world: World) -> None:
    chance = Random(f"{world.seed}:staff")
    if chance.random() < 0.5:
        world.spawn_client("finn refunds", lambda: _refund(world, chance))
    if chance.random() < 0.2:
        world.spawn_client("olga reorders", lambda: _reorder(world, chance))


def _refund(world: World, chance: Random) -> None:
    """The same refund may be asked for twice; each request is one refund all the same."""
    for number in range(MOST_REFUNDS):
        world.scheduler.sleep(chance.choice((10, 60, 400)))
        paid = [order.public_id for order in world.books.orders() if order.status == "paid"]
        if not paid:
            continue
        command = RefundPayment(
            order_id=chance.choice(paid),
            amount_minor=chance.choice((None, 500, 1500)),
            reason="the customer sent it back",
            actor="finn@example.com",
            idempotency_key=f"refund:{number}",
            request_hash=f"hash of {number}",
            prefers_void=chance.random() < 0.3,
        )
        for _ in range(chance.choice((1, 2))):
            try:
                ask(world, chance, lambda services: services.refund_payment.execute(command))  # noqa: B023 - used at once
            except (NoAnswer, PayorchError):
                continue


def _reorder(world: World, chance: Random) -> None:
    world.scheduler.sleep(chance.uniform(0, 60))
    names = list(world.providers.accounts)
    chance.shuffle(names)
    change = ChangeRoutingPolicy(
        entries=tuple(PolicyEntry(name, tier) for tier, name in enumerate(names, 1)),
        based_on_version=1,
        actor="olga@example.com",
        reason="another order",
    )
    try:
        ask(world, chance, lambda services: services.change_policy.execute(change))
    except (NoAnswer, PayorchError):
        world.note("not reordered")
