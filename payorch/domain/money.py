"""Money as integer minor units and an ISO 4217 currency. Never a float, never divided by 100.

How many decimals a currency has comes from the ISO 4217 list (JPY 0, EUR 2, BHD 3). CLDR's
display precision differs for 13 currencies, so it must not be used for amounts.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

import iso4217

from payorch.domain.errors import InvalidMoney

MAX_AMOUNT_MINOR = 10**12
"""Largest amount an order may have: far above any payment, far below 2**63."""

_PLAIN_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")


@cache
def currency_exponent(currency: str) -> int:
    """Number of decimals of `currency` (its minor unit), from ISO 4217.

    Raises InvalidMoney for codes that are unknown or, like gold (XAU), have no minor unit.
    """
    try:
        exponent = iso4217.Currency(currency).exponent
    except ValueError:
        raise InvalidMoney(f"Unknown currency {currency[:8]!r}.") from None
    if exponent is None:
        raise InvalidMoney(f"{currency} is not a currency that payments are made in.")
    return int(exponent)


@cache
def payment_currencies() -> tuple[str, ...]:
    """All codes of ISO 4217 that have a minor unit, sorted."""
    return tuple(sorted(it.code for it in iso4217.Currency if it.exponent is not None))


@dataclass(frozen=True, slots=True)
class Money:
    """A positive amount of one currency."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):
            raise InvalidMoney("An amount is a whole number of minor units.")
        if not 0 < self.amount_minor <= MAX_AMOUNT_MINOR:
            raise InvalidMoney(f"An amount lies between 1 and {MAX_AMOUNT_MINOR} minor units.")
        currency_exponent(self.currency)

    @classmethod
    def from_decimal_text(cls, text: str, currency: str) -> "Money":
        """Money for a plain decimal such as "12.50" (a point, no grouping).

        Raises InvalidMoney for anything else, also for more decimals than the currency has:
        rounding somebody's amount silently would charge another one.
        """
        exponent = currency_exponent(currency)
        cleaned = text.strip()
        if not _PLAIN_DECIMAL.fullmatch(cleaned):
            raise InvalidMoney("Write the amount as a plain number such as 12.50.")
        try:
            minor = Decimal(cleaned).scaleb(exponent)
        except InvalidOperation:  # pragma: no cover - the pattern admits valid decimals only
            raise InvalidMoney("Write the amount as a plain number such as 12.50.") from None
        if minor != minor.to_integral_value():
            raise InvalidMoney(f"{currency} has {exponent} decimals.")
        return cls(int(minor), currency)

    def to_decimal(self) -> Decimal:
        """The amount in major units, exact: Money(1250, "EUR") is Decimal("12.50")."""
        return Decimal(self.amount_minor).scaleb(-currency_exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.to_decimal():f} {self.currency}"
