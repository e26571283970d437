"""What changes from one routing policy to another, in words."""

from collections.abc import Mapping, Sequence

from payorch.domain.adaptive_shares import AdaptiveMode, AdaptiveSettings
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule
from payorch.presentation.backoffice.routing.rule_words import (
    GUARD_RAILS,
    conditions_in_words,
    order_in_words,
    percent,
    rule_in_words,
)


def policy_difference(
    before: RoutingPolicy, after: RoutingPolicy, names: Mapping[str, str]
) -> list[str]:
    """Rules first, as they decide first; then the default order, exploration, adaptive routing."""
    sentences = rule_difference(before.rules, after.rules, names)
    sentences += difference(before.entries, after.entries, names)
    if before.exploration_share != after.exploration_share:
        sentences.append(
            f"Exploration: {percent(before.exploration_share)} → "
            f"{percent(after.exploration_share)} of orders"
        )
    return sentences + adaptive_difference(before.adaptive, after.adaptive)


def adaptive_difference(before: AdaptiveSettings, after: AdaptiveSettings) -> list[str]:
    """While it is off and stays off its guard rails are nobody's business."""
    if before == after or before.mode is after.mode is AdaptiveMode.OFF:
        return []
    sentences = []
    if before.mode is not after.mode:
        sentences.append(f"Adaptive routing: {before.mode} → {after.mode}")
    sentences += [
        f"Adaptive routing, {label}: {write(getattr(before, name))} → {write(getattr(after, name))}"
        for name, label, write in GUARD_RAILS
        if getattr(before, name) != getattr(after, name)
    ]
    return sentences


def rule_difference(
    before: Sequence[RoutingRule], after: Sequence[RoutingRule], names: Mapping[str, str]
) -> list[str]:
    """A rule is known by its name: one with another name is another rule."""
    old = {rule.name: rule for rule in before}
    kept = [rule.name for rule in after if rule.name in old]
    was_at = {name: at for at, name in enumerate(name for name in old if name in kept)}
    sentences = []
    for place, rule in enumerate(after, start=1):
        earlier = old.get(rule.name)
        if earlier is None:
            sentences.append(f"{rule}: new, as number {place}: {rule_in_words(rule, names)}")
            continue
        if was_at[rule.name] != kept.index(rule.name):
            sentences.append(f"{rule}: now number {place}")
        sentences += [f"{rule}: {change}" for change in _rule_changes(earlier, rule, names)]
    now = {rule.name for rule in after}
    return sentences + [f"{rule}: removed" for rule in before if rule.name not in now]


def _rule_changes(before: RoutingRule, after: RoutingRule, names: Mapping[str, str]) -> list[str]:
    changes = []
    if before.conditions != after.conditions:
        old, new = (conditions_in_words(rule.conditions) for rule in (before, after))
        changes.append(f"for {old} → for {new}" if old != new else "other BIN prefixes")
    if (before.entries, before.then_default) != (after.entries, after.then_default):
        old, new = (order_in_words(rule, names) for rule in (before, after))
        changes.append(f"{old} → {new}" if old != new else "other weights")
    return changes


def difference(
    before: Sequence[PolicyEntry], after: Sequence[PolicyEntry], names: Mapping[str, str]
) -> list[str]:
    """One sentence per provider whose tier or weight changes, in the new order."""
    old = {entry.provider_code: entry for entry in before}
    sentences = []
    for entry in sorted(after, key=lambda e: e.tier):
        sentence = _change(old.get(entry.provider_code), entry)
        if sentence:
            sentences.append(f"{names.get(entry.provider_code, entry.provider_code)}: {sentence}")
    kept = {entry.provider_code for entry in after}
    sentences += [f"{names.get(code, code)}: removed" for code in old if code not in kept]
    return sentences


def _change(old: PolicyEntry | None, new: PolicyEntry) -> str:
    if old is None:
        return f"new, in tier {new.tier}"
    parts = []
    if old.tier != new.tier:
        parts.append(f"tier {old.tier} → {new.tier}")
    if old.weight != new.weight:
        parts.append(f"weight {old.weight} → {new.weight}")
    return ", ".join(parts)
