from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payorch.domain.decline_policy import (
    ANY_SCHEME,
    TRANSPORT_SCHEME,
    CustomerText,
    DeclineClass,
    DeclinePolicy,
    DeclineRow,
    DeclineSetting,
    DeclineSettings,
    DeclineSignal,
    DeclineVerdict,
    FailoverNow,
    InvalidDeclinePolicy,
    RetryLater,
    SignalKind,
)
from payorch.domain.decline_terms import CapScope, CapTrigger
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy

POLICY = load_shipped_policy()
TODAY = date(2026, 11, 22)
ALL_ALLOWED = DeclineSettings(
    insufficient_funds_falls_back=True,
    do_not_honor_falls_back=True,
    restricted_falls_back=True,
    call_issuer_falls_back=True,
)
RESPONSE_ROWS = [row for row in POLICY.rows if row.signal is SignalKind.RESPONSE]
ADVICE_ROWS = [row for row in POLICY.rows if row.signal is SignalKind.ADVICE]
KNOWN_CODES = {row.code.casefold() for row in RESPONSE_ROWS}
FOLDED_CODES = ("79", "82", "83")

responses = st.sampled_from(RESPONSE_ROWS)
advices = st.sampled_from([None, "77", *(row.code for row in ADVICE_ROWS)])
schemes = st.sampled_from([None, "visa", "mastercard", "amex", "elo"])
all_settings = st.builds(DeclineSettings, *[], **{name: st.booleans() for name in DeclineSetting})


def classify(
    code: str,
    advice: str | None = None,
    *,
    scheme: str | None = None,
    settings: DeclineSettings | None = None,
    on: date = TODAY,
    again_for: str = "",
    has_card_number: bool = False,
) -> DeclineVerdict:
    return POLICY.classify(
        DeclineSignal(scheme, code, advice, has_card_number),
        settings or DeclineSettings(),
        on,
        frozenset({again_for} - {""}),
    )


def a_row(**changes: object) -> DeclineRow:
    fields: dict[str, object] = {
        "scheme": "any",
        "code": "05",
        "reason": "do_not_honor",
        "decline_class": DeclineClass.ISSUER_DECLINE,
        "failover": FailoverNow.NO,
        "retry_later": RetryLater.YES,
        "customer_text": CustomerText.DECLINED_BY_BANK,
        "source": "a bulletin",
        "effective_from": date(2021, 4, 17),
    }
    return DeclineRow(**(fields | changes))


@pytest.mark.parametrize("row", POLICY.rows, ids=lambda row: f"{row.label} {row.effective_from}")
def test_every_row_is_reached_by_its_own_signal(row: DeclineRow) -> None:
    scheme = None if row.scheme == ANY_SCHEME else row.scheme
    is_advice = row.signal is SignalKind.ADVICE
    verdict = POLICY.classify(
        DeclineSignal(scheme, "79" if is_advice else row.code, row.code if is_advice else None)
        if scheme or not is_advice
        else DeclineSignal("mastercard", "79", row.code),
        DeclineSettings(),
        row.effective_from,
    )
    expected = "do_not_honor" if row.failover is FailoverNow.BY_ADVICE else row.reason
    assert verdict.reason == expected
    assert row.label in verdict.explanation


@pytest.mark.parametrize(
    ("used", "vocabulary"),
    [
        ({row.decline_class for row in POLICY.rows}, DeclineClass),
        ({row.failover for row in POLICY.rows}, FailoverNow),
        ({row.retry_later for row in POLICY.rows}, RetryLater),
        ({row.customer_text for row in POLICY.rows}, CustomerText),
        ({row.setting for row in POLICY.rows} - {None}, DeclineSetting),
        ({row.signal for row in POLICY.rows}, SignalKind),
        ({cap.trigger for cap in POLICY.caps}, CapTrigger),
        ({cap.scope for cap in POLICY.caps}, CapScope),
    ],
)
def test_every_term_is_used_by_the_shipped_policy(used, vocabulary) -> None:
    assert used == set(vocabulary)


@pytest.mark.parametrize(
    ("scheme", "code", "reason", "may_try_next"),
    [
        ("visa", "04", "lost_stolen_pickup", False),
        ("visa", "14", "invalid_card_number", False),
        ("visa", "R1", "stop_payment", False),
        ("visa", "51", "insufficient_funds", False),
        ("visa", "65", "limit_exceeded", False),
        ("mastercard", "65", "sca_required", False),
        ("visa", "03", "invalid_merchant", True),
        ("visa", "91", "issuer_or_switch_down", True),
        ("mastercard", "80", "issuer_or_switch_down", True),
        ("visa", "80", "unclassified", False),
        ("visa", "82", "cvc_or_security_failed", False),
        (None, "82", "unclassified", False),
        ("visa", "70", "verification_failed", False),
        ("mastercard", "70", "call_issuer", False),
        ("visa", "05", "do_not_honor", True),
        ("visa", "94", "duplicate_transaction", False),
        ("visa", "58", "not_supported_by_provider", True),
        ("visa", "00", "approved", False),
        (None, "insufficient_funds", "insufficient_funds", False),
        (TRANSPORT_SCHEME, "connection_refused", "not_sent", True),
        (TRANSPORT_SCHEME, "read_timeout", "maybe_charged", False),
    ],
)
def test_the_table_says_what_each_code_leads_to(scheme, code, reason, may_try_next) -> None:
    verdict = classify(code, scheme=scheme)
    assert (verdict.reason, verdict.may_try_next) == (reason, may_try_next)


@given(code=st.text(max_size=12), scheme=schemes, advice=advices, settings=all_settings)
def test_a_code_without_a_row_never_falls_back_and_alerts_staff(
    code, scheme, advice, settings
) -> None:
    assume(code.strip().casefold() not in KNOWN_CODES)
    verdict = classify(code, advice, scheme=scheme, settings=settings, has_card_number=True)
    assert not verdict.may_try_next
    assert not verdict.is_classified
    assert verdict.alerts_ops
    assert verdict.customer_text_key is CustomerText.GENERIC_DECLINE


def test_transport_codes_are_not_mistaken_for_an_issuers_answer() -> None:
    assert classify("connection_refused", scheme="visa").reason == "unclassified"
    assert classify("05", scheme=TRANSPORT_SCHEME).reason == "unclassified"


@given(row=responses, advice=advices, scheme=schemes, settings=all_settings)
def test_an_advice_never_makes_a_telling_code_looser(row, advice, scheme, settings) -> None:
    assume(row.code not in FOLDED_CODES)
    alone = classify(row.code, scheme=scheme, settings=settings, has_card_number=True)
    advised = classify(row.code, advice, scheme=scheme, settings=settings, has_card_number=True)
    assert alone.may_try_next or not advised.may_try_next
    assert advised.retry_later.strictness >= alone.retry_later.strictness


@given(row=responses, advice=st.sampled_from(["03", "21"]), settings=all_settings)
def test_no_setting_lifts_a_mastercard_prohibition(row, advice, settings) -> None:
    assume(row.scheme in {ANY_SCHEME, "mastercard"})
    verdict = classify(
        row.code, advice, scheme="mastercard", settings=settings, has_card_number=True
    )
    assert not verdict.may_try_next
    assert verdict.retry_later is RetryLater.NEVER


@pytest.mark.parametrize("scheme", [None, "visa", "mastercard"])
def test_fraud_and_theft_are_never_told_to_the_customer(scheme) -> None:
    hushed = [row for row in RESPONSE_ROWS if row.decline_class is DeclineClass.FRAUD_OR_STOLEN]
    for row in hushed:
        for advice in (None, "77", *(row.code for row in ADVICE_ROWS)):
            verdict = classify(row.code, advice, scheme=row.scheme if scheme is None else scheme)
            assert verdict.decline_class is DeclineClass.FRAUD_OR_STOLEN
            assert verdict.customer_text_key is CustomerText.GENERIC_DECLINE


def test_an_advice_does_not_rename_what_the_code_has_settled() -> None:
    assert classify("41", "01", scheme="mastercard").reason == "lost_stolen_pickup"
    assert classify("46", "01", scheme="mastercard").reason == "account_closed"
    assert classify("05", "01", scheme="mastercard").reason == "new_account_info"


@given(row=responses, advice=advices, scheme=schemes, settings=all_settings)
def test_the_flags_of_a_verdict_follow_from_its_class(row, advice, scheme, settings) -> None:
    verdict = classify(row.code, advice, scheme=scheme, settings=settings)
    assert verdict.is_customer_data == (verdict.decline_class is DeclineClass.CUSTOMER_DATA)
    assert verdict.is_classified == (verdict.decline_class is not DeclineClass.UNCLASSIFIED)
    assert (verdict.retry_after_h is not None) == (verdict.retry_later is RetryLater.AFTER_WAIT)
    assert not (verdict.is_customer_data and verdict.may_try_next)


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("51", DeclineSetting.INSUFFICIENT_FUNDS_FALLS_BACK),
        ("05", DeclineSetting.DO_NOT_HONOR_FALLS_BACK),
        ("62", DeclineSetting.RESTRICTED_FALLS_BACK),
        ("02", DeclineSetting.CALL_ISSUER_FALLS_BACK),
    ],
)
def test_a_setting_decides_alone_whether_its_code_falls_back(code, setting) -> None:
    others_on = {name: name != setting for name in DeclineSetting}
    off = classify(code, settings=DeclineSettings(**others_on))
    on = classify(code, settings=DeclineSettings(**{name: name == setting for name in others_on}))
    assert (off.may_try_next, on.may_try_next) == (False, True)
    assert setting in off.explanation


@pytest.mark.parametrize("code", ["05", "19", "06", "30"])
def test_a_code_that_may_fall_back_once_stops_at_the_second_time(code) -> None:
    first = classify(code)
    assert first.may_try_next
    assert not classify(code, again_for=first.reason).may_try_next
    assert classify(code, again_for="another_reason").may_try_next


@pytest.mark.parametrize("code", ["51", "91", "58"])
def test_a_code_that_always_falls_back_does_so_again(code) -> None:
    first = classify(code, settings=ALL_ALLOWED)
    assert classify(code, settings=ALL_ALLOWED, again_for=first.reason).may_try_next


@pytest.mark.parametrize("code", FOLDED_CODES)
@pytest.mark.parametrize(
    ("advice", "reason", "may_try_next", "later"),
    [
        ("01", "new_account_info", False, RetryLater.FIX),
        ("02", "try_later", False, RetryLater.AFTER_WAIT),
        ("03", "do_not_try_again", False, RetryLater.NEVER),
        ("21", "cancelled_agreement", False, RetryLater.NEVER),
        ("22", "merchant_not_eligible", True, RetryLater.NOT_AUTOMATIC),
        ("40", "prepaid_or_virtual_card", False, RetryLater.NOT_FOR_RECURRING),
        (None, "do_not_honor", True, RetryLater.YES),
        ("99", "do_not_honor", False, RetryLater.NOT_AUTOMATIC),
    ],
)
def test_mastercards_folded_codes_are_decided_by_the_advice_alone(
    code, advice, reason, may_try_next, later
) -> None:
    verdict = classify(code, advice, scheme="Mastercard ")
    assert (verdict.reason, verdict.may_try_next) == (reason, may_try_next)
    assert verdict.retry_later is later


def test_a_folded_fraud_code_stays_hushed_whatever_the_advice_says() -> None:
    assert classify("79", "01", scheme="mastercard").customer_text_key is CustomerText.UPDATE_CARD
    hushed = classify("83", "01", scheme="mastercard")
    assert hushed.customer_text_key is CustomerText.GENERIC_DECLINE
    assert hushed.decline_class is DeclineClass.FRAUD_OR_STOLEN


@pytest.mark.parametrize(
    ("advice", "wait_h"), [(None, 24), ("02", 72), ("24", 1), ("25", 24), ("30", 240)]
)
def test_the_advice_times_the_next_try_after_insufficient_funds(advice, wait_h) -> None:
    verdict = classify("51", advice, scheme="mastercard")
    assert verdict.reason == "insufficient_funds"
    assert verdict.retry_after_h == wait_h
    assert verdict.customer_text_key is CustomerText.INSUFFICIENT_FUNDS


def test_a_refused_token_falls_back_only_with_the_card_number() -> None:
    assert not classify("05", "04", scheme="mastercard").may_try_next
    assert classify("05", "04", scheme="mastercard", has_card_number=True).may_try_next


def test_an_unknown_advice_stops_the_fallback_and_alerts_staff() -> None:
    verdict = classify("91", "99", scheme="mastercard")
    assert not verdict.may_try_next
    assert verdict.alerts_ops
    assert "'99'" in verdict.explanation


def test_a_row_counts_from_its_effective_date() -> None:
    before = classify("57", scheme="visa", on=date(2026, 10, 24))
    since = classify("57", scheme="visa", on=date(2026, 10, 25))
    assert before.explanation.startswith("any 57")
    assert since.explanation.startswith("visa 57")
    assert classify("05", on=date(2021, 4, 16)).reason == "unclassified"


@pytest.mark.parametrize(
    "changes",
    [
        {"decline_class": DeclineClass.FRAUD_OR_STOLEN},
        {"failover": FailoverNow.SETTING},
        {"setting": DeclineSetting.DO_NOT_HONOR_FALLS_BACK},
        {"failover": FailoverNow.BY_ADVICE},
        {"without_advice_as": "05"},
        {"keeps_reason": True},
        {"retry_later": RetryLater.AFTER_WAIT},
        {"wait_h": 24},
        {"retry_later": RetryLater.AFTER_WAIT, "wait_h": 0},
        {"max_tries": 0},
        {"visa_category": 5},
        {"source": " "},
        {
            "signal": SignalKind.ADVICE,
            "failover": FailoverNow.BY_ADVICE,
            "without_advice_as": "05",
        },
    ],
)
def test_a_row_that_contradicts_itself_cannot_be_built(changes) -> None:
    with pytest.raises(InvalidDeclinePolicy, match="05"):
        a_row(**changes)


def test_two_rows_for_one_code_and_day_are_refused_whatever_their_spelling() -> None:
    with pytest.raises(InvalidDeclinePolicy, match="two rows"):
        DeclinePolicy("test", (a_row(code="r1"), a_row(code="R1")))


@pytest.mark.parametrize("stand_in", ["99", "79"])
def test_a_folded_code_needs_a_usable_stand_in(stand_in) -> None:
    folded = a_row(code="79", failover=FailoverNow.BY_ADVICE, without_advice_as=stand_in)
    with pytest.raises(InvalidDeclinePolicy, match=f"without_advice_as {stand_in}"):
        DeclinePolicy("test", (folded, a_row()))


def caps(scheme: str, trigger: CapTrigger, country: str | None = None) -> dict[int, int]:
    found = POLICY.caps_for(scheme, on=TODAY, country=country)
    return {cap.window_h: cap.limit for cap in found if cap.trigger is trigger}


def test_the_caps_of_the_schemes_are_exposed() -> None:
    assert caps("visa", CapTrigger.ANY_DECLINE) == {720: 15}
    assert caps("Visa", CapTrigger.VISA_CATEGORY_1) == {720: 0}
    assert caps("visa", CapTrigger.VISA_CATEGORY_3) == {720: 25_000}
    assert caps("mastercard", CapTrigger.ANY_DECLINE) == {24: 10, 720: 35}
    assert caps("mastercard", CapTrigger.ANY_DECLINE, "BR") == {24: 7, 720: 35}
    assert caps("mastercard", CapTrigger.ADVICE_03) == {720: 0}
    assert caps("mastercard", CapTrigger.ADVICE_21) == {720: 0}
    assert caps("amex", CapTrigger.ANY_DECLINE) == {}
    assert POLICY.caps_for("visa", on=date(2021, 4, 16)) == ()


@pytest.mark.parametrize("order", [1, -1])
def test_a_countrys_cap_replaces_the_general_one_wherever_it_stands(order) -> None:
    policy = DeclinePolicy("test", POLICY.rows, POLICY.caps[::order])
    found = policy.caps_for("mastercard", on=TODAY, country="BR")
    limits = {cap.limit for cap in found if cap.window_h == 24}
    assert limits == {7}
