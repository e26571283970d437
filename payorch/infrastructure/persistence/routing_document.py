"""Routing policies as the JSON documents that are stored, and back.

A document without "rules" is one of before there were any. A rule with a condition that this
release does not know was written by a newer one while a roll-out is going on: it is not used here,
because without that condition it would admit orders that it was not meant for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveMode, AdaptiveSettings
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions

_CODES = ("currencies", "countries", "card_brands", "bin_prefixes")
_CONDITIONS = frozenset({*_CODES, "amount", "kinds"})


def document_of(policy: RoutingPolicy) -> dict[str, Any]:
    """The shape is told at RoutingPolicyRow. The version is no part of it."""
    return {
        "rules": [
            {
                "name": rule.name,
                "when": _conditions(rule.conditions),
                "entries": _entries(rule.entries),
                "then_default": rule.then_default,
            }
            for rule in policy.rules
        ],
        "entries": _entries(policy.entries),
        "exploration_share": policy.exploration_share,
        **({} if policy.adaptive == ADAPTIVE_OFF else {"adaptive": asdict(policy.adaptive)}),
    }


def policy_from_document(version: int, document: Mapping[str, Any]) -> RoutingPolicy:
    return RoutingPolicy(
        version=version,
        entries=_entries_from(document["entries"]),
        exploration_share=float(document["exploration_share"]),
        rules=tuple(
            RoutingRule(
                name=rule["name"],
                conditions=_conditions_from(rule["when"]),
                entries=_entries_from(rule["entries"]),
                then_default=rule["then_default"],
            )
            for rule in document.get("rules", ())
            if _CONDITIONS.issuperset(rule["when"])
        ),
        adaptive=_adaptive_from(document.get("adaptive", {})),
    )


def _adaptive_from(stored: Mapping[str, Any]) -> AdaptiveSettings:
    """Settings of a newer release that this one does not know are left out."""
    known = {field.name for field in fields(AdaptiveSettings)}
    values = {name: value for name, value in stored.items() if name in known}
    if "mode" in values:
        values["mode"] = AdaptiveMode(values["mode"])
    return AdaptiveSettings(**values)


def _entries(entries: Iterable[PolicyEntry]) -> list[dict[str, Any]]:
    return [
        {"provider": entry.provider_code, "tier": entry.tier, "weight": entry.weight}
        for entry in entries
    ]


def _entries_from(stored: Iterable[Mapping[str, Any]]) -> tuple[PolicyEntry, ...]:
    return tuple(
        PolicyEntry(entry["provider"], tier=entry["tier"], weight=entry["weight"])
        for entry in stored
    )


def _conditions(conditions: RuleConditions) -> dict[str, Any]:
    """Only those that are there, sorted, so that equal rules are equal documents."""
    stored: dict[str, Any] = {
        name: sorted(getattr(conditions, name)) for name in (*_CODES, "kinds")
    }
    amount = conditions.amount
    if amount is not None:
        stored["amount"] = {
            "currency": amount.currency,
            "min_minor": amount.min_minor,
            "max_minor": amount.max_minor,
        }
    return {name: value for name, value in stored.items() if value}


def _conditions_from(stored: Mapping[str, Any]) -> RuleConditions:
    amount = stored.get("amount")
    return RuleConditions(
        **{name: frozenset(stored.get(name, ())) for name in _CODES},
        kinds=frozenset(MethodKind(kind) for kind in stored.get("kinds", ())),
        amount=amount and AmountRange(amount["currency"], amount["min_minor"], amount["max_minor"]),
    )
