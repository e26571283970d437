"""Services that the checkout's pages talk to, standing still: what they answer is set by a test."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from payorch.application.order_views import OrderView, TransactionView
from payorch.domain.instrument import CardSummary
from payorch.domain.money import Money
from payorch.domain.payment_method import MethodKind, PaymentMethodVO
from payorch.domain.payment_order import Customer, OrderId, PaymentOrder
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.transaction import TransactionId

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

ALPHA = PaymentMethodVO(
    code="alpha",
    display_name="Alpha Pay",
    kind=MethodKind.CARD,
    connector="sandbox",
    account="alpha",
    currencies=frozenset({"EUR", "USD", "JPY"}),
)
BETA = PaymentMethodVO(
    code="beta",
    display_name="Beta Payments",
    kind=MethodKind.CARD,
    connector="sandbox",
    account="beta",
    countries=frozenset({"AR", "BR"}),
    required_fields=("document_type", "document_number"),
)
DELTA = PaymentMethodVO(
    code="delta",
    display_name="Delta Wallet",
    kind=MethodKind.WALLET,
    connector="sandbox",
    account="delta",
    countries=frozenset({"DE", "FR"}),
    currencies=frozenset({"EUR"}),
)

ANA = Customer(name="Ana Lopez", email="ana@example.com")


def an_order(**changes) -> PaymentOrder:
    order = PaymentOrder(
        id=OrderId("po_1"),
        money=Money(1250, "EUR"),
        description="Invoice 7",
        country="DE",
        customer=ANA,
        status=PaymentStatus.PENDING,
        version=1,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=24),
    )
    return replace(order, **changes)


def an_attempt(**changes) -> TransactionView:
    attempt = TransactionView(
        id=TransactionId("pa_1"),
        sequence=1,
        attempt_number=1,
        submission_number=1,
        provider_code="alpha",
        provider_name="Alpha Pay",
        status=TransactionStatus.APPROVED,
        decline_reason=None,
        decline_class=None,
        technical_reason=None,
        latency_ms=120,
        card=CardSummary("visa", "424242", "4242"),
        redirect_url=None,
        started_at=NOW,
        answered_at=NOW,
    )
    return replace(attempt, **changes)


def a_view(order=None, *attempts, last_result=None) -> OrderView:
    return OrderView(order or an_order(), attempts, last_result)


@dataclass
class FakeRegistry:
    methods: tuple[PaymentMethodVO, ...] = (ALPHA, BETA, DELTA)

    def configuration(self):
        return SimpleNamespace(methods=self.methods)

    def options(self, money, country, **_configuration):
        return tuple(m for m in self.methods if not m.left_out_because(money, country, None))

    def left_out(self, money, country):
        reasons = {m.code: m.left_out_because(money, country, None) for m in self.methods}
        return {code: reason for code, reason in reasons.items() if reason}


@dataclass
class FakeOrders:
    view: OrderView | None = None
    asked_since: datetime | None = None

    def by_token_hash(self, token_hash, *, created_after):
        self.asked_since = created_after
        known = self.view and token_hash == f"hash-of-token-{self.view.order.id}"
        return self.view if known and self.view.order.created_at > created_after else None

    def by_id(self, order_id):
        return self.view if self.view and self.view.order.id == order_id else None


class FakeTokens:
    def token_for(self, order_id):
        return f"token-{order_id}"

    def hash_of(self, token):
        return f"hash-of-{token}"


@dataclass
class FakePayOrder:
    """Answers with `answer`, or raises it."""

    answer: object = None
    commands: list = field(default_factory=list)

    def execute(self, command):
        self.commands.append(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class FakeResolve:
    checked: list = field(default_factory=list)
    cancelled: list = field(default_factory=list)
    error: Exception | None = None

    def check_order_now(self, order_id, *, may_cancel=False):
        (self.cancelled if may_cancel else self.checked).append(order_id)
        if self.error:
            raise self.error


class FakeRequestLimits:
    """No limit: what is counted stands in test_request_limits_on_pages."""

    def count(self, kind, whose):
        pass

    def refuse_if_over(self, kind, whose):
        pass


@dataclass
class FakeServices:
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    orders: FakeOrders = field(default_factory=FakeOrders)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    pay_order: FakePayOrder = field(default_factory=FakePayOrder)
    resolve: FakeResolve = field(default_factory=FakeResolve)
    limit_requests: FakeRequestLimits = field(default_factory=FakeRequestLimits)
    clock: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(now=lambda: NOW))
