"""The currencies an open checkout offers: those that enabled payment methods take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import currency_exponent
from payorch.presentation.services import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payorch.domain.payment_method import PaymentMethodVO

# fmt: off
MOST_USED = frozenset({
    "AED", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF",
    "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SAR",
    "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR",
})
# fmt: on
"""What a method that takes every currency adds to the list. All 150 of them would be no choice,
and a payment link may name any of them.
Source: BIS Triennial Central Bank Survey 2022, the currencies traded most.
"""


def currency_choices(methods: Iterable[PaymentMethodVO], asked: str | None) -> list[str]:
    """Codes, the default one first, the others in alphabetical order.

    `asked` (of a payment link) is among them when it exists.
    """
    default = settings().default_currency
    known = {default}
    for method in methods:
        if method.is_enabled:
            known |= method.currencies or MOST_USED
    if asked and _is_currency(asked):
        known.add(asked)
    return sorted(known, key=lambda code: (code != default, code))


def _is_currency(code: str) -> bool:
    try:
        currency_exponent(code)
    except InvalidMoney:
        return False
    return True
