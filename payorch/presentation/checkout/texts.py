"""What a customer reads after a declined payment: what happened, and what to do now.

Lost, stolen and suspected cards read like any other decline, so that a thief learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _

from payorch.domain.decline_terms import CustomerText

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString


@dataclass(frozen=True, slots=True)
class ResultText:
    headline: LazyString
    advice: LazyString


NOT_CHARGED = ResultText(
    _("The payment did not go through"),
    _(
        "No provider could take the payment just now. You were not charged. "
        "Please try again, or choose another way to pay."
    ),
)
GIVEN_BACK = ResultText(
    _("The payment did not go through"),
    _(
        "If a charge for it shows up on your statement, it is given back to you. Should that "
        "take more than a few days, ask the shop. You can pay again below."
    ),
)
"""For an order with a flag: a provider may have charged what the books do not have as paid."""

NOT_COMPLETED = ResultText(
    _("The payment was not completed"),
    _("You were not charged. You can try again below."),
)
NOT_PAID_YET = ResultText(
    _("This order is not paid yet"),
    _("Fill in the form below to pay it."),
)

DECLINE_TEXTS: dict[CustomerText, ResultText] = {
    CustomerText.GENERIC_DECLINE: ResultText(
        _("The payment was declined"),
        _("You were not charged. Use another card or choose another way to pay."),
    ),
    CustomerText.CHECK_NUMBER: ResultText(
        _("The card number was not accepted"),
        _("You were not charged. Check each digit of the card number, or use another card."),
    ),
    CustomerText.CHECK_DATE: ResultText(
        _("The expiry date was not accepted"),
        _("You were not charged. Check the expiry date, or use another card if yours has expired."),
    ),
    CustomerText.CHECK_CODE: ResultText(
        _("The security code was not accepted"),
        _("You were not charged. Check the security code of your card and try again."),
    ),
    CustomerText.CHECK_DETAILS: ResultText(
        _("Some details were not accepted"),
        _("You were not charged. Check the details of your card, or use another card."),
    ),
    CustomerText.USE_ANOTHER_CARD: ResultText(
        _("This card cannot be used"),
        _("You were not charged. Use another card or choose another way to pay."),
    ),
    CustomerText.CARD_NOT_ALLOWED: ResultText(
        _("This card does not allow such payments"),
        _("You were not charged. Use another card or choose another way to pay."),
    ),
    CustomerText.INSUFFICIENT_FUNDS: ResultText(
        _("There is not enough money on this card"),
        _("You were not charged. Use another card or choose another way to pay."),
    ),
    CustomerText.LIMIT_REACHED: ResultText(
        _("The limit of this card is reached"),
        _("You were not charged. Use another card, or try again tomorrow."),
    ),
    CustomerText.CONTACT_BANK: ResultText(
        _("Your bank wants to hear from you"),
        _(
            "You were not charged. Call your bank at the number on your card, "
            "or choose another way to pay."
        ),
    ),
    CustomerText.DECLINED_BY_BANK: ResultText(
        _("Your bank declined the payment"),
        _(
            "You were not charged. Your bank does not tell us why. "
            "Use another card, or ask your bank."
        ),
    ),
    CustomerText.VERIFY_WITH_BANK: ResultText(
        _("Your bank wants you to confirm the payment"),
        _(
            "You were not charged. Try again and confirm the payment with your bank when asked, "
            "or choose another way to pay."
        ),
    ),
    CustomerText.BANK_UNAVAILABLE: ResultText(
        _("Your bank could not be reached"),
        _("You were not charged. Please try again in a few minutes, or use another card."),
    ),
    CustomerText.TRY_LATER: ResultText(
        _("The payment is not possible right now"),
        _("You were not charged. Please try again later, or use another card."),
    ),
    CustomerText.UPDATE_CARD: ResultText(
        _("Your bank has issued a newer card"),
        _("You were not charged. Use the new card's number and date, or another card."),
    ),
    CustomerText.CONTACT_MERCHANT: ResultText(
        _("The payment was declined"),
        _("You were not charged. Please contact the shop, or use another card."),
    ),
}


def decline_text(key: str | None) -> ResultText:
    """The text of a stored key; the generic one when there is none."""
    if key in {text.value for text in CustomerText}:
        return DECLINE_TEXTS[CustomerText(key)]
    return DECLINE_TEXTS[CustomerText.GENERIC_DECLINE]
