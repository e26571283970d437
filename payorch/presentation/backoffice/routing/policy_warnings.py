"""What may be published and is probably not meant: said before it is in force, never refused."""

from collections.abc import Iterable

from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.routing_rule import RoutingRule


def policy_warnings(policy: RoutingPolicy, methods: Iterable[PaymentMethodVO]) -> list[str]:
    by_code = {method.code: method for method in methods}
    warnings = [
        f"{rule} is never used: “{earlier.name}” stands before it and takes all of its orders."
        for rule, earlier in policy.unreachable_rules()
    ]
    for rule in policy.rules:
        named = [by_code[e.provider_code] for e in rule.entries if e.provider_code in by_code]
        reasons = {method.code: _never_takes(rule, method) for method in named}
        warnings += [
            f"{rule} names {method.display_name}, which {reasons[method.code]}."
            for method in named
            if reasons[method.code]
        ]
        if not rule.then_default and all(reasons.values()):
            warnings.append(f"{rule} leaves no provider: its orders could not be paid at all.")
    return warnings


def _never_takes(rule: RoutingRule, method: PaymentMethodVO) -> str:
    """Why `method` can take none of the rule's orders; empty when it can take some."""
    conditions = rule.conditions
    if not method.is_enabled:
        return "is switched off"
    if _are_apart(conditions.countries, method.countries):
        return "serves none of its countries"
    if _are_apart(conditions.implied_currencies, method.currencies):
        return "serves none of its currencies"
    if conditions.implied_kinds and method.kind not in conditions.implied_kinds:
        return "takes another kind of payment"
    return ""


def _are_apart(wanted: frozenset[str], served: frozenset[str]) -> bool:
    """Either of them empty means "all"."""
    return bool(wanted and served) and wanted.isdisjoint(served)
