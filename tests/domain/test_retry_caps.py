"""How often a declined card may be tried again, by the shipped data."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.retry_caps import PastDecline, barred_until
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POLICY = load_shipped_policy()


def declines(count, code="05", *, scheme="visa", advice=None, hours_ago=1.0):
    return [
        PastDecline(NOW - timedelta(hours=hours_ago), DeclineSignal(scheme, code, advice))
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("scheme", "past", "is_barred"),
    [
        ("visa", [], False),
        ("visa", declines(15), False),
        ("visa", declines(16), True),
        ("visa", declines(16, hours_ago=721), False),
        ("visa", declines(1, "04"), True),
        ("visa", declines(1, "51"), False),
        ("mastercard", declines(9, scheme="mastercard"), False),
        ("mastercard", declines(10, scheme="mastercard"), True),
        ("mastercard", declines(34, scheme="mastercard", hours_ago=30), False),
        ("mastercard", declines(35, scheme="mastercard", hours_ago=30), True),
        ("mastercard", declines(1, "83", scheme="mastercard", advice="03"), True),
        ("mastercard", declines(1, "82", scheme="mastercard", advice="21"), True),
        ("mastercard", declines(1, "82", scheme="mastercard", advice="02"), False),
        ("unknown", declines(99), False),
    ],
)
def test_a_cards_declines_bar_it_as_its_scheme_says(scheme, past, is_barred):
    assert (barred_until(POLICY, scheme, past, now=NOW) is not None) is is_barred


def test_the_bar_ends_when_the_oldest_counted_decline_leaves_the_window():
    past = [
        *declines(1, scheme="mastercard", hours_ago=20),
        *declines(9, scheme="mastercard", hours_ago=1),
    ]

    assert barred_until(POLICY, "mastercard", past, now=NOW) == NOW + timedelta(hours=4)


def test_never_again_means_thirty_days():
    past = declines(1, "43", hours_ago=0)

    assert barred_until(POLICY, "visa", past, now=NOW) == NOW + timedelta(days=30)
