from datetime import timedelta

import pytest

from payorch.application.provider_figures import ComparedRate
from payorch.domain.attempt_stats import Interval, NotEnoughData, RateEstimate
from payorch.presentation.backoffice.dashboard.metric_texts import (
    NBSP,
    age_text,
    change_text,
    milliseconds_text,
    rate_basis_text,
    rate_text,
    share_text,
)

GOOD = RateEstimate(rate=0.924, interval=Interval(0.9, 0.95), n=1200)
FEW = NotEnoughData(n=12, min_n=30)


def plain(text):
    return text.replace(NBSP, " ")


def test_a_rate_stands_with_its_interval_and_n():
    assert plain(rate_text(GOOD)) == "92.4 %"
    assert plain(rate_basis_text(GOOD)) == "95 %: 90.0 to 95.0 %, n = 1,200"


def test_too_little_data_is_said_in_place_of_a_number():
    assert rate_text(FEW) == "Not enough data"
    assert plain(rate_basis_text(FEW)) == "n = 12, at least 30 needed"
    assert milliseconds_text(None) == "Not enough data"
    assert share_text(None) == "-"


@pytest.mark.parametrize(
    ("before", "change", "text"),
    [
        (None, None, None),
        (FEW, None, "Not enough data before to compare"),
        (GOOD, Interval(-0.02, 0.02), "+0.0 points (95 %: -2.0 to +2.0), no clear change"),
        (GOOD, Interval(0.01, 0.03), "+0.0 points (95 %: +1.0 to +3.0)"),
    ],
)
def test_a_change_is_named_only_when_it_is_clear(before, change, text):
    said = change_text(ComparedRate(now=GOOD, before=before, change=change))

    assert (said and plain(said)) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (None, "-"),
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=12, seconds=59), "12 min"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=2, hours=4, minutes=50), "2 d 4 h"),
    ],
)
def test_an_age_is_told_in_its_largest_units(age, text):
    assert age_text(age) == text
