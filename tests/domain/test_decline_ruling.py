"""Rulings beside the shipped table: they may add and tighten, never loosen a prohibition."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_ruling import (
    CHOICES_OF_FAILOVER,
    CodeKey,
    RulingsInForce,
    ruled_policy,
    why_not,
)
from payorch.domain.decline_terms import (
    ANY_SCHEME,
    CustomerText,
    DeclineClass,
    FailoverNow,
    RetryLater,
    SignalKind,
)
from payorch.domain.decline_verdict import DeclineSettings, DeclineSignal
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy

SHIPPED = load_shipped_policy()
TODAY = date(2026, 11, 26)


def a_ruling(code="zz", **fields) -> DeclineRow:
    defaults = {
        "scheme": "visa",
        "code": code,
        "reason": "house_rule",
        "decline_class": DeclineClass.ISSUER_DECLINE,
        "failover": FailoverNow.YES,
        "retry_later": RetryLater.YES,
        "customer_text": CustomerText.DECLINED_BY_BANK,
        "source": "a ruling",
        "effective_from": TODAY,
    }
    return DeclineRow(**(defaults | fields))


def ruled(*rows, version=1) -> DeclinePolicy:
    return ruled_policy(SHIPPED, RulingsInForce(version, rows))


def verdict(policy, code, scheme="visa", on=TODAY, **signal):
    return policy.classify(DeclineSignal(scheme, code, **signal), DeclineSettings(), on)


def test_an_unseen_code_means_what_was_ruled():
    assert not verdict(SHIPPED, "ZZ").may_try_next

    said = verdict(ruled(a_ruling()), " zz ")

    assert said.may_try_next
    assert said.is_classified
    assert said.reason == "house_rule"
    assert f"{SHIPPED.version}+1" in said.explanation


def test_without_rulings_the_table_is_the_shipped_one():
    assert ruled_policy(SHIPPED, RulingsInForce()) is SHIPPED


def test_a_ruling_on_one_scheme_says_nothing_at_another():
    policy = ruled(a_ruling())

    assert not verdict(policy, "zz", scheme="mastercard").is_classified


def test_a_ruling_on_any_scheme_counts_where_the_scheme_has_no_row_of_its_own():
    policy = ruled(a_ruling(scheme=ANY_SCHEME))

    assert verdict(policy, "zz", scheme="elo").reason == "house_rule"
    assert verdict(policy, "zz", scheme=None).reason == "house_rule"


def test_a_known_code_can_be_ruled_stricter():
    assert verdict(SHIPPED, "91").may_try_next

    assert not verdict(ruled(a_ruling("91", failover=FailoverNow.NO)), "91").may_try_next


def test_a_row_that_comes_into_force_after_the_ruling_replaces_it():
    later = TODAY + timedelta(days=30)
    row = a_ruling("zz", reason="redefined", effective_from=later)
    shipped = DeclinePolicy("next", (*SHIPPED.rows, row))

    policy = ruled_policy(shipped, RulingsInForce(1, (a_ruling(),)))

    assert verdict(policy, "zz", on=later - timedelta(days=1)).reason == "house_rule"
    assert verdict(policy, "zz", on=later).reason == "redefined"


def test_on_the_same_day_the_ruling_counts():
    shipped = DeclinePolicy("next", (*SHIPPED.rows, a_ruling(reason="of the table")))

    policy = ruled_policy(shipped, RulingsInForce(1, (a_ruling(),)))

    assert verdict(policy, "zz").reason == "house_rule"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (a_ruling("04"), "forbids any further try"),
        (a_ruling("12", failover=FailoverNow.NO), "may never be tried again"),
        (
            a_ruling("04", failover=FailoverNow.NEVER, retry_later=RetryLater.NEVER),
            "fraud or theft",
        ),
        (a_ruling("94"), "must be looked up first"),
        (a_ruling("82", scheme="mastercard"), "its advice code decides"),
        (a_ruling("timeout", scheme="transport"), "not for staff to rule on"),
    ],
)
def test_what_the_table_forbids_cannot_be_ruled(row, problem):
    assert problem in (why_not(row, SHIPPED) or "")


def test_a_ruling_that_a_later_table_forbids_is_passed_over():
    forbidding = a_ruling(
        failover=FailoverNow.NEVER,
        reason="forbidden now",
        effective_from=TODAY - timedelta(days=400),
    )
    shipped = DeclinePolicy("next", (*SHIPPED.rows, forbidding))

    policy = ruled_policy(shipped, RulingsInForce(1, (a_ruling(),)))

    assert verdict(policy, "zz").reason == "forbidden now"


rows_of_table = st.sampled_from([row for row in SHIPPED.rows if row.scheme != "transport"])


@st.composite
def rulings_on_known_codes(draw):
    row = draw(rows_of_table)
    return a_ruling(
        row.code,
        scheme=draw(st.sampled_from([row.scheme, ANY_SCHEME, "visa", "mastercard"])),
        signal=row.signal,
        failover=draw(st.sampled_from(FailoverNow).filter(lambda it: it in CHOICES_OF_FAILOVER)),
        retry_later=draw(
            st.sampled_from(RetryLater).filter(lambda it: it is not RetryLater.AFTER_WAIT)
        ),
        effective_from=draw(st.dates(date(2021, 1, 1), date(2030, 1, 1))),
    )


@given(st.lists(rulings_on_known_codes(), max_size=5, unique_by=CodeKey.of_row), st.data())
def test_no_rulings_open_what_the_table_forbids(rulings, data):
    policy = ruled(*rulings)
    row = data.draw(rows_of_table.filter(lambda row: row.signal is SignalKind.RESPONSE))
    scheme = data.draw(st.sampled_from([row.scheme, "visa", "mastercard", "elo"]))
    on = data.draw(st.dates(row.effective_from, date(2030, 1, 1)))

    before = verdict(SHIPPED, row.code, scheme, on)
    after = verdict(policy, row.code, scheme, on)

    if before.retry_later is RetryLater.AFTER_LOOKUP:
        assert after.retry_later is RetryLater.AFTER_LOOKUP
    if before.decline_class is DeclineClass.FRAUD_OR_STOLEN:
        assert after.customer_text_key is CustomerText.GENERIC_DECLINE
        assert before.may_try_next or not after.may_try_next
    if before.retry_later is RetryLater.NEVER:
        assert after.retry_later is RetryLater.NEVER


def test_a_ruling_keeps_the_visa_category_that_caps_are_counted_by():
    policy = ruled(a_ruling("05", failover=FailoverNow.NO))

    assert policy.visa_category(DeclineSignal("visa", "05"), TODAY) == 4
