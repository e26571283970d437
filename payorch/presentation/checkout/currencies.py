"""The currencies an open checkout offers: those that the payment methods take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import currency_exponent
from payorch.presentation.services import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payorch.domain.payment_method import PaymentMethodVO


def currency_choices(methods: Iterable[PaymentMethodVO], asked: str | None) -> list[str]:
    """Codes in alphabetical order; `asked` (of a payment link) is among them when it exists."""
    known = {code for method in methods for code in method.currencies}
    known.add(settings().default_currency)
    if asked and _is_currency(asked):
        known.add(asked)
    return sorted(known)


def _is_currency(code: str) -> bool:
    try:
        currency_exponent(code)
    except InvalidMoney:
        return False
    return True
