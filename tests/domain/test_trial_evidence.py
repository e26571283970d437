"""The evidence of a trial: exactly a martingale without a difference, and read as promised."""

from datetime import UTC, datetime, timedelta
from itertools import product
from math import comb, exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.policy_trial import TrialArm
from payorch.domain.trial_evidence import (
    LOG_CLEAR,
    ArmCounts,
    Look,
    TrialCounts,
    Verdict,
    finding,
    log_against_coin,
    orders_needed,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

shares = st.integers(1, 50).map(lambda percent: percent / 100)


def counts(control: tuple[int, int], candidate: tuple[int, int]) -> TrialCounts:
    return TrialCounts(ArmCounts(*control), ArmCounts(*candidate))


def look(control, candidate, *, day: int = 0) -> Look:
    return Look(NOON + timedelta(days=day), counts(control, candidate))


@given(share=shares, n=st.integers(0, 40))
def test_without_a_difference_the_evidence_is_1_on_average(share, n):
    mean = sum(
        comb(n, k) * share**k * (1 - share) ** (n - k) * exp(log_against_coin(k, n, share))
        for k in range(n + 1)
    )

    assert mean == pytest.approx(1)


@given(share=shares, ends=st.lists(st.booleans(), min_size=1, max_size=7), seen=st.integers(0, 6))
def test_whatever_was_seen_the_next_orders_change_it_by_nothing_on_average(share, ends, seen):
    """Ends of orders in any sequence, coins thrown for each: the martingale, by enumeration."""
    seen = min(seen, len(ends) - 1)

    def evidence(arms) -> float:
        cells = {(arm, paid): 0 for arm in TrialArm for paid in (True, False)}
        for arm, paid in zip(arms, ends, strict=False):
            cells[arm, paid] += 1
        control, candidate = (
            ArmCounts(cells[arm, True], cells[arm, False])
            for arm in (TrialArm.CONTROL, TrialArm.CANDIDATE)
        )
        return exp(TrialCounts(control, candidate).log_evidence(share))

    chance = {TrialArm.CANDIDATE: share, TrialArm.CONTROL: 1 - share}
    for past in product(TrialArm, repeat=seen):
        mean = 0.0
        for future in product(TrialArm, repeat=len(ends) - seen):
            weight = 1.0
            for arm in future:
                weight *= chance[arm]
            mean += weight * evidence((*past, *future))
        assert mean == pytest.approx(evidence(past))


def test_no_orders_are_no_evidence():
    assert TrialCounts().log_evidence(0.1) == 0
    assert TrialCounts().difference is None
    assert TrialCounts().interval(0.1) is None
    assert finding([look((0, 0), (0, 0))], 0.1).p_value == 1


def test_a_winner_is_named_by_the_difference_once_the_evidence_is_20_to_1():
    better = finding([look((800, 200), (900, 100))], 0.5)
    worse = finding([look((900, 100), (800, 200))], 0.5)
    unclear = finding([look((80, 20), (85, 15))], 0.5)

    assert (better.verdict, worse.verdict) == (Verdict.CANDIDATE, Verdict.CONTROL)
    assert better.p_value < 0.05
    assert unclear.verdict is Verdict.NONE
    assert unclear.clear_since is None


def test_a_winner_once_named_stays_although_the_evidence_falls():
    looks = [
        look((80, 20), (80, 20)),
        look((800, 200), (900, 100), day=1),
        look((8000, 2000), (8050, 1950), day=2),
    ]

    found = finding(looks, 0.5)

    assert looks[2].counts.log_evidence(0.5) < LOG_CLEAR
    assert found.verdict is Verdict.CANDIDATE
    assert found.clear_since == looks[1].at
    assert found.peak is looks[1]


def test_the_interval_holds_the_measured_difference_and_waits_for_100_orders_of_each_arm():
    found = counts((8200, 1800), (850, 150)).interval(0.1)

    assert found is not None
    assert found.low < 0.03 < found.high
    assert counts((8200, 1800), (80, 19)).interval(0.1) is None


def test_the_interval_gets_narrower_with_orders_and_survives_a_conversion_of_all():
    few, many = (counts((n, 0), (n, 0)).interval(0.5) for n in (200, 20_000))

    assert 0 < many.high - many.low < few.high - few.low
    assert 0.0 in many


def test_arms_that_did_not_get_their_share_are_told_apart_from_chance():
    fair = TrialCounts(ArmCounts(paid=8100, underway=900), ArmCounts(paid=900, failed=100))
    missing = TrialCounts(ArmCounts(paid=9000), ArmCounts(paid=700))

    assert not fair.is_uneven(0.1)
    assert missing.is_uneven(0.1)


def test_open_orders_are_counted_as_entered_and_not_as_settled():
    arm = ArmCounts(paid=3, unpaid=1, failed=2, underway=4)

    assert (arm.settled.approved, arm.settled.finished) == (3, 4)
    assert (arm.still_open, arm.entered) == (6, 10)


def test_a_small_difference_takes_more_orders_and_half_the_orders_are_the_fastest_share():
    assert orders_needed(0.8, 0.01, 0.1) > 5 * orders_needed(0.8, 0.03, 0.1)
    assert orders_needed(0.8, 0.03, 0.5) < orders_needed(0.8, 0.03, 0.1)


def test_a_million_orders_are_no_trouble():
    assert log_against_coin(100_000, 1_000_000, 0.1) < log(1)
