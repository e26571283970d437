"""The form of one rule: what it shows, and what was typed into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from werkzeug.datastructures import MultiDict

from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import PolicyEntry
from payorch.domain.routing_rule import RoutingRule
from payorch.presentation.backoffice.routing.posted_board import TypedNumbers
from payorch.presentation.backoffice.routing.routing_draft import DEFAULT_WEIGHT
from payorch.presentation.backoffice.routing.typed_conditions import typed_conditions
from payorch.presentation.money_format import format_amount_plain

_TEXTS = (
    "name",
    "currencies",
    "countries",
    "amount_currency",
    "amount_min",
    "amount_max",
    "bins",
)


@dataclass(frozen=True, slots=True)
class RuleForm:
    """`texts` by field name, `problems` by field name; `problem` is about the rule as a whole."""

    texts: Mapping[str, str]
    kinds: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    then_default: bool = True
    problems: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    rule: RoutingRule | None = None

    @classmethod
    def of(cls, rule: RoutingRule) -> Self:
        conditions, amount = rule.conditions, rule.conditions.amount
        texts = {
            "name": rule.name,
            "currencies": " ".join(sorted(conditions.currencies)),
            "countries": " ".join(sorted(conditions.countries)),
            "bins": " ".join(sorted(conditions.bin_prefixes)),
        }
        if amount is not None:
            texts["amount_currency"] = amount.currency
            for name, bound in (("min", amount.min_minor), ("max", amount.max_minor)):
                if bound is not None:
                    texts[f"amount_{name}"] = format_amount_plain(bound, amount.currency)
        for entry in rule.entries:
            texts[f"tier-{entry.provider_code}"] = str(entry.tier)
            texts[f"weight-{entry.provider_code}"] = str(entry.weight)
        return cls(
            texts=texts,
            kinds=frozenset(kind.value for kind in conditions.kinds),
            brands=conditions.card_brands,
            then_default=rule.then_default,
        )

    @classmethod
    def read(cls, form: MultiDict[str, str], methods: Sequence[PaymentMethodVO]) -> Self:
        kinds, brands = form.getlist("kind"), form.getlist("brand")
        conditions, problems = typed_conditions(form, kinds, brands)
        entries, numbers = _entries(form, methods)
        problems |= numbers.problems
        then_default = form.get("then_default", "") == "1"
        rule, problem = None, ""
        if not problems:
            try:
                rule = RoutingRule(form.get("name", "").strip(), conditions, entries, then_default)
            except InvalidRoutingPolicy as error:
                problem = error.message
        return cls(
            texts={name: form.get(name, "") for name in _TEXTS} | numbers.texts,
            kinds=frozenset(kinds),
            brands=frozenset(brands),
            then_default=then_default,
            problems=problems,
            problem=problem,
            rule=rule,
        )


def _entries(
    form: Mapping[str, str], methods: Sequence[PaymentMethodVO]
) -> tuple[tuple[PolicyEntry, ...], TypedNumbers]:
    """A provider without a tier number is no part of the rule; without a weight it has one."""
    named = [m.code for m in methods if form.get(f"tier-{m.code}", "").strip()]
    typed = {name: value for name, value in form.items() if value.strip()}
    numbers = TypedNumbers(
        {f"weight-{code}": str(DEFAULT_WEIGHT) for code in named} | typed,
    )
    entries = tuple(
        PolicyEntry(code, numbers.tier(code, 1), numbers.weight(code)) for code in named
    )
    return tuple(sorted(entries, key=lambda entry: entry.tier)), numbers
