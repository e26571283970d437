"""Amounts as settlement reports write them: exactly into minor units, never through a float.

A text that could mean two things is refused: a report's line may wait for a person, a wrong
amount may not be booked. Which decimal mark a provider uses is said once, in its mapping.
"""

import re
from enum import StrEnum

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import currency_exponent
from payorch.domain.settlement_cell import shown_cell

QUOTED = 20
"""Signs of a cell that a message quotes."""

MAX_SETTLED_MINOR = 10**15
"""Above any payout of a merchant, and far below 2**63."""

MAX_AMOUNT_LENGTH = 40

_SPACES = "\u00a0\u202f\u2009 "
_APOSTROPHES = "'\u2019"
_MINUS = "\u2212"
_WHOLE = re.compile(r"[0-9]+")


class AmountStyle(StrEnum):
    """How a report writes 1,234.50 EUR."""

    POINT = "point"
    COMMA = "comma"
    MINOR_UNITS = "minor_units"


def parse_amount(text: str, currency: str, style: AmountStyle) -> int:
    """Minor units of `text`; negative for "-1.00", "1.00-" and "(1.00)".

    Groups of three digits may be parted by the other mark, spaces or apostrophes. More decimals
    than the currency has are taken when they are zeros. Raises InvalidMoney.
    """
    if len(text) > MAX_AMOUNT_LENGTH:
        raise InvalidMoney("An amount is not that long.")
    exponent = currency_exponent(currency)
    digits, is_negative = _without_sign(text, currency)
    if style is AmountStyle.MINOR_UNITS:
        minor = _whole(digits, text)
    else:
        minor = _scaled(digits, style, exponent, text)
    if minor > MAX_SETTLED_MINOR:
        raise InvalidMoney(f"{shown_cell(text, QUOTED)} is too much for one line.")
    return -minor if is_negative else minor


def amount_text(amount_minor: int, currency: str, style: AmountStyle, *, group: str = "") -> str:
    """The amount as a report of this style writes it: what `parse_amount` reads back."""
    sign = "-" if amount_minor < 0 else ""
    exponent = currency_exponent(currency)
    if style is AmountStyle.MINOR_UNITS:
        return f"{sign}{abs(amount_minor)}"
    digits = str(abs(amount_minor)).zfill(exponent + 1)
    whole, part = (digits[:-exponent], digits[-exponent:]) if exponent else (digits, "")
    if group:
        whole = f"{int(whole):,}".replace(",", group)
    mark = "." if style is AmountStyle.POINT else ","
    return f"{sign}{whole}{mark}{part}" if part else f"{sign}{whole}"


def _without_sign(text: str, currency: str) -> tuple[str, bool]:
    """What is left without blanks, currency code and sign; and whether it is negative."""
    bare = text.strip().strip(_SPACES)
    in_brackets = bare.startswith("(") and bare.endswith(")")
    if in_brackets:
        bare = bare[1:-1].strip(_SPACES)
    bare = bare.removeprefix(currency).removesuffix(currency).strip(_SPACES)
    signs = 0
    is_negative = in_brackets
    for mark in ("-", _MINUS, "+"):
        for cut in (bare.removeprefix(mark), bare.removesuffix(mark)):
            if cut != bare:
                signs += 1
                is_negative = is_negative or mark != "+"
                bare = cut.strip(_SPACES).removeprefix(currency).removesuffix(currency)
                break
    if signs > 1 or (signs and in_brackets):
        raise InvalidMoney(f"{shown_cell(text, QUOTED)} has more than one sign.")
    return bare.strip(_SPACES), is_negative


def _whole(digits: str, text: str) -> int:
    if not _WHOLE.fullmatch(digits):
        raise InvalidMoney(f"{shown_cell(text, QUOTED)} is not a whole number of minor units.")
    return int(digits)


def _scaled(digits: str, style: AmountStyle, exponent: int, text: str) -> int:
    mark, other = (".", ",") if style is AmountStyle.POINT else (",", ".")
    whole, has_mark, part = digits.partition(mark)
    if has_mark and not _WHOLE.fullmatch(part):
        raise InvalidMoney(
            f"{shown_cell(text, QUOTED)} is not an amount with “{mark}” before its decimals."
        )
    kept, dropped = part[:exponent], part[exponent:]
    if dropped.strip("0"):
        raise InvalidMoney(
            f"{shown_cell(text, QUOTED)} has more decimals than the currency's {exponent}."
        )
    return int(_ungrouped(whole, other, text, has_part=bool(part)) + kept.ljust(exponent, "0"))


def _ungrouped(whole: str, other: str, text: str, *, has_part: bool) -> str:
    if _WHOLE.fullmatch(whole):
        return whole
    if not whole and has_part:
        return "0"
    for group in (other, *_SPACES, *_APOSTROPHES):
        if re.fullmatch(rf"[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})+", whole):
            return whole.replace(group, "")
    raise InvalidMoney(f"{shown_cell(text, QUOTED)} is not an amount of this report's kind.")
