"""The board's form as it came: the draft it describes, and what was typed wrong in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import MAX_WEIGHT, PolicyEntry
from payorch.presentation.backoffice.routing.routing_draft import (
    DEFAULT_WEIGHT,
    RoutingDraft,
    fitted,
)

MAX_TIER = 99
EXPLORATION = "exploration"


class TypedNumbers:
    """Reads whole numbers; `texts` keeps what was typed, `problems` what was no usable number."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self.texts: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def tier(self, code: str, otherwise: int) -> int:
        return self._number(f"tier-{code}", 1, MAX_TIER, otherwise)

    def weight(self, code: str) -> int:
        return self._number(f"weight-{code}", 0, MAX_WEIGHT, DEFAULT_WEIGHT)

    def exploration_share(self, otherwise: float) -> float:
        """A percentage with at most two decimals, as a share. `otherwise` if it was not asked."""
        if EXPLORATION not in self._form:
            return otherwise
        return self.percentage(EXPLORATION, otherwise)

    def percentage(
        self, name: str, otherwise: float, low: Decimal = Decimal(0), high: Decimal = Decimal(100)
    ) -> float:
        """A percentage with at most two decimals, as a share."""
        text = self._text(name)
        whole, point, decimals = text.partition(".")
        digits = whole + decimals
        is_number = digits.isascii() and digits.isdecimal() and 0 < len(whole) <= 3
        if is_number and len(decimals) <= 2 and bool(point) == bool(decimals):
            percent = Decimal(text)
            if low <= percent <= high:
                return float(percent.scaleb(-2))
        self.problems[name] = f"A number from {low} to {high}, with at most two decimals."
        return otherwise

    def number(self, name: str, low: int, high: int, otherwise: int) -> int:
        return self._number(name, low, high, otherwise)

    def _number(self, name: str, low: int, high: int, otherwise: int) -> int:
        text = self._text(name)
        if text.isascii() and text.isdecimal() and len(text) <= 6 and low <= int(text) <= high:
            return int(text)
        self.problems[name] = f"A whole number from {low} to {high}."
        return otherwise

    def _text(self, name: str) -> str:
        text = self._form.get(name, "").strip()
        self.texts[name] = text[:12]
        return text


@dataclass(frozen=True, slots=True)
class PostedBoard:
    """`problems` are by field name; `texts` hold what was typed."""

    draft: RoutingDraft
    problems: Mapping[str, str]
    texts: Mapping[str, str]

    @classmethod
    def read(
        cls,
        form: Mapping[str, str],
        codes: Sequence[str],
        methods: Sequence[PaymentMethodVO],
        kept: RoutingDraft | None = None,
    ) -> Self:
        """`codes` are the providers in the order of the page; `kept` has what it does not show."""
        kept = kept or RoutingDraft(0, ())
        numbers = TypedNumbers(form)
        entries = [
            PolicyEntry(code, numbers.tier(code, place), numbers.weight(code))
            for place, code in enumerate(dict.fromkeys(codes), start=1)
        ]
        share = numbers.exploration_share(kept.exploration_share)
        version = form.get("version", "")
        base = int(version) if version.isascii() and version.isdecimal() else 0
        if numbers.problems:
            # While a number is wrong the rows stay where they are, else the page would jump.
            entries = [replace(entry, tier=n) for n, entry in enumerate(entries, start=1)]
        draft = RoutingDraft(base, fitted(entries, methods), kept.rules, share, kept.adaptive)
        return cls(draft, numbers.problems, numbers.texts)
