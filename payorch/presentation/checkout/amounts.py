"""An amount as a customer types it, "12.50" or "12,50", read without ever guessing."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from wtforms.validators import ValidationError

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import Money, currency_exponent
from payorch.presentation.page_context import money as money_text

_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}([.,][0-9]{1,4})?")


def read_amount(text: str, currency: str, *, max_amount_minor: int) -> Money:
    """Money for "12.50" or "12,50". Raises ValidationError with a text for the customer.

    "1,250" of a currency with three decimals is refused: half of the world reads it as
    one thousand two hundred and fifty.
    """
    cleaned = text.strip()
    exponent = currency_exponent(currency)
    if not _PLAIN_NUMBER.fullmatch(cleaned):
        raise ValidationError(_("Write the amount as a plain number such as 12.50."))
    decimals = len(re.split("[.,]", cleaned)[1]) if re.search("[.,]", cleaned) else 0
    if decimals > exponent or ("," in cleaned and decimals == 3):
        raise ValidationError(_decimals_text(currency, exponent))
    try:
        money = Money.from_decimal_text(cleaned.replace(",", "."), currency)
    except InvalidMoney:
        raise ValidationError(_("The amount must be more than zero.")) from None
    if money.amount_minor > max_amount_minor:
        limit = money_text(max_amount_minor, currency)
        raise ValidationError(_("The largest amount is %(limit)s.", limit=limit))
    return money


def _decimals_text(currency: str, exponent: int) -> str:
    if exponent == 0:
        return str(_("Amounts in %(currency)s have no decimals: write 1250.", currency=currency))
    example = f"1250.{'5':0<{exponent}}"
    return str(
        _(
            "Write the amount in %(currency)s without thousands separator: %(example)s.",
            currency=currency,
            example=example,
        )
    )
