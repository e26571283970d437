from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.application.attempt_counts import (
    COUNTERS,
    AttemptCounts,
    AttemptFact,
    AttemptKind,
    CellKey,
    count_attempts,
    merge_counts,
)
from payorch.domain.decline_terms import DeclineClass
from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    TransactionStatus,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_fact(**fields):
    defaults = {
        "minute": NOON,
        "provider_code": "alpha",
        "attempt_number": 1,
        "currency": "EUR",
        "status": TransactionStatus.APPROVED,
        "decline_class": None,
        "decline_reason": None,
        "amount_minor": 500,
        "latency_ms": 200,
    }
    return AttemptFact(**defaults | fields)


def only_counts(*facts):
    return merge_counts(cell.counts for cell in count_attempts(facts).values())


@pytest.mark.parametrize("status", TransactionStatus)
def test_each_status_is_counted_once_and_is_finished_or_not(status):
    counts = only_counts(a_fact(status=status))

    is_open = status in OPEN_TRANSACTION_STATUSES
    assert counts.attempts == 1
    assert counts.finished == (0 if is_open else 1)


@pytest.mark.parametrize("status", TransactionStatus)
def test_only_attempts_that_the_provider_approved_have_an_amount(status):
    counts = only_counts(a_fact(status=status))

    is_charged = status in CHARGED_TRANSACTION_STATUSES
    assert counts.approved_amount_minor == (500 if is_charged else 0)


def test_giving_the_money_back_does_not_lower_the_approval_rate():
    paid = [a_fact(), a_fact()]
    voided = [a_fact(), a_fact(status=TransactionStatus.VOIDED)]

    assert only_counts(*voided).approval == only_counts(*paid).approval
    assert only_counts(*voided).voided == 1


@pytest.mark.parametrize("decline_class", DeclineClass)
def test_customer_data_declines_are_apart_from_all_others(decline_class):
    counts = only_counts(
        a_fact(status=TransactionStatus.DECLINED, decline_class=decline_class.value)
    )

    is_customers = decline_class is DeclineClass.CUSTOMER_DATA
    assert counts.declined_customer_data == is_customers
    assert counts.declined_issuer == (not is_customers)
    assert counts.finished == 1


def test_unknown_is_a_technical_failure_but_not_finished():
    counts = only_counts(
        a_fact(status=TransactionStatus.UNKNOWN), a_fact(status=TransactionStatus.NOT_SENT)
    )

    assert counts.technical_failures == 2
    assert counts.approval.finished == 1


def test_second_attempts_of_a_submission_are_fallbacks():
    cells = count_attempts(
        [a_fact(), a_fact(attempt_number=2, after="beta"), a_fact(attempt_number=3, after="beta")]
    )

    assert {key: cell.counts.attempts for key, cell in cells.items()} == {
        CellKey(NOON, "alpha", AttemptKind.FIRST, "EUR", 1, ""): 1,
        CellKey(NOON, "alpha", AttemptKind.FALLBACK, "EUR", 2, "beta"): 1,
        CellKey(NOON, "alpha", AttemptKind.FALLBACK, "EUR", 3, "beta"): 1,
    }


def test_attempts_without_an_answer_have_no_latency():
    [cell] = count_attempts([a_fact(latency_ms=None), a_fact(latency_ms=0)]).values()

    assert cell.latency.n == 1


facts = st.lists(
    st.builds(
        a_fact,
        provider_code=st.sampled_from(["alpha", "beta"]),
        currency=st.sampled_from(["EUR", "JPY"]),
        attempt_number=st.integers(1, 3),
        status=st.sampled_from(TransactionStatus),
        amount_minor=st.integers(1, 10**12),
    )
)


@given(facts=facts, cut=st.integers(0, 20))
def test_counting_in_parts_and_merging_is_counting_at_once(facts, cut):
    together = count_attempts(facts)
    parts = [count_attempts(facts[:cut]), count_attempts(facts[cut:])]

    merged = {
        key: merge_counts(part[key].counts for part in parts if key in part) for key in together
    }
    assert merged == {key: cell.counts for key, cell in together.items()}
    by_status = Counter(fact.status for fact in facts)
    assert sum(c.attempts for c in merged.values()) == sum(by_status.values())


def test_merging_nothing_is_nothing():
    assert merge_counts([]) == AttemptCounts()
    assert set(COUNTERS) == set(AttemptCounts.__slots__)
