"""payorch's books against the providers' own ledgers: every cent must tell the same story."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from sqlalchemy import text

from payorch.infrastructure.persistence.database import Database
from tests.chaos.provider_processes import Providers
from tests.chaos.shoppers import Purchase

_ORDERS = text("SELECT public_id, status, amount_minor, currency, flag FROM orders")
_TRANSACTIONS = text("""
    SELECT t.public_id, o.public_id AS order_id, t.status
    FROM transactions t JOIN orders o ON o.id = t.order_id
""")


@dataclass(slots=True)
class Findings:
    """Order ids (or payment ids) of each kind of harm. All empty: the books agree."""

    charged_twice: list[str] = field(default_factory=list)
    charged_but_not_paid: list[str] = field(default_factory=list)
    failed_but_charged: list[str] = field(default_factory=list)
    paid_but_not_charged: list[str] = field(default_factory=list)
    paid_with_another_amount: list[str] = field(default_factory=list)
    charged_without_an_order: list[str] = field(default_factory=list)
    told_paid_but_not: list[str] = field(default_factory=list)
    told_two_endings: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {item.name: len(getattr(self, item.name)) for item in fields(self)}

    def harms(self) -> dict[str, list[str]]:
        return {item.name: found for item in fields(self) if (found := getattr(self, item.name))}


def compare(database: Database, providers: Providers, purchases: Iterable[Purchase]) -> Findings:
    """What payorch believes and told, against what the providers charged."""
    with database.read() as connection:
        orders = {row.public_id: row for row in connection.execute(_ORDERS)}
        order_of = {row.public_id: row.order_id for row in connection.execute(_TRANSACTIONS)}
    findings = Findings()
    charges = defaultdict(list)
    for payment in providers.ledger()["payments"]:
        if payment["status"] == "approved":
            order_id = order_of.get(payment["reference"])
            if order_id is None:
                findings.charged_without_an_order.append(payment["id"])
            else:
                charges[order_id].append(payment)
    for order_id, order in orders.items():
        _judge(order, charges[order_id], findings)
    for purchase in purchases:
        _hear(purchase, orders, findings)
    return findings


def _judge(order, charges, findings: Findings) -> None:
    is_paid = order.status == "paid"
    if len(charges) > 1:
        findings.charged_twice.append(order.public_id)
    if charges and not is_paid:
        findings.charged_but_not_paid.append(order.public_id)
    if charges and order.status == "failed":
        findings.failed_but_charged.append(order.public_id)
    if is_paid and not charges:
        findings.paid_but_not_charged.append(order.public_id)
    if any((c["amount"], c["currency"]) != (order.amount_minor, order.currency) for c in charges):
        findings.paid_with_another_amount.append(order.public_id)
    if order.status == "processing":
        findings.still_open.append(order.public_id)


def _hear(purchase: Purchase, orders, findings: Findings) -> None:
    """Nobody is told "paid" of an order that is not, nor two endings of one press."""
    endings = {told for told in purchase.told if told[1] in {"paid", "declined", "not_charged"}}
    if len(endings) > 1:
        findings.told_two_endings.append(purchase.key)
    for order_id, result in endings:
        if result == "paid" and orders[order_id].status != "paid":
            findings.told_paid_but_not.append(order_id)
