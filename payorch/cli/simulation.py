"""Places made-up orders through the use cases, the same ones for the same seed."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from payorch.application.commands import CreateOrder, PayOrder
from payorch.application.order_views import OrderView
from payorch.application.payment_result import ResultKind
from payorch.domain.errors import PayorchError
from payorch.domain.instrument import CardInstrument
from payorch.domain.payment_order import Customer
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.infrastructure.demo_ids import RepeatableIds
from payorch.infrastructure.demo_shop import DemoOrder, draw_order
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS
from payorch.wiring import Wired

_CHANCE_CARDS = tuple(card.number for card in MAGIC_CARDS if card.by_chance)


@dataclass(slots=True)
class SimulationReport:
    """`attempts` counts by provider and outcome; `recovered` orders were paid after a fallback.

    `refusals` are orders that no payment was tried for, by the reason in words.
    """

    results: Counter[ResultKind] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    attempts: Counter[tuple[str, TransactionStatus]] = field(default_factory=Counter)
    recovered: int = 0


def simulate_orders(
    wired: Wired, ids: RepeatableIds, *, orders: int, seed: int
) -> Iterator[SimulationReport]:
    """Pay `orders` orders one after the other; gives the report so far after each.

    A second run with the same seed pays nothing: its submissions are replays of the first.
    """
    report = SimulationReport()
    for number in range(orders):
        ids.begin(number)
        random = Random(f"{seed}:{number}")  # noqa: S311 - made-up customers
        command = _command(draw_order(random), random.choice(_CHANCE_CARDS), seed, number)
        try:
            result = wired.services.pay_order.execute(command)
        except PayorchError as refusal:
            report.refusals[refusal.message] += 1
        else:
            view = wired.services.orders.by_id(result.order_id)
            kind = result.kind if view is None else result.told(view.order)
            report.results[kind] += 1
            if view is not None:
                _count_attempts(report, view, is_paid=result.kind is ResultKind.PAID)
        yield report


def _command(order: DemoOrder, card_number: str, seed: int, number: int) -> PayOrder:
    key = f"simulate:{seed}:{number}"
    customer = Customer(order.customer_name, order.customer_email, order.customer_fields)
    request_hash = hashlib.sha256(f"{key}:{order}".encode()).hexdigest()
    return PayOrder(
        idempotency_key=key,
        request_hash=request_hash,
        new_order=CreateOrder(
            money=order.money,
            description=order.description,
            country=order.country,
            customer=customer,
            merchant_reference=f"SIM-{seed}-{number}",
            idempotency_key=key,
            request_hash=request_hash,
        ),
        customer=customer,
        instrument=CardInstrument(card_number, 12, 2034, "123", order.customer_name),
    )


def _count_attempts(report: SimulationReport, view: OrderView, *, is_paid: bool) -> None:
    for attempt in view.transactions:
        report.attempts[attempt.provider_code, attempt.status] += 1
    first = view.transactions[0].status if view.transactions else None
    if is_paid and first not in CHARGED_TRANSACTION_STATUSES:
        report.recovered += 1
