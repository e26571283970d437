"""The order that somebody asks about: typed into a form or on a command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from payorch.application.payment_method_registry import RoutingQuestion
from payorch.domain.errors import InvalidMoney
from payorch.domain.instrument import CARD_BRANDS, card_brand
from payorch.domain.money import Money
from payorch.domain.payment_method import MethodKind
from payorch.presentation.backoffice.routing.rule_words import KIND_LABELS
from payorch.presentation.backoffice.routing.typed_conditions import (
    country_problem,
    currency_problem,
)

TYPED_CARD = "card"
HOSTED_CARD = "hosted_card"
ANY_OTHER = "any"

METHOD_LABELS: Mapping[str, str] = {
    TYPED_CARD: "Card, typed on our page",
    HOSTED_CARD: "Card, typed on the provider's page",
    **{k.value: label for k, label in KIND_LABELS.items() if k is not MethodKind.CARD},
    ANY_OTHER: "Not chosen, and no card typed",
}


@dataclass(frozen=True, slots=True)
class ExplainForm:
    """`question` is None while something is missing; `problems` are by field name."""

    texts: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    question: RoutingQuestion | None = None


def read_explain_form(args: Mapping[str, str]) -> ExplainForm:
    """Fields: amount, currency, country, method, brand, bin. Required fields count as filled."""
    texts = {
        name: args.get(name, "").strip()[:40]
        for name in ("amount", "currency", "country", "method", "brand", "bin")
    }
    texts["currency"], texts["country"] = texts["currency"].upper(), texts["country"].upper()
    texts["method"] = texts["method"] or TYPED_CARD
    problems = {
        "currency": currency_problem(texts["currency"]),
        "country": country_problem(texts["country"]),
        "method": "" if texts["method"] in METHOD_LABELS else "Choose one of the list.",
        "brand": _brand_problem(texts["brand"]),
        "bin": _bin_problem(texts["bin"], texts["brand"]),
    }
    money = None
    if not problems["currency"]:
        try:
            money = Money.from_decimal_text(texts["amount"], texts["currency"])
        except InvalidMoney as error:
            problems["amount"] = error.message
    problems = {name: problem for name, problem in problems.items() if problem}
    if problems or money is None:
        return ExplainForm(texts, problems)
    return ExplainForm(texts, problems, _question(money, texts))


def _question(money: Money, texts: Mapping[str, str]) -> RoutingQuestion:
    is_typed = texts["method"] == TYPED_CARD
    is_card = is_typed or texts["method"] == HOSTED_CARD
    kind = MethodKind.CARD if is_card else None
    if not is_card and texts["method"] != ANY_OTHER:
        kind = MethodKind(texts["method"])
    # Of a card that is typed elsewhere nothing is known when the provider is chosen.
    digits = texts["bin"] if is_typed else ""
    brand = (texts["brand"] or (card_brand(digits) if digits else "")) if is_typed else ""
    return RoutingQuestion(
        money,
        texts["country"],
        None,
        has_typed_card=is_typed,
        preferred_provider=None,
        kind=kind,
        card_brand=brand or None,
        card_bin=digits or None,
    )


def _brand_problem(brand: str) -> str:
    return "" if not brand or brand in CARD_BRANDS else "Choose one of the list."


def _bin_problem(digits: str, brand: str) -> str:
    if not digits:
        return ""
    if not digits.isascii() or not digits.isdecimal() or not 6 <= len(digits) <= 8:
        return "The first six to eight digits of a card."
    if brand and card_brand(digits) != brand:
        return f"Cards that start so are {card_brand(digits)}."
    return ""
