"""Texts of forms to what rules and explanations are about: codes, amounts, kinds, brands, BINs."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from payorch.domain.errors import InvalidMoney
from payorch.domain.instrument import CARD_BRANDS
from payorch.domain.money import Money, currency_exponent
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_rule import AmountRange, RuleConditions
from payorch.presentation.countries import is_country

_SEPARATORS = re.compile(r"[\s,;]+")


class Field(StrEnum):
    CURRENCIES = "currencies"
    COUNTRIES = "countries"
    AMOUNT = "amount"
    BINS = "bins"


def codes(text: str) -> tuple[str, ...]:
    """ISO codes with anything between them, in capitals, each once."""
    return tuple(dict.fromkeys(part.upper() for part in _SEPARATORS.split(text) if part))


def currency_problem(currency: str) -> str:
    try:
        currency_exponent(currency)
    except InvalidMoney as error:
        return error.message
    return ""


def country_problem(country: str) -> str:
    return "" if is_country(country) else f"Unknown country {country[:8]!r}: use codes such as DE."


def typed_conditions(
    form: Mapping[str, str], kinds: Sequence[str], brands: Sequence[str]
) -> tuple[RuleConditions, dict[str, str]]:
    """The conditions, and what was wrong by field; a wrong field counts as left empty."""
    problems: dict[str, str] = {}
    currencies, countries = (
        codes(form.get(name, "")) for name in (Field.CURRENCIES, Field.COUNTRIES)
    )
    for name, typed, problem_of in (
        (Field.CURRENCIES, currencies, currency_problem),
        (Field.COUNTRIES, countries, country_problem),
    ):
        found = [problem for code in typed if (problem := problem_of(code))]
        if found:
            problems[name] = found[0]
    amount, amount_problem = _amount(form)
    if amount_problem:
        problems[Field.AMOUNT] = amount_problem
    prefixes = frozenset(codes(form.get(Field.BINS, "")))
    if any(not re.fullmatch("[0-9]{6,8}", prefix) for prefix in prefixes):
        problems[Field.BINS] = "A BIN prefix is six to eight digits; put spaces between them."
    conditions = RuleConditions(
        currencies=frozenset(() if Field.CURRENCIES in problems else currencies),
        countries=frozenset(() if Field.COUNTRIES in problems else countries),
        amount=amount,
        kinds=frozenset(MethodKind(kind) for kind in kinds if kind in list(MethodKind)),
        card_brands=frozenset(brand for brand in brands if brand in CARD_BRANDS),
        bin_prefixes=frozenset() if Field.BINS in problems else prefixes,
    )
    return conditions, problems


def _amount(form: Mapping[str, str]) -> tuple[AmountRange | None, str]:
    currency, low, high = (
        form.get(name, "").strip().upper()
        for name in ("amount_currency", "amount_min", "amount_max")
    )
    if not low and not high:
        return None, "Say from or up to which amount." if currency else ""
    if not currency:
        return None, "Say in which currency the amount is: amounts are never converted."
    try:
        bounds = [
            Money.from_decimal_text(text, currency).amount_minor if text else None
            for text in (low, high)
        ]
    except InvalidMoney as error:
        return None, error.message
    return AmountRange(currency, *bounds), ""
