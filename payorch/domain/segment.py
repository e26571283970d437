"""Parts of the traffic that are looked at on their own: a country, a card brand, an amount band.

Bands are of major units, so that ten euros and ten dinars lie in the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from payorch.domain.money import currency_exponent


class SegmentDimension(StrEnum):
    COUNTRY = "country"
    CARD_BRAND = "card_brand"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Segment:
    """Attempts for orders from one country, with cards of one brand, or of one band of amounts."""

    dimension: SegmentDimension
    value: str


NO_BRAND = "unknown"
"""Value of attempts without a card, or with one whose brand is not known."""

AMOUNT_BANDS: Mapping[str, tuple[int, int | None]] = {
    "under_10": (0, 10),
    "10_to_50": (10, 50),
    "50_to_100": (50, 100),
    "100_to_500": (100, 500),
    "from_500": (500, None),
}
"""[from, below) in major units; the last one has no end."""


def amount_band(amount_minor: int, currency: str) -> str:
    """Code of the band. Raises InvalidMoney for an unknown currency."""
    major = 10 ** currency_exponent(currency)
    return next(
        code
        for code, (_, below) in AMOUNT_BANDS.items()
        if below is None or amount_minor < below * major
    )


def band_bounds_minor(code: str, exponent: int) -> tuple[int, int | None]:
    """[from, below) in minor units of a currency with so many decimals."""
    start, below = AMOUNT_BANDS[code]
    return start * 10**exponent, None if below is None else below * 10**exponent
