"""Publish a new routing policy. It never changes a published one: every change is a new version.

The caller names the version it looked at; when another one is in force by now nothing is
published, because the order that was on the screen is not the order that would be replaced.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from payorch.application.configuration import PaymentMethodRepository, RoutingPolicyRepository
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.adaptive_shares import AdaptiveSettings
from payorch.domain.errors import InvalidMoney, InvalidRoutingPolicy
from payorch.domain.money import currency_exponent
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRoutingPolicy:
    """`entries` name every provider exactly once. What is None stays as it is.

    `restores_version`: these are the contents of that earlier version, put in force again.
    """

    entries: tuple[PolicyEntry, ...]
    based_on_version: int
    actor: str
    reason: str
    exploration_share: float | None = None
    rules: tuple[RoutingRule, ...] | None = None
    adaptive: AdaptiveSettings | None = None
    restores_version: int | None = None


class ChangeRoutingPolicyUseCase:
    def __init__(
        self, policies: RoutingPolicyRepository, methods: PaymentMethodRepository, clock: Clock
    ) -> None:
        self._policies = policies
        self._methods = methods
        self._clock = clock

    def execute(self, change: ChangeRoutingPolicy) -> int:
        """The new version, in force for the next order of every process.

        Raises ReasonRequired, InvalidRoutingPolicy (a provider is missing, unknown or twice; a
        tier or weight out of range; rules that contradict themselves), TrialIsRunning, and
        PolicyChangedMeanwhile: show both orders and ask again.
        """
        reason = checked_reason(change.reason)
        present = self._methods.load_configuration()
        share, rules, adaptive = change.exploration_share, change.rules, change.adaptive
        policy = RoutingPolicy(
            version=change.based_on_version + 1,
            entries=change.entries,
            exploration_share=present.policy.exploration_share if share is None else share,
            rules=present.policy.rules if rules is None else rules,
            adaptive=present.policy.adaptive if adaptive is None else adaptive,
        )
        check_providers(policy, present.methods)
        return self._policies.publish(
            policy.entries,
            based_on_version=change.based_on_version,
            exploration_share=policy.exploration_share,
            rules=policy.rules,
            adaptive=policy.adaptive,
            restores_version=change.restores_version,
            actor=change.actor,
            reason=reason,
            at=self._clock.now(),
        )


def check_providers(policy: RoutingPolicy, methods: Iterable[PaymentMethodVO]) -> None:
    """Raises InvalidRoutingPolicy when it is not about `methods`, or names unknown currencies.

    The default order names all of them, so that an order that no rule admits finds everyone.
    Currencies are checked here and not when a policy is loaded: a code that ISO 4217 retires
    must not make the policy in force unreadable.
    """
    known = frozenset(method.code for method in methods)
    named = frozenset(entry.provider_code for entry in policy.entries)
    if missing := known - named:
        raise InvalidRoutingPolicy(f"The policy leaves out {', '.join(sorted(missing))}.")
    in_rules = {entry.provider_code for rule in policy.rules for entry in rule.entries}
    if unknown := (named | in_rules) - known:
        raise InvalidRoutingPolicy(f"There is no provider {', '.join(sorted(unknown))}.")
    for rule in policy.rules:
        amount = rule.conditions.amount
        for currency in rule.conditions.currencies | ({amount.currency} if amount else set()):
            _check_currency(rule, currency)


def _check_currency(rule: RoutingRule, currency: str) -> None:
    try:
        currency_exponent(currency)
    except InvalidMoney as error:
        raise InvalidRoutingPolicy(f"{rule}: {error.message}") from None
