"""Amounts as people read them. The only place where minor units become a decimal text.

No float and no division: the decimal point is moved by ISO 4217's exponent. Babel knows the
locale's pattern and symbols, but not the exponent - CLDR's digits differ from ISO 4217 for
13 currencies (IQD has 3 digits in ISO and 0 in CLDR).
"""

from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern, format_currency, parse_pattern

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import currency_exponent


def format_money(amount_minor: int, currency: str, locale: str = "en") -> str:
    """The amount with its currency as `locale` writes it: "€1,234.50", "1.234,50 €"."""
    exponent = _shown_exponent(currency)
    return str(
        format_currency(
            Decimal(amount_minor).scaleb(-exponent),
            currency,
            format=_pattern(locale, exponent),
            locale=locale,
            currency_digits=False,
        )
    )


def format_amount_plain(amount_minor: int, currency: str) -> str:
    """The amount without symbol or grouping, e.g. "-1234.50": for inputs, search and exports."""
    return f"{Decimal(amount_minor).scaleb(-_shown_exponent(currency)):f}"


def _shown_exponent(currency: str) -> int:
    """0 for a code without a minor unit: the stored number is shown, no point is invented."""
    try:
        return currency_exponent(currency)
    except InvalidMoney:
        return 0


@cache
def _pattern(locale: str, exponent: int) -> NumberPattern:
    """The locale's own currency pattern with `exponent` fraction digits.

    A copy is parsed, because Babel shares the pattern object of a locale with everyone.
    """
    pattern = parse_pattern(Locale.parse(locale).currency_formats["standard"].pattern)
    pattern.frac_prec = (exponent, exponent)
    return pattern
