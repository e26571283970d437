"""Fees are exact: whole minor units, rounding as stated, the fee of the right date."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.errors import InvalidFee, InvalidMoney
from payorch.domain.money import Money
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.provider_fees import (
    FeeSchedule,
    ProviderFee,
    newest_first,
    percent_ppm,
    percent_text,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def a_fee(**fields) -> ProviderFee:
    defaults = {
        "provider_code": "alpha",
        "currency": "EUR",
        "valid_from": NOW,
        "percent_ppm": percent_ppm("2.9"),
        "fixed_minor": 30,
        "attempt_minor": 2,
    }
    return ProviderFee(**(defaults | fields))


@pytest.mark.parametrize(
    ("amount_minor", "percentage_minor"),
    # 2.9 % of 10.00 is 0.29; of 0.50 it is 0.0145; of 0.52 it is 0.01508.
    [(1000, 29), (50, 1), (52, 2), (1, 0)],
)
def test_the_percentage_of_one_payment_is_rounded_half_up(amount_minor, percentage_minor):
    fee = a_fee(fixed_minor=0, attempt_minor=0)

    assert fee.of(Status.APPROVED, Money(amount_minor, "EUR")) == percentage_minor


def test_exactly_half_a_cent_goes_up():
    assert (
        a_fee(percent_ppm=10_000, fixed_minor=0, attempt_minor=0).of(
            Status.APPROVED, Money(50, "EUR")
        )
        == 1
    )


COSTS = {
    Status.APPROVED: 29 + 30 + 2,
    Status.DECLINED: 2,
    Status.VOIDED: 2,
    Status.ABANDONED: 2,
    Status.UNKNOWN: 2,
    Status.NOT_SENT: 0,
    Status.STARTED: 0,
    Status.REQUIRES_ACTION: 0,
    Status.PENDING: 0,
}


@pytest.mark.parametrize("status", Status)
def test_each_status_costs_what_the_provider_has_seen_of_it(status):
    assert a_fee().of(status, Money(1000, "EUR")) == COSTS[status]


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=50),
    st.integers(0, 1_000_000),
    st.integers(0, 500),
)
def test_many_together_differ_from_each_alone_by_half_a_cent_each_at_most(amounts, ppm, fixed):
    fee = a_fee(percent_ppm=ppm, fixed_minor=fixed)

    number = len(amounts)
    together = fee.of_many(approved=number, approved_minor=sum(amounts), attempts=number)
    alone = sum(fee.of(Status.APPROVED, Money(amount, "EUR")) for amount in amounts)
    exact = Fraction(sum(amounts) * ppm, 1_000_000) + number * (fixed + 2)

    assert abs(together - exact) <= Fraction(1, 2)
    assert abs(together - alone) <= Fraction(number + 1, 2)


@pytest.mark.parametrize(
    ("text", "ppm", "shown"),
    [
        ("2.9", 29_000, "2.9"),
        (" 0.25 ", 2_500, "0.25"),
        ("0", 0, "0"),
        ("100", 10**6, "100"),
        ("1.2345", 12_345, "1.2345"),
        ("2.50", 25_000, "2.5"),
    ],
)
def test_a_percentage_is_read_and_shown_exactly(text, ppm, shown):
    assert percent_ppm(text) == ppm
    assert percent_text(ppm) == shown


@pytest.mark.parametrize("text", ["", "2,9", "-1", "1e2", "1.23456", "٣", "1000.1.", "NaN"])
def test_what_is_no_plain_percentage_is_refused(text):
    with pytest.raises(InvalidFee):
        percent_ppm(text)


def test_a_fee_is_within_its_bounds():
    for fields in (
        {"percent_ppm": -1},
        {"percent_ppm": 10**6 + 1},
        {"fixed_minor": -1},
        {"attempt_minor": -1},
        {"fixed_minor": 10**12 + 1},
    ):
        with pytest.raises(InvalidFee):
            a_fee(**fields)
    with pytest.raises(InvalidMoney):
        a_fee(currency="XAU")


def test_the_fee_of_its_date_counts_and_where_none_is_known_nothing_is_said():
    later = NOW + timedelta(days=1)
    old, new = a_fee(), a_fee(valid_from=later, percent_ppm=10_000)
    yen = a_fee(currency="JPY", percent_ppm=0, fixed_minor=5, attempt_minor=0)
    schedule = FeeSchedule((new, old, yen))

    def cost(at, *, currency="EUR", provider="alpha"):
        money = Money(1000, currency)
        return schedule.fee_of(provider, Status.APPROVED, money, at)

    assert cost(NOW) == 61
    assert cost(later - timedelta(seconds=1)) == 61
    assert cost(later) == 42
    assert cost(NOW, currency="JPY") == 5
    assert cost(NOW - timedelta(seconds=1)) is None
    assert cost(NOW, currency="USD") is None
    assert cost(NOW, provider="beta") is None
    assert schedule.changes_within(NOW, later) == []
    assert schedule.changes_within(NOW - timedelta(1), later + timedelta(1)) == [NOW, later]
    assert newest_first(schedule.fees) == [new, old, yen]
