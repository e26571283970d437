"""A routing order that is being edited: what the form holds before anything is published.

All rules of moving live here and not in the script, so that dragging, arrow keys, buttons and
numbers lead to the same order, with and without JavaScript.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveSettings
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule

DEFAULT_WEIGHT = 1


@dataclass(frozen=True, slots=True)
class RoutingDraft:
    """`entries` are in the order shown; tiers are dense: 1, 2, 3 ... without gaps."""

    based_on_version: int
    entries: tuple[PolicyEntry, ...]
    rules: tuple[RoutingRule, ...] = ()
    exploration_share: float = 0.0
    adaptive: AdaptiveSettings = ADAPTIVE_OFF

    @classmethod
    def of(cls, policy: RoutingPolicy, methods: Sequence[PaymentMethodVO]) -> Self:
        """The policy, with the providers that it does not know yet at its end."""
        return cls(
            policy.version,
            fitted(policy.entries, methods),
            policy.rules,
            policy.exploration_share,
            policy.adaptive,
        )

    def policy(self) -> RoutingPolicy:
        """As a policy of the version it is based on. Raises InvalidRoutingPolicy."""
        return RoutingPolicy(
            self.based_on_version,
            self.entries,
            self.exploration_share,
            self.rules,
            self.adaptive,
        )

    def moved(self, code: str, to: int) -> Self:
        """`code` at place `to` (0 is first; places beyond the ends mean the ends).

        Between two providers of one tier it joins them; anywhere else it is a tier of its own.
        """
        moving = next((e for e in self.entries if e.provider_code == code), None)
        if moving is None:
            return self
        others = [entry for entry in self.entries if entry is not moving]
        place = max(0, min(to, len(others)))
        before, after = others[:place], others[place:]
        if before and after and before[-1].tier == after[0].tier:
            tier = before[-1].tier
        else:
            # Room for one more tier between those before and those after.
            after = [replace(entry, tier=entry.tier + 2) for entry in after]
            tier = (before[-1].tier if before else 0) + 1
        return replace(self, entries=dense([*before, replace(moving, tier=tier), *after]))

    def place_of(self, code: str) -> int:
        return next(
            (index for index, entry in enumerate(self.entries) if entry.provider_code == code), -1
        )

    def differs_from(self, policy: RoutingPolicy) -> bool:
        return (set(self.entries), self.rules, self.exploration_share, self.adaptive) != (
            set(dense(policy.entries)),
            policy.rules,
            policy.exploration_share,
            policy.adaptive,
        )

    def with_adaptive(self, settings: AdaptiveSettings) -> Self:
        return replace(self, adaptive=settings)

    def rule(self, name: str) -> RoutingRule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def with_rule(self, rule: RoutingRule, *, instead_of: str | None) -> Self:
        """`rule` in the place of the one named `instead_of`, or as the last one."""
        if instead_of is None:
            return replace(self, rules=(*self.rules, rule))
        return replace(self, rules=tuple(rule if r.name == instead_of else r for r in self.rules))

    def without_rule(self, name: str) -> Self:
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name != name))

    def with_rule_moved(self, name: str, by: int) -> Self:
        """Up (-1) or down (1) by one; the first and the last stay where they are."""
        rules = list(self.rules)
        place = next((n for n, rule in enumerate(rules) if rule.name == name), -1)
        if place >= 0 and 0 <= place + by < len(rules):
            rules.insert(place + by, rules.pop(place))
        return replace(self, rules=tuple(rules))


def fitted(
    entries: Iterable[PolicyEntry], methods: Sequence[PaymentMethodVO]
) -> tuple[PolicyEntry, ...]:
    """`entries` for today's providers: unknown ones go, missing ones come last."""
    known = [method.code for method in methods]
    kept = [entry for entry in entries if entry.provider_code in known]
    last = max((entry.tier for entry in kept), default=0)
    named = {entry.provider_code for entry in kept}
    missing = [code for code in known if code not in named]
    kept += [
        PolicyEntry(code, last + number, DEFAULT_WEIGHT)
        for number, code in enumerate(missing, start=1)
    ]
    return dense(kept)


def dense(entries: Iterable[PolicyEntry]) -> tuple[PolicyEntry, ...]:
    """Sorted by tier, tiers renumbered 1, 2, 3 ...; equal tiers stay equal."""
    by_tier = sorted(entries, key=lambda entry: entry.tier)
    number = {tier: n for n, tier in enumerate(sorted({e.tier for e in by_tier}), start=1)}
    return tuple(replace(entry, tier=number[entry.tier]) for entry in by_tier)
