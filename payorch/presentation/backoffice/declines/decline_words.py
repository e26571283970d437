"""The closed vocabularies of the decline policy as staff read them."""

from collections.abc import Mapping

from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_terms import (
    CustomerText,
    DeclineClass,
    FailoverNow,
    RetryLater,
)
from payorch.domain.decline_verdict import DeclineSettings

CLASSES: Mapping[DeclineClass, str] = {
    DeclineClass.ISSUER_DECLINE: "the bank said no",
    DeclineClass.CUSTOMER_DATA: "the customer's data is wrong",
    DeclineClass.FRAUD_OR_STOLEN: "fraud or theft",
    DeclineClass.SCA_REQUIRED: "the bank wants the customer to confirm",
    DeclineClass.PROVIDER_SETUP: "our account or message is wrong there",
    DeclineClass.ISSUER_UNAVAILABLE: "the bank or the switch was down",
    DeclineClass.UNCLASSIFIED: "not classified",
}

FAILOVERS: Mapping[FailoverNow, str] = {
    FailoverNow.NO: "no",
    FailoverNow.YES: "yes",
    FailoverNow.YES_ONCE: "yes, once in a payment",
    FailoverNow.NEVER: "never: the scheme forbids it",
    FailoverNow.WITH_CARD_NUMBER: "only with the card's number",
    FailoverNow.BY_ADVICE: "the advice code says",
}

LATER: Mapping[RetryLater, str] = {
    RetryLater.YES: "yes",
    RetryLater.AFTER_WAIT: "after a wait",
    RetryLater.AFTER_SCA: "after the customer confirmed with the bank",
    RetryLater.FIX: "after the customer changed the data",
    RetryLater.NOT_FOR_RECURRING: "yes, but not for recurring payments",
    RetryLater.NOT_AUTOMATIC: "only when the customer asks",
    RetryLater.AFTER_LOOKUP: "only after a look for an earlier charge",
    RetryLater.NEVER: "never",
}

CUSTOMER_TEXTS: Mapping[CustomerText, str] = {
    CustomerText.GENERIC_DECLINE: "declined; use another card",
    CustomerText.CHECK_NUMBER: "check the card number",
    CustomerText.CHECK_DATE: "check the expiry date",
    CustomerText.CHECK_CODE: "check the security code",
    CustomerText.CHECK_DETAILS: "check the details",
    CustomerText.USE_ANOTHER_CARD: "this card cannot be used",
    CustomerText.CARD_NOT_ALLOWED: "the card does not allow such payments",
    CustomerText.INSUFFICIENT_FUNDS: "not enough money on the card",
    CustomerText.LIMIT_REACHED: "the card's limit is reached",
    CustomerText.CONTACT_BANK: "the bank wants to hear from you",
    CustomerText.DECLINED_BY_BANK: "declined by the bank",
    CustomerText.VERIFY_WITH_BANK: "confirm with your bank",
    CustomerText.BANK_UNAVAILABLE: "the bank cannot be reached",
    CustomerText.TRY_LATER: "try again later",
    CustomerText.UPDATE_CARD: "the card has new details",
    CustomerText.CONTACT_MERCHANT: "ask the merchant",
}


def next_provider(row: DeclineRow | None, settings: DeclineSettings) -> str:
    """May the next provider be tried after this decline? A code without a row: no."""
    if row is None:
        return "no, until it is classified"
    if row.setting is None:
        return FAILOVERS[row.failover]
    name = row.setting.replace("_", " ")
    if not settings.allows(row.setting):
        return f"no: the setting “{name}” is off"
    once = ", once in a payment" if row.failover is FailoverNow.SETTING_ONCE else ""
    return f"yes{once}: the setting “{name}” is on"


def again_later(row: DeclineRow | None) -> str:
    if row is None:
        return LATER[RetryLater.NOT_AUTOMATIC]
    if row.wait_h is not None:
        return f"after {row.wait_h} h"
    return LATER[row.retry_later]
