"""The closed vocabularies of the decline policy: classes, actions and customer texts.

Values are what the policy file, the database and the charts hold, so a value never changes its
meaning once it is released. Texts live in the translations; only their keys live here.
"""

from enum import StrEnum, unique

ANY_SCHEME = "any"
# Rows of this scheme describe what happened to our request, not what an issuer said.
TRANSPORT_SCHEME = "transport"


@unique
class DeclineClass(StrEnum):
    """Who has to act on a decline; the coarse grouping of charts and result pages."""

    # The issuer looked at a good request and said no.
    ISSUER_DECLINE = "issuer_decline"
    # The customer's entry was wrong or outdated; never counts against a provider's health.
    CUSTOMER_DATA = "customer_data"
    # Told to the customer as a generic decline only, so that a thief learns nothing.
    FRAUD_OR_STOLEN = "fraud_or_stolen"
    SCA_REQUIRED = "sca_required"
    # Our account, keys, amounts or message are wrong at this provider: staff have to act.
    PROVIDER_SETUP = "provider_setup"
    # Nobody decided: the issuer, the switch or the provider was down or did not answer.
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    # A code without a row, or an answer that contradicts itself.
    UNCLASSIFIED = "unclassified"


@unique
class FailoverNow(StrEnum):
    """May the next provider be tried in the same submission?"""

    # A scheme forbids any further try of this card; `NO` is payorch's own choice.
    NEVER = "never"
    NO = "no"
    YES = "yes"
    # Only if the same reason has not already caused a fallback in this submission.
    YES_ONCE = "yes_once"
    SETTING = "setting"
    SETTING_ONCE = "setting_once"
    # Only if the next provider can be given the card number instead of a network token.
    WITH_CARD_NUMBER = "with_card_number"
    # The response code says nothing by itself: the advice code decides alone.
    BY_ADVICE = "by_advice"


@unique
class RetryLater(StrEnum):
    """May the same card be tried again later? Members stand from the loosest to the strictest."""

    YES = "yes"
    AFTER_WAIT = "after_wait"
    AFTER_SCA = "after_sca"
    # Only after the customer has changed the data.
    FIX = "fix"
    NOT_FOR_RECURRING = "not_for_recurring"
    # Only when the customer asks for it, never from a schedule.
    NOT_AUTOMATIC = "not_automatic"
    # The first charge may exist: find it before anything else is charged.
    AFTER_LOOKUP = "after_lookup"
    NEVER = "never"

    @property
    def strictness(self) -> int:
        """Rank among the members: when a code and an advice disagree, the higher one wins."""
        return list(RetryLater).index(self)


@unique
class CustomerText(StrEnum):
    """Key of the sentence a customer reads when the decline is the end of the submission."""

    GENERIC_DECLINE = "generic_decline"
    CHECK_NUMBER = "check_number"
    CHECK_DATE = "check_date"
    CHECK_CODE = "check_code"
    CHECK_DETAILS = "check_details"
    USE_ANOTHER_CARD = "use_another_card"
    CARD_NOT_ALLOWED = "card_not_allowed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_REACHED = "limit_reached"
    CONTACT_BANK = "contact_bank"
    DECLINED_BY_BANK = "declined_by_bank"
    VERIFY_WITH_BANK = "verify_with_bank"
    BANK_UNAVAILABLE = "bank_unavailable"
    TRY_LATER = "try_later"
    UPDATE_CARD = "update_card"
    CONTACT_MERCHANT = "contact_merchant"


@unique
class DeclineSetting(StrEnum):
    """Choices that a merchant makes; each is a field of `DeclineSettings`."""

    INSUFFICIENT_FUNDS_FALLS_BACK = "insufficient_funds_falls_back"
    DO_NOT_HONOR_FALLS_BACK = "do_not_honor_falls_back"
    RESTRICTED_FALLS_BACK = "restricted_falls_back"
    CALL_ISSUER_FALLS_BACK = "call_issuer_falls_back"


@unique
class SignalKind(StrEnum):
    """Which field of a provider's answer a row is about."""

    RESPONSE = "response"
    # Mastercard's merchant advice code (MAC), or a provider's own advice field.
    ADVICE = "advice"


@unique
class CapTrigger(StrEnum):
    """What starts the window of a retry cap."""

    ANY_DECLINE = "any_decline"
    VISA_CATEGORY_1 = "visa_category_1"
    VISA_CATEGORY_3 = "visa_category_3"
    ADVICE_03 = "advice_03"
    ADVICE_21 = "advice_21"


@unique
class CapScope(StrEnum):
    """Whose tries are counted together."""

    CARD = "card"
    MERCHANT = "merchant"


@unique
class CapCounts(StrEnum):
    """What is counted against a cap: Visa counts tries after the first, Mastercard declines."""

    RETRIES = "retries"
    DECLINES = "declines"
