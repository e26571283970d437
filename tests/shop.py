"""A shop to test with: payorch's real application core against the real practice provider.

Builders have sensible defaults, so that a test names only what it is about.
"""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

from payorch.application.commands import CreateOrder, PayOrder
from payorch.config import Settings
from payorch.domain.instrument import CardInstrument
from payorch.domain.money import Money
from payorch.domain.payment_method import Capabilities, MethodKind, PaymentMethodVO
from payorch.domain.payment_order import Customer
from payorch.domain.routing_policy import PolicyEntry
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.wiring import Seams, Wired, wire

FULL_CAPABILITIES = Capabilities(
    idempotency_window_s=86_400,
    find_by_reference=True,
    cancel_by_reference=True,
    cancel_by_id=True,
    void=True,
    refund=True,
    list_payments=True,
)

_numbers = itertools.count(1)


def a_card(number: str = "4242424242424242", **fields) -> CardInstrument:
    fields = {"exp_month": 12, "exp_year": 2034, "cvc": "123", "holder": "Ana Diaz"} | fields
    return CardInstrument(number=number, **fields)


def a_customer(**fields) -> Customer:
    return Customer(**({"name": "Ana Diaz", "email": "ana@example.com"} | fields))


def a_method(code: str = "alpha", **fields) -> PaymentMethodVO:
    return PaymentMethodVO(
        **(
            {
                "code": code,
                "display_name": code.title(),
                "kind": MethodKind.CARD,
                "connector": "sandbox",
                "account": code,
                "capabilities": FULL_CAPABILITIES,
                "timeout_s": 2.0,
            }
            | fields
        )
    )


def an_order(amount_minor: int = 1999, currency: str = "EUR", **fields) -> CreateOrder:
    defaults = {"description": "Two books", "country": "DE", "customer": a_customer()}
    return CreateOrder(money=Money(amount_minor, currency), **(defaults | fields))


def a_payment(**fields) -> PayOrder:
    """A submission with a key of its own; give `order_id` or `new_order`."""
    number = next(_numbers)
    defaults = {
        "idempotency_key": f"test:{number}",
        "request_hash": f"hash-{number}",
        "instrument": a_card(),
    }
    return PayOrder(**(defaults | fields))


class Shop:
    """Everything wired on one database, with providers in the given order.

    `methods` [] is another process on a database that is seeded already.
    """

    def __init__(
        self,
        database: Database,
        *,
        sandbox_url: str,
        methods: list[PaymentMethodVO] | None = None,
        seams: Seams | None = None,
        **settings,
    ) -> None:
        self.database = database
        # Practice cards are used again and again; the tests of the caps switch them on.
        settings = {"scheme_retry_caps": False} | settings
        self.settings = replace(Settings(), sandbox_url=sandbox_url, **settings)
        self.wired: Wired = wire(self.settings, database.engine, seams)
        self.services = self.wired.services
        if methods is None:
            methods = [a_method("alpha"), a_method("beta"), a_method("gamma")]
        if methods:
            seed(database, methods)

    def order(self, **fields):
        return self.services.create_order.execute(an_order(**fields)).order

    def pay(self, order_id=None, **fields):
        if order_id is None and "new_order" not in fields:
            fields["new_order"] = an_order()
        return self.services.pay_order.execute(a_payment(order_id=order_id, **fields))

    def view(self, order_id):
        return self.services.orders.by_id(order_id)

    def statuses(self, order_id) -> list[tuple[str, str]]:
        """(provider, status) of each attempt, first to last."""
        return [(t.provider_code, t.status.value) for t in self.view(order_id).transactions]


def seed(database: Database, methods: list[PaymentMethodVO]) -> None:
    """Methods, and a first policy that tries them in their order."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    repository = SqlAlchemyPaymentMethodRepository(database)
    for method in methods:
        repository.add(method, at=at)
    entries = tuple(
        PolicyEntry(method.code, tier=place, weight=1)
        for place, method in enumerate(methods, start=1)
    )
    SqlAlchemyRoutingPolicyRepository(database).publish(
        entries,
        based_on_version=0,
        exploration_share=0.0,
        actor="tests",
        reason="first policy",
        at=at,
    )
