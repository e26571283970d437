"""The routing policy: the versioned document that says in which order providers are tried.

Rules come first, and the first one that admits an order picks its tier list; without one the
default list does. A policy is immutable; publishing makes a new version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveSettings
from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.routing_rule import OrderFacts, RoutingRule
from payorch.domain.tier_list import (
    MAX_WEIGHT,
    ChosenBecause,
    PolicyEntry,
    Ranked,
    check_entries,
    draw_order,
    followed_by,
)

__all__ = [
    "MAX_RULES",
    "MAX_WEIGHT",
    "AppliedOrder",
    "ChosenBecause",
    "PolicyEntry",
    "Ranked",
    "RoutingPolicy",
]

MAX_RULES = 100


@dataclass(frozen=True, slots=True)
class AppliedOrder:
    """The tier list that an order goes by, and the rule that picked it; None is the default."""

    rule: RoutingRule | None
    entries: tuple[PolicyEntry, ...]

    def place_of(self, provider_code: str) -> PolicyEntry | None:
        for entry in self.entries:
            if entry.provider_code == provider_code:
                return entry
        return None


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`entries` is the default tier list, `exploration_share` a share of 0..1.

    `adaptive` concerns the default list alone: a rule is an explicit wish.
    """

    version: int
    entries: tuple[PolicyEntry, ...]
    exploration_share: float = 0.0
    rules: tuple[RoutingRule, ...] = ()
    adaptive: AdaptiveSettings = ADAPTIVE_OFF
    _orders: tuple[AppliedOrder, ...] = field(init=False, repr=False, compare=False)
    """One per rule, made once: a decision only looks them up."""

    def __post_init__(self) -> None:
        check_entries(self.entries, "the default order")
        if not 0.0 <= self.exploration_share <= 1.0:
            raise InvalidRoutingPolicy("The exploration share lies between 0 and 1.")
        if len(self.rules) > MAX_RULES:
            raise InvalidRoutingPolicy(f"A policy has at most {MAX_RULES} rules.")
        names = [rule.name.casefold() for rule in self.rules]
        for rule in self.rules:
            if names.count(rule.name.casefold()) > 1:
                raise InvalidRoutingPolicy(f"{rule} stands twice; give each rule its own name.")
        orders = tuple(
            AppliedOrder(
                rule,
                followed_by(rule.entries, self.entries) if rule.then_default else rule.entries,
            )
            for rule in self.rules
        )
        object.__setattr__(self, "_orders", (*orders, AppliedOrder(None, self.entries)))

    def place_of(self, provider_code: str) -> PolicyEntry | None:
        """The provider's place in the default order."""
        return self._orders[-1].place_of(provider_code)

    def order_named(self, rule_name: str | None) -> AppliedOrder | None:
        """The order of the rule with this name, or the default one; None without such a rule."""
        for order in self._orders:
            if (None if order.rule is None else order.rule.name) == rule_name:
                return order
        return None

    def order_for(self, facts: OrderFacts) -> AppliedOrder:
        """By the first rule that admits the order, else the default one."""
        for order in self._orders:
            if order.rule is None or order.rule.conditions.admit(facts):
                return order
        raise AssertionError("The default order is the last.")  # pragma: no cover

    def rank(
        self,
        eligible: Sequence[str],
        *,
        preferred: str | None,
        random: Callable[[], float],
        facts: OrderFacts | None = None,
    ) -> list[Ranked]:
        """The `eligible` providers in the order in which to try them; see draw_order().

        Without `facts` the default order is used.
        """
        order = self._orders[-1] if facts is None else self.order_for(facts)
        return draw_order(
            order.entries,
            frozenset(eligible),
            preferred=preferred,
            exploration_share=self.exploration_share,
            random=random,
        )

    def unreachable_rules(self) -> tuple[tuple[RoutingRule, RoutingRule], ...]:
        """(rule, earlier rule) pairs in which the earlier one admits all that the rule does.

        Such a rule is never used. It is no error: ops may park a rule this way for a while.
        """
        found = []
        for place, rule in enumerate(self.rules):
            for earlier in self.rules[:place]:
                if earlier.conditions.cover(rule.conditions):
                    found.append((rule, earlier))
                    break
        return tuple(found)
