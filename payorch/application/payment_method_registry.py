"""Which payment methods exist, which can take an order, in which order - and why not the others.

The configuration is kept in memory by its revision. A payment reads the revision together with
its order, so a change by ops is in force at the next order in every process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from payorch.application.configuration import (
    Configuration,
    OperatingMode,
    PaymentMethodRepository,
)
from payorch.application.provider_gateway import CircuitBoard
from payorch.domain.errors import PaymentMethodNotFound, PaymentsPaused
from payorch.domain.money import Money
from payorch.domain.payment_method import LeftOut, PaymentMethodVO
from payorch.domain.routing_policy import ChosenBecause, Ranked


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """The providers to try, first to last, and the reason for each one left out."""

    policy_version: int
    candidates: tuple[Ranked, ...]
    left_out: dict[str, LeftOut]
    methods: dict[str, PaymentMethodVO]


@dataclass(frozen=True, slots=True)
class RoutingQuestion:
    """What routing has to know of a submission. `filled_fields` are the customer's extra fields."""

    money: Money
    country: str
    filled_fields: frozenset[str]
    has_typed_card: bool
    preferred_provider: str | None


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
        self._max_providers = max_providers
        self._lock = Lock()
        self._cached: Configuration | None = None

    def configuration(self) -> Configuration:
        """Methods and policy in force now."""
        return self.at_revision(self._current_revision())

    def at_revision(self, revision: int) -> Configuration:
        """The configuration of `revision` or a later one."""
        cached = self._cached
        if cached is not None and cached.revision >= revision:
            return cached
        with self._lock:
            cached = self._cached
            if cached is None or cached.revision < revision:
                cached = self._cached = self._repository.load_configuration()
        return cached

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

        `configuration` is what the caller has just looked up; else the one in force now.
        """
        configuration = configuration or self.configuration()
        eligible = [
            method
            for method in configuration.methods
            if self._reason_against(configuration, method, money, country, None) is None
        ]
        return tuple(sorted(eligible, key=lambda method: (method.priority, -method.weight)))

    def left_out(self, money: Money, country: str) -> dict[str, LeftOut]:
        """Why each other method is not among the options."""
        configuration = self.configuration()
        reasons = {
            method.code: self._reason_against(configuration, method, money, country, None)
            for method in configuration.methods
        }
        return {code: reason for code, reason in reasons.items() if reason is not None}

    def decide(self, question: RoutingQuestion, *, revision: int) -> RoutingDecision:
        """Candidates for one submission. Without any, `candidates` is empty: see `left_out`.

        Raises PaymentsPaused in SAFE mode, which raised the revision when it was entered.
        """
        configuration = self.at_revision(revision)
        _require_running(configuration)
        left_out = self._reasons(configuration, question)
        methods = {method.code: method for method in configuration.methods}
        eligible = [code for code in methods if code not in left_out]
        healthy = [code for code in eligible if not self._circuits.is_open(code)]
        if healthy or not eligible:
            ranked = configuration.policy.rank(
                healthy, preferred=question.preferred_provider, random=self._random
            )
        else:
            best = min(eligible, key=self._circuits.recent_failure_share)
            ranked = [Ranked(best, ChosenBecause.BEST_OF_BAD, 1.0)]
        tried = {candidate.provider_code for candidate in ranked[: self._max_providers]}
        for code in eligible:
            if code not in tried:
                is_open = code not in healthy
                left_out[code] = LeftOut.CIRCUIT_OPEN if is_open else LeftOut.PROVIDER_LIMIT
        return RoutingDecision(
            configuration.policy.version, tuple(ranked[: self._max_providers]), left_out, methods
        )

    def _reasons(
        self, configuration: Configuration, question: RoutingQuestion
    ) -> dict[str, LeftOut]:
        preferred = next(
            (m for m in configuration.methods if m.code == question.preferred_provider), None
        )
        reasons: dict[str, LeftOut] = {}
        for method in configuration.methods:
            reason = self._reason_against(
                configuration, method, question.money, question.country, question.filled_fields
            )
            if reason is None and method.takes_typed_card != question.has_typed_card:
                reason = LeftOut.KIND
            if (
                reason is None
                and preferred is not None
                and not question.has_typed_card
                and method.kind is not preferred.kind
            ):
                reason = LeftOut.KIND
            if reason is not None:
                reasons[method.code] = reason
        return reasons

    def _reason_against(
        self,
        configuration: Configuration,
        method: PaymentMethodVO,
        money: Money,
        country: str,
        filled_fields: frozenset[str] | None,
    ) -> LeftOut | None:
        reason = method.left_out_because(money, country, filled_fields)
        if reason is None and configuration.policy.place_of(method.code) is None:
            return LeftOut.NOT_IN_POLICY
        if reason is None and not self._is_connected(method):
            return LeftOut.NOT_CONNECTED
        if reason is None and method.takes_typed_card and not self._may_type_card(method):
            return LeftOut.DIRECT_CARDS_OFF
        return reason

    def _may_type_card(self, method: PaymentMethodVO) -> bool:
        """Typed cards go to the practice provider; to real ones only when switched on (SAQ D)."""
        return method.connector == "sandbox" or self._allow_direct_cards


def _require_running(configuration: Configuration) -> None:
    if configuration.mode is OperatingMode.SAFE:
        raise PaymentsPaused("Payments are paused for a short check. Nothing was sent.")
