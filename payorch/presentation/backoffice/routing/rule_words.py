"""Rules and whole policies in words, as they are read on pages and in the terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from payorch.domain.adaptive_shares import AdaptiveMode, AdaptiveSettings
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from payorch.presentation.money_format import format_money

KIND_LABELS: Mapping[MethodKind, str] = {
    MethodKind.CARD: "Card",
    MethodKind.WALLET: "Wallet",
    MethodKind.BANK_REDIRECT: "Bank redirect",
    MethodKind.CRYPTO: "Crypto",
}

BRAND_LABELS: Mapping[str, str] = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "jcb": "JCB",
    "diners": "Diners Club",
}

MOST_BINS_NAMED = 4


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """A policy for reading: its rules in their order, the default order, the explored share, and
    what adaptive routing may do, empty when it is off.
    """

    rules: tuple[str, ...]
    order: tuple[str, ...]
    exploration: str
    adaptive: str


def policy_in_words(policy: RoutingPolicy, names: Mapping[str, str]) -> PolicyWords:
    return PolicyWords(
        rules=tuple(f"{rule.name}: {rule_in_words(rule, names)}" for rule in policy.rules),
        order=tuple(in_words(policy.entries, names)),
        exploration=percent(policy.exploration_share),
        adaptive=adaptive_in_words(policy.adaptive),
    )


def adaptive_in_words(settings: AdaptiveSettings) -> str:
    if settings.mode is AdaptiveMode.OFF:
        return ""
    rails = ", ".join(f"{label} {write(getattr(settings, n))}" for n, label, write in GUARD_RAILS)
    return f"{settings.mode} ({rails})"


def rule_in_words(rule: RoutingRule, names: Mapping[str, str]) -> str:
    return f"{conditions_in_words(rule.conditions)} → {order_in_words(rule, names)}"


def conditions_in_words(conditions: RuleConditions) -> str:
    """Such as "currency BRL or USD, country BR, card brand Visa": all of them must hold."""
    parts = [
        ("currency", sorted(conditions.currencies)),
        ("country", sorted(conditions.countries)),
        ("amount", [_amount(conditions.amount)] if conditions.amount else []),
        ("method", [KIND_LABELS[k].lower() for k in MethodKind if k in conditions.kinds]),
        ("card brand", [BRAND_LABELS.get(b, b) for b in sorted(conditions.card_brands)]),
        ("BIN", _bins(conditions.bin_prefixes)),
    ]
    return ", ".join(f"{label} {' or '.join(values)}" for label, values in parts if values)


def order_in_words(rule: RoutingRule, names: Mapping[str, str]) -> str:
    """Such as "Alpha (70%), Beta (30%), then Gamma, then the default order"."""
    last = "then the default order" if rule.then_default else "and no other provider"
    return f"{', then '.join(in_words(rule.entries, names))}, {last}"


def in_words(entries: Sequence[PolicyEntry], names: Mapping[str, str]) -> list[str]:
    """One line per tier: "Alpha", or "Beta (60%), Gamma (40%)" where weights split it."""
    lines = []
    for tier in sorted({entry.tier for entry in entries}):
        members = [entry for entry in entries if entry.tier == tier]
        shares = shares_of(members)
        lines.append(
            ", ".join(
                names.get(e.provider_code, e.provider_code)
                + (f" ({shares[e.provider_code]})" if len(members) > 1 else "")
                for e in members
            )
        )
    return lines


def shares_of(tier: Sequence[PolicyEntry]) -> dict[str, str]:
    """Which share of a tier's orders each of its providers gets first, as text."""
    total = sum(entry.weight for entry in tier)
    if total == 0:
        return {entry.provider_code: "as listed" for entry in tier}
    return {
        entry.provider_code: f"{entry.weight / total:.0%}" if entry.weight else "last"
        for entry in tier
    }


def percent(share: float) -> str:
    """0.025 is "2.5%": as many decimals as it has, at most two."""
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


GUARD_RAILS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("floor", "floor", percent),
    ("max_shift_per_h", "most shift an hour", percent),
    ("min_sample", "minimum sample", lambda value: f"{value:,}"),
    ("half_life_h", "half-life", lambda value: f"{value} h"),
)
"""Fields of AdaptiveSettings, how they are called, and how their values are written."""


def _amount(amount: AmountRange) -> str:
    low, high = (
        None if bound is None else format_money(bound, amount.currency)
        for bound in (amount.min_minor, amount.max_minor)
    )
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if low else f"up to {high}"


def _bins(prefixes: Iterable[str]) -> list[str]:
    known = sorted(prefixes)
    more = len(known) - MOST_BINS_NAMED
    return known if more <= 1 else [*known[:MOST_BINS_NAMED], f"{more} more"]
