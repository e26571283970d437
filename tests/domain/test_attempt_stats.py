import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.attempt_stats import (
    MIN_ATTEMPTS,
    EmptySample,
    Interval,
    NotEnoughData,
    RateEstimate,
    Tally,
    difference_interval,
    estimate_rate,
    is_clearly_better,
    wilson_interval,
)


@st.composite
def tallies(draw, min_finished: int = 1) -> Tally:
    finished = draw(st.integers(min_finished, 1_000_000))
    return Tally(approved=draw(st.integers(0, finished)), finished=finished)


def as_pair(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


@pytest.mark.parametrize(
    ("approved", "finished", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_the_published_values(approved, finished, low, high) -> None:
    interval = wilson_interval(Tally(approved=approved, finished=finished))
    assert as_pair(interval) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe 1998, "Interval estimation for the difference", table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_agrees_with_the_published_values(first, second, low, high) -> None:
    one = Tally(approved=first[0], finished=first[1])
    two = Tally(approved=second[0], finished=second[1])
    assert as_pair(difference_interval(one, two)) == pytest.approx((low, high), abs=5e-5)


@given(tallies())
def test_wilson_contains_the_rate_and_stays_within_zero_and_one(tally: Tally) -> None:
    interval = wilson_interval(tally)
    assert 0.0 <= interval.low <= tally.rate <= interval.high <= 1.0
    assert tally.rate in interval


@given(tallies(), st.integers(2, 50))
def test_more_attempts_at_the_same_rate_narrow_the_interval(tally: Tally, times: int) -> None:
    more = Tally(approved=tally.approved * times, finished=tally.finished * times)
    wide, narrow = wilson_interval(tally), wilson_interval(more)
    assert narrow.high - narrow.low < wide.high - wide.low


@given(tallies(), tallies())
def test_the_difference_turns_its_sign_with_its_sides(one: Tally, two: Tally) -> None:
    there, back = difference_interval(one, two), difference_interval(two, one)
    assert as_pair(there) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert -1 - 1e-12 <= there.low <= one.rate - two.rate <= there.high <= 1 + 1e-12


@given(tallies(min_finished=0), tallies(min_finished=0), tallies(min_finished=0))
def test_tallies_merge_in_any_order(one: Tally, two: Tally, three: Tally) -> None:
    assert one.merged(two) == two.merged(one)
    assert one.merged(two).merged(three) == one.merged(two.merged(three))
    assert one.merged(Tally()) == one


def test_below_the_minimum_no_rate_is_shown() -> None:
    almost = Tally(approved=20, finished=MIN_ATTEMPTS - 1)
    assert estimate_rate(almost) == NotEnoughData(n=MIN_ATTEMPTS - 1, min_n=MIN_ATTEMPTS)
    assert isinstance(estimate_rate(Tally(), min_n=0), NotEnoughData)
    enough = estimate_rate(Tally(approved=15, finished=MIN_ATTEMPTS))
    assert isinstance(enough, RateEstimate)
    assert (enough.rate, enough.n) == (0.5, MIN_ATTEMPTS)
    assert 0.5 in enough.interval


def test_a_winner_needs_enough_data_and_a_difference_that_excludes_zero() -> None:
    good, poor = Tally(approved=950, finished=1000), Tally(approved=900, finished=1000)
    assert is_clearly_better(good, poor)
    assert not is_clearly_better(poor, good)
    assert not is_clearly_better(good, Tally(approved=940, finished=1000))
    assert not is_clearly_better(Tally(approved=29, finished=29), Tally(approved=1, finished=29))


def test_no_attempts_have_no_rate() -> None:
    with pytest.raises(EmptySample):
        wilson_interval(Tally())


@pytest.mark.parametrize(("approved", "finished"), [(2, 1), (-1, 1), (0, -1)])
def test_a_tally_that_cannot_be_is_refused(approved, finished) -> None:
    with pytest.raises(ValueError, match="approved"):
        Tally(approved=approved, finished=finished)
