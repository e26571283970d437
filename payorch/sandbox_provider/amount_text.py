"""An amount as a customer reads it, made from digits alone: no float, no division."""

from iso4217 import Currency


def amount_text(amount: int, currency: str) -> str:
    """Such as "19.99 EUR" or "500 JPY"; a currency that ISO 4217 does not know has two decimals."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        exponent = 2
    if not exponent:
        return f"{amount} {currency}"
    digits = str(amount).zfill(exponent + 1)
    return f"{digits[:-exponent]}.{digits[-exponent:]} {currency}"
