"""payorch's books against the providers' own ledgers: every cent must tell the same story."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from sqlalchemy import text

from payorch.infrastructure.persistence.database import Database
from tests.chaos.provider_processes import Providers
from tests.chaos.shoppers import Purchase

_ORDERS = text("SELECT public_id, status, amount_minor, currency, flag FROM orders")
_REFUNDS = text("SELECT public_id, status, amount_minor FROM refunds WHERE kind = 'refund'")
_TRANSACTIONS = text("""
    SELECT t.public_id, o.public_id AS order_id, t.status
    FROM transactions t JOIN orders o ON o.id = t.order_id
""")


CHARGED = frozenset({"approved", "partially_refunded", "refunded"})
OPEN_REFUNDS = frozenset({"started", "pending", "unknown"})


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
    refunded_more_than_charged: list[str] = field(default_factory=list)
    refund_sent_twice: list[str] = field(default_factory=list)
    refund_unlike_the_providers: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    broken_invariants: list[str] = field(default_factory=list)
    """What `payorch verify` says about the books by themselves."""

    def counts(self) -> dict[str, int]:
        return {item.name: len(getattr(self, item.name)) for item in fields(self)}

    def harms(self) -> dict[str, list[str]]:
        return {item.name: found for item in fields(self) if (found := getattr(self, item.name))}


def compare(database: Database, providers: Providers, purchases: Iterable[Purchase]) -> Findings:
    """What payorch believes and told, against what the providers charged."""
    with database.read() as connection:
        orders = {row.public_id: row for row in connection.execute(_ORDERS)}
        order_of = {row.public_id: row.order_id for row in connection.execute(_TRANSACTIONS)}
        refunds = {row.public_id: row for row in connection.execute(_REFUNDS)}
    findings = Findings()
    charges = defaultdict(list)
    ledger = providers.ledger()
    for payment in ledger["payments"]:
        if payment["status"] in CHARGED:
            order_id = order_of.get(payment["reference"])
            if order_id is None:
                findings.charged_without_an_order.append(payment["id"])
            else:
                charges[order_id].append(payment)
    for order_id, order in orders.items():
        _judge(order, charges[order_id], findings)
    _compare_refunds(refunds, ledger, findings)
    for purchase in purchases:
        _hear(purchase, orders, findings)
    return findings


def _compare_refunds(refunds, ledger, findings: Findings) -> None:
    """A refund has settled at payorch exactly as at the provider, under one reference each."""
    at_providers = defaultdict(list)
    given_back: Counter[str] = Counter()
    for refund in ledger["refunds"]:
        if refund["status"] == "succeeded":
            given_back[refund["payment_id"]] += refund["amount"]
            at_providers[refund["reference"]].append(refund["amount"])
    for payment in ledger["payments"]:
        if given_back[payment["id"]] > payment["amount"]:
            findings.refunded_more_than_charged.append(payment["id"])
    for reference, amounts in at_providers.items():
        if len(amounts) > 1:
            findings.refund_sent_twice.append(reference)
    for reference in refunds.keys() | at_providers.keys():
        refund = refunds.get(reference)
        expected = [refund.amount_minor] if refund and refund.status == "succeeded" else []
        if at_providers[reference] != expected:
            findings.refund_unlike_the_providers.append(reference)
        if refund and refund.status in OPEN_REFUNDS:
            findings.still_open.append(reference)


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
