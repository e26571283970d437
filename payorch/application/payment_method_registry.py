"""Which payment methods exist, which can take an order, in which order - and why not the others.

The configuration is kept in memory by its revision. A payment reads the revision together with
its order, so a change by ops is in force at the next order in every process.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from payorch.application.circuit_board import CircuitBoard
from payorch.application.configuration import (
    Configuration,
    OperatingMode,
    PaymentMethodRepository,
    Segment,
)
from payorch.domain.adaptive_shares import AdaptiveMode, Shares
from payorch.domain.errors import PaymentMethodNotFound, PaymentsPaused
from payorch.domain.money import Money
from payorch.domain.payment_method import LeftOut, MethodKind, PaymentMethodVO
from payorch.domain.payment_order import OrderId
from payorch.domain.policy_trial import TrialPlace
from payorch.domain.routing_policy import AppliedOrder, RoutingPolicy
from payorch.domain.routing_rule import OrderFacts
from payorch.domain.tier_list import ChosenBecause, Ranked, draw_order


@dataclass(frozen=True, slots=True)
class RoutingQuestion:
    """What routing has to know of a submission. `filled_fields` are the customer's extra fields.

    `filled_fields` None: the customer has not typed them yet. `kind` is asked for only where no
    provider is preferred, whose kind it would be. Brand and BIN (at most eight digits) are those
    of the typed card. `order_id`, where there is an order, gives its arm of a running trial.
    """

    money: Money
    country: str
    filled_fields: frozenset[str] | None
    has_typed_card: bool
    preferred_provider: str | None
    kind: MethodKind | None = None
    card_brand: str | None = None
    card_bin: str | None = None
    order_id: OrderId | None = None


@dataclass(frozen=True, slots=True)
class Consideration:
    """All of a decision but chance: the order that applies, who can take it, who is healthy.

    `first_shares`: by which the first provider is drawn in adaptive mode, else None.
    """

    order: AppliedOrder
    left_out: dict[str, LeftOut]
    eligible: tuple[str, ...]
    healthy: tuple[str, ...]
    best_of_bad: str | None
    first_shares: Shares | None = None


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """The providers to try, first to last, and the reason for each one left out.

    `rule_name`: the rule of the policy that picked the tier list; None is the default order.
    `trial`: the order's arm while a trial runs. The propensities are those within the arm.
    """

    policy_version: int
    rule_name: str | None
    candidates: tuple[Ranked, ...]
    left_out: dict[str, LeftOut]
    methods: dict[str, PaymentMethodVO]
    trial: TrialPlace | None = None


class PaymentMethodRegistry:
    def __init__(
        self,
        *,
        repository: PaymentMethodRepository,
        current_revision: Callable[[], int],
        circuits: CircuitBoard,
        is_connected: Callable[[PaymentMethodVO], bool],
        random: Callable[[], float],
        allow_direct_cards: bool,
        max_providers: int,
    ) -> None:
        self._repository = repository
        self._current_revision = current_revision
        self._circuits = circuits
        self._is_connected = is_connected
        self._random = random
        self._allow_direct_cards = allow_direct_cards
        self.max_providers = max_providers
        self._lock = Lock()
        self._cached: Configuration | None = None

    def configuration(self) -> Configuration:
        """Methods and policy in force now."""
        return self.at_revision(self._current_revision())

    def at_revision(self, revision: int) -> Configuration:
        """The configuration of `revision` or a later one."""
        cached = self._cached
        if cached is None or cached.revision < revision:
            with self._lock:
                cached = self._cached
                if cached is None or cached.revision < revision:
                    cached = self._cached = self._repository.load_configuration()
        self._circuits.follow(revision)
        return cached

    def at_hand(self) -> Configuration:
        """The latest configuration that this process has seen, without asking for a later one."""
        return self._cached or self.configuration()

    def is_paused(self) -> bool:
        """Whether SAFE mode is in force now: then no money may be moved."""
        return self.configuration().mode is OperatingMode.SAFE

    def require_running(self) -> None:
        """Raises PaymentsPaused in SAFE mode."""
        _require_running(self.configuration())

    def method(self, code: str) -> PaymentMethodVO:
        """The method with this code, enabled or not. Raises PaymentMethodNotFound."""
        for method in self.configuration().methods:
            if method.code == code:
                return method
        raise PaymentMethodNotFound(f"There is no payment method {code[:40]!r}.")

    def options(
        self, money: Money, country: str, *, configuration: Configuration | None = None
    ) -> tuple[PaymentMethodVO, ...]:
        """What a customer may choose from for such an order, in the policy's order.

        No card is typed yet: rules that look at its brand or BIN come later, when it is paid.
        `configuration` is what the caller has just looked up; else the one in force now.
        """
        offered = []
        for method, order, reason in self._offers(money, country, configuration):
            place = order.place_of(method.code)
            if reason is None and place is not None:
                offered.append(((place.tier, -place.weight), method))
        return tuple(method for _, method in sorted(offered, key=lambda offer: offer[0]))

    def left_out(self, money: Money, country: str) -> dict[str, LeftOut]:
        """Why each other method is not among the options."""
        return {
            method.code: reason
            for method, _, reason in self._offers(money, country)
            if reason is not None
        }

    def _offers(
        self, money: Money, country: str, configuration: Configuration | None = None
    ) -> Iterator[tuple[PaymentMethodVO, AppliedOrder, LeftOut | None]]:
        """Each method, with the order that would apply if the customer chose it."""
        configuration = configuration or self.configuration()
        policy = configuration.policy
        for method in configuration.methods:
            question = RoutingQuestion(
                money, country, None, has_typed_card=False, preferred_provider=method.code
            )
            order = policy.order_for(_facts(question, method.kind))
            yield method, order, self._reason_against(policy, order, method, question)

    def decide(self, question: RoutingQuestion, *, revision: int) -> RoutingDecision:
        """Candidates for one submission. Without any, `candidates` is empty: see `left_out`.

        Raises PaymentsPaused in SAFE mode, which raised the revision when it was entered.
        """
        configuration = self.at_revision(revision)
        _require_running(configuration)
        policy, trial = configuration.policy_for(question.order_id)
        considered = self.consider(configuration, policy, question)
        if considered.best_of_bad is None:
            ranked = draw_order(
                considered.order.entries,
                frozenset(considered.healthy),
                preferred=question.preferred_provider,
                exploration_share=policy.exploration_share,
                random=self._random,
                first_shares=considered.first_shares,
            )
        else:
            ranked = [Ranked(considered.best_of_bad, ChosenBecause.BEST_OF_BAD, 1.0)]
        candidates = tuple(ranked[: self.max_providers])
        tried = {candidate.provider_code for candidate in candidates}
        left_out = considered.left_out
        for code in considered.eligible:
            if code not in tried:
                is_open = code not in considered.healthy
                left_out[code] = LeftOut.CIRCUIT_OPEN if is_open else LeftOut.PROVIDER_LIMIT
        rule = considered.order.rule
        return RoutingDecision(
            policy.version,
            None if rule is None else rule.name,
            candidates,
            left_out,
            {method.code: method for method in configuration.methods},
            trial,
        )

    def consider(
        self, configuration: Configuration, policy: RoutingPolicy, question: RoutingQuestion
    ) -> Consideration:
        """What a decision by `policy` would start from; it need not be the one in force."""
        kind = _kind_of(question, configuration.methods)
        order = policy.order_for(_facts(question, kind))
        left_out: dict[str, LeftOut] = {}
        for method in configuration.methods:
            reason = self._reason_against(policy, order, method, question)
            if reason is None and (
                method.takes_typed_card != question.has_typed_card
                or (kind is not None and method.kind is not kind)
            ):
                reason = LeftOut.KIND
            if reason is not None:
                left_out[method.code] = reason
        eligible = tuple(m.code for m in configuration.methods if m.code not in left_out)
        healthy = tuple(code for code in eligible if not self._circuits.is_open(code))
        best_of_bad = None
        if eligible and not healthy:
            best_of_bad = min(eligible, key=self._circuits.recent_failure_share)
        first_shares = None
        if policy.adaptive.mode is AdaptiveMode.ON and order.rule is None and kind is not None:
            segment = Segment(question.money.currency, kind)
            first_shares = configuration.adaptive_shares.get(segment)
        return Consideration(order, left_out, eligible, healthy, best_of_bad, first_shares)

    def _reason_against(
        self,
        policy: RoutingPolicy,
        order: AppliedOrder,
        method: PaymentMethodVO,
        question: RoutingQuestion,
    ) -> LeftOut | None:
        reason = method.left_out_because(question.money, question.country, question.filled_fields)
        if reason is None and order.place_of(method.code) is None:
            is_known = policy.place_of(method.code) is not None
            return LeftOut.NOT_IN_RULE if is_known else LeftOut.NOT_IN_POLICY
        if reason is None and not self._is_connected(method):
            return LeftOut.NOT_CONNECTED
        if reason is None and method.takes_typed_card and not self._may_type_card(method):
            return LeftOut.DIRECT_CARDS_OFF
        if reason is None and self._circuits.is_held_open(method.code):
            return LeftOut.HELD_OPEN
        return reason

    def _may_type_card(self, method: PaymentMethodVO) -> bool:
        """Typed cards go to the practice provider; to real ones only when switched on (SAQ D)."""
        return method.connector == "sandbox" or self._allow_direct_cards


def _kind_of(question: RoutingQuestion, methods: Sequence[PaymentMethodVO]) -> MethodKind | None:
    """How the customer pays; None when they left that to us and typed no card."""
    if question.has_typed_card:
        return MethodKind.CARD
    for method in methods:
        if method.code == question.preferred_provider:
            return method.kind
    return question.kind


def _facts(question: RoutingQuestion, kind: MethodKind | None) -> OrderFacts:
    return OrderFacts(
        currency=question.money.currency,
        amount_minor=question.money.amount_minor,
        country=question.country,
        kind=kind,
        card_brand=question.card_brand,
        card_bin=question.card_bin,
    )


def _require_running(configuration: Configuration) -> None:
    if configuration.mode is OperatingMode.SAFE:
        raise PaymentsPaused("Payments are paused for a short check. Nothing was sent.")
