"""What a card number tells by itself: whether it can be one, and which scheme it belongs to."""


def luhn_sum(digits: str) -> int:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total


def is_luhn_valid(digits: str) -> bool:
    return luhn_sum(digits) % 10 == 0


def with_check_digit(digits: str) -> str:
    """`digits` followed by the digit that makes the whole a possible card number."""
    return digits + str(-luhn_sum(digits + "0") % 10)


def brand_of(digits: str) -> str:
    """The scheme's name as the decline's `scheme` carries it.

    Source: the public ranges of ISO/IEC 7812; only the schemes that the practice cards use.
    """
    if digits.startswith("4"):
        return "visa"
    if "51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720":
        return "mastercard"
    if digits[:2] in {"34", "37"}:
        return "amex"
    if digits.startswith(("6011", "65")):
        return "discover"
    return "other"
