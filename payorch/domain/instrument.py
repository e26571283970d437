"""The card a customer types: in memory, for one submission, never anywhere else (invariant 10)."""

from dataclasses import dataclass
from typing import NoReturn

_BRAND_RANGES = (
    ("visa", 4, 4, 1),
    ("mastercard", 51, 55, 2),
    ("mastercard", 2221, 2720, 4),
    ("amex", 34, 34, 2),
    ("amex", 37, 37, 2),
    ("discover", 6011, 6011, 4),
    ("discover", 644, 649, 3),
    ("discover", 65, 65, 2),
    ("jcb", 3528, 3589, 4),
    ("diners", 300, 305, 3),
    ("diners", 36, 36, 2),
    ("diners", 38, 39, 2),
)

CARD_BRANDS = tuple(dict.fromkeys(brand for brand, *_ in _BRAND_RANGES))


def card_brand(number: str) -> str:
    """Scheme of a card number by its issuer range, "unknown" when none fits."""
    for brand, low, high, digits in _BRAND_RANGES:
        if len(number) >= digits and low <= int(number[:digits]) <= high:
            return brand
    return "unknown"


def passes_luhn(number: str) -> bool:
    """Whether the check digit of `number` (digits only) is right. Source: ISO/IEC 7812-1."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit)
        if position % 2 == 1:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


@dataclass(frozen=True, slots=True, repr=False)
class CardInstrument:
    """A typed card. Prints, pickles and copies as nothing, so that it cannot leak by accident."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    holder: str

    def __repr__(self) -> str:
        return "CardInstrument(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A card is never serialized.")

    @property
    def brand(self) -> str:
        return card_brand(self.number)

    @property
    def routing_bin(self) -> str:
        """The issuer's digits that routing rules look at: eight, where six are kept."""
        return self.number[:8]

    def summary(self) -> "CardSummary":
        return CardSummary(brand=self.brand, bin=self.number[:6], last4=self.number[-4:])


@dataclass(frozen=True, slots=True)
class CardSummary:
    """What may be kept of a card: brand, BIN (first six) and last four."""

    brand: str
    bin: str
    last4: str
