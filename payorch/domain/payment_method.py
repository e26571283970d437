"""PaymentMethodVO: one provider account as an ops person sees it, and whether it takes an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from payorch.domain.money import Money


class MethodKind(StrEnum):
    CARD = "card"
    WALLET = "wallet"
    BANK_REDIRECT = "bank_redirect"
    CRYPTO = "crypto"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider documents; the resolution ladder takes the first step these allow.

    `idempotency_window_s` is how long a replay of the same key and body gives the same payment
    (0: never replay). `cancel_by_reference` means that after a cancel by our own reference the
    provider refuses a later arrival of it. `hosted_page`: cards are typed on the provider's page.
    `max_in_flight_s` is the longest that a request can be on its way, where the provider
    documents that (0: it does not): only then can "not found" become proof, after it, twice.
    `challenge_expires_s`: after so long the provider documents that a customer cannot complete its
    challenge any more (0: it does not): a payment that still waits for her then, read twice, ended.
    `list_payments`: all payments since a moment can be listed, with the order we named in each.
    """

    idempotency_window_s: int = 0
    find_by_reference: bool = False
    cancel_by_reference: bool = False
    cancel_by_id: bool = False
    void: bool = False
    refund: bool = False
    hosted_page: bool = False
    max_in_flight_s: int = 0
    list_payments: bool = False
    challenge_expires_s: int = 0


@dataclass(frozen=True, slots=True)
class AmountLimits:
    """Inclusive bounds in minor units of one currency; None is unbounded."""

    min_minor: int | None = None
    max_minor: int | None = None


class LeftOut(StrEnum):
    """Why a provider is not a candidate for an order. Stored with the submission."""

    DISABLED = "disabled"
    NOT_CONNECTED = "not_connected"
    COUNTRY = "country_not_served"
    CURRENCY = "currency_not_served"
    AMOUNT_TOO_SMALL = "amount_too_small"
    AMOUNT_TOO_LARGE = "amount_too_large"
    KIND = "other_payment_kind"
    FIELD_MISSING = "required_field_missing"
    DIRECT_CARDS_OFF = "direct_cards_off"
    CIRCUIT_OPEN = "circuit_open"
    HELD_OPEN = "held_by_staff"
    NOT_IN_POLICY = "not_in_policy"
    NOT_IN_RULE = "not_in_routing_rule"
    ALREADY_TRIED = "already_tried"
    PROVIDER_LIMIT = "provider_limit_reached"


@dataclass(frozen=True, slots=True)
class PaymentMethodVO:
    """An immutable snapshot of a payment method's settings.

    Empty `countries` or `currencies` mean "all". `amount_limits` are by currency. `priority` (the
    tier, 1 first) and `weight` come from the routing policy in force. `account` is the name of
    the account at the connector; `timeout_s` and `max_concurrency` guard our threads.
    """

    code: str
    display_name: str
    kind: MethodKind
    connector: str
    account: str
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    amount_limits: Mapping[str, AmountLimits] = field(default_factory=dict)
    required_fields: tuple[str, ...] = ()
    priority: int = 1
    weight: int = 1
    is_enabled: bool = True
    timeout_s: float = 10.0
    max_concurrency: int = 16
    capabilities: Capabilities = Capabilities()

    @property
    def takes_typed_card(self) -> bool:
        """Whether the customer types the card on our page, rather than on the provider's."""
        return self.kind is MethodKind.CARD and not self.capabilities.hosted_page

    def left_out_because(
        self, money: Money, country: str, filled_fields: frozenset[str] | None
    ) -> LeftOut | None:
        """The first reason why this method cannot take such an order; None when it can.

        `filled_fields` None means "the customer has not typed them yet": then a missing
        required field is no reason.
        """
        if not self.is_enabled:
            return LeftOut.DISABLED
        if self.countries and country not in self.countries:
            return LeftOut.COUNTRY
        if self.currencies and money.currency not in self.currencies:
            return LeftOut.CURRENCY
        limits = self.amount_limits.get(money.currency, AmountLimits())
        if limits.min_minor is not None and money.amount_minor < limits.min_minor:
            return LeftOut.AMOUNT_TOO_SMALL
        if limits.max_minor is not None and money.amount_minor > limits.max_minor:
            return LeftOut.AMOUNT_TOO_LARGE
        if filled_fields is not None and not filled_fields.issuperset(self.required_fields):
            return LeftOut.FIELD_MISSING
        return None
