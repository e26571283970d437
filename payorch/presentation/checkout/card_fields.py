"""The card fields of the checkout: what is checked before a card is sent anywhere.

Values live in the form object of one request. Number and code are never rendered again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _
from wtforms import Form, StringField
from wtforms.validators import StopValidation, ValidationError

from payorch.domain.instrument import CardInstrument, card_brand, passes_luhn
from payorch.presentation.checkout.typed_text import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from wtforms import Field

_NUMBER_LENGTHS = {
    "visa": {13, 16, 19},
    "mastercard": {16},
    "amex": {15},
    "discover": {16, 17, 18, 19},
    "jcb": {16, 17, 18, 19},
    "diners": {14, 15, 16, 17, 18, 19},
}
# ISO/IEC 7812-1 allows up to 19 digits; nothing shorter than 12 is issued.
_ANY_LENGTH = set(range(12, 20))
_CODE_LENGTHS = {"amex": 4}
# Cards are issued for a few years; a later date is a slip of the finger.
_MAX_YEARS_AHEAD = 20
_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])[ /.-]*(20[0-9]{2}|[0-9]{2})")


class CardFields(Form):
    """Mixin of the checkout's form. They count only while `needs_card` of that form is true."""

    card_number = StringField(_("Card number"), filters=[one_line])
    card_expiry = StringField(_("Expiry date"), filters=[one_line])
    card_cvc = StringField(_("Security code"), filters=[one_line])
    card_holder = StringField(_("Name on card"), filters=[one_line])

    @property
    def needs_card(self) -> bool:
        raise NotImplementedError

    @property
    def today(self) -> datetime:
        raise NotImplementedError

    def validate_card_number(self, field: Field) -> None:
        self._skip_unless_needed()
        if not card_digits(field.data):
            raise ValidationError(_("Enter the card number."))
        digits = _ascii_digits(field.data)
        lengths = _NUMBER_LENGTHS.get(card_brand(digits), _ANY_LENGTH)
        if len(digits) not in lengths or not passes_luhn(digits):
            raise ValidationError(_("This is not a card number. Check each digit."))

    def validate_card_expiry(self, field: Field) -> None:
        self._skip_unless_needed()
        expiry = read_expiry(field.data)
        if expiry is None:
            raise ValidationError(_("Write month and year as on the card, such as 09/29."))
        month, year = expiry
        today = self.today
        if (year, month) < (today.year, today.month):
            raise ValidationError(_("This card has expired. Use another card."))
        if year > today.year + _MAX_YEARS_AHEAD:
            raise ValidationError(_("Check the year of the expiry date."))

    def validate_card_cvc(self, field: Field) -> None:
        self._skip_unless_needed()
        length = _CODE_LENGTHS.get(card_brand(_ascii_digits(self.card_number.data)), 3)
        if not re.fullmatch(rf"[0-9]{{{length}}}", field.data or ""):
            if length == 4:
                raise ValidationError(_("Enter the 4 digits on the front of the card."))
            raise ValidationError(_("Enter the 3 digits on the back of the card."))

    def validate_card_holder(self, field: Field) -> None:
        self._skip_unless_needed()
        if len(field.data or "") > 100:
            raise ValidationError(_("At most 100 characters."))

    def card(self, *, default_holder: str) -> CardInstrument:
        """The typed card, of a form that has been validated."""
        expiry = read_expiry(self.card_expiry.data)
        if expiry is None:
            raise ValueError("the card was not validated")
        return CardInstrument(
            number=card_digits(self.card_number.data),
            exp_month=expiry[0],
            exp_year=expiry[1],
            cvc=self.card_cvc.data,
            holder=self.card_holder.data or default_holder,
        )

    def forget_card_secrets(self) -> None:
        """Drop number and code, so that no template can write them."""
        for field in (self.card_number, self.card_cvc):
            field.data = ""
            field.raw_data = None

    def _skip_unless_needed(self) -> None:
        if not self.needs_card:
            raise StopValidation


def card_digits(text: str | None) -> str:
    """The number without the spaces and dashes people type; anything else stays to be refused."""
    return re.sub(r"[ -]", "", text or "")


def read_expiry(text: str | None) -> tuple[int, int] | None:
    """(month, four-digit year) of "09/29", "9/2029" or "0929"; None for anything else."""
    match = _EXPIRY.fullmatch(text or "")
    if match is None:
        return None
    year = int(match[2])
    return int(match[1]), year if year > 99 else 2000 + year


def _ascii_digits(text: str | None) -> str:
    digits = card_digits(text)
    return digits if digits.isascii() and digits.isdigit() else ""
