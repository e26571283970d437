from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.application.metrics_window import (
    MAX_BUCKETS,
    MAX_WINDOW,
    MINUTE,
    InvalidWindow,
    MetricsWindow,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "bucket"),
    [
        (timedelta(hours=1), timedelta(minutes=1)),
        (timedelta(hours=6), timedelta(minutes=5)),
        (timedelta(hours=24), timedelta(minutes=15)),
        (timedelta(days=7), timedelta(hours=1)),
        (timedelta(days=30), timedelta(hours=6)),
        (timedelta(days=90), timedelta(days=1)),
        (MAX_WINDOW, timedelta(days=7)),
    ],
)
def test_the_bucket_follows_from_the_length(length, bucket):
    assert MetricsWindow(NOON, NOON + length).bucket == bucket


def test_a_week_long_bucket_starts_on_a_monday():
    window = MetricsWindow(NOON - MAX_WINDOW, NOON)

    assert {at.weekday() for at in list(window.buckets())[1:]} == {0}


def test_the_running_minute_is_part_of_the_window():
    window = MetricsWindow.until(NOON + timedelta(seconds=30), timedelta(hours=1))

    assert (window.start, window.end) == (NOON + MINUTE - timedelta(hours=1), NOON + MINUTE)


def test_the_previous_window_ends_where_this_one_starts():
    window = MetricsWindow(NOON, NOON + timedelta(hours=6))

    assert window.previous.end == window.start
    assert window.previous.length == window.length


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON, NOON),
        (NOON, NOON - MINUTE),
        (NOON, NOON + MAX_WINDOW + MINUTE),
        (NOON + timedelta(seconds=1), NOON + MINUTE),
        (NOON, NOON + timedelta(seconds=90)),
    ],
)
def test_impossible_windows_are_refused(start, end):
    with pytest.raises(InvalidWindow):
        MetricsWindow(start, end)


minutes = st.integers(0, 400 * 1440)


@given(start=minutes, length=st.integers(1, 400 * 1440), moment=minutes)
def test_buckets_cover_the_window_without_gap_or_overlap(start, length, moment):
    window = MetricsWindow(NOON + start * MINUTE, NOON + (start + length) * MINUTE)
    buckets = list(window.buckets())

    assert len(buckets) <= MAX_BUCKETS + 1
    assert buckets[0] == window.start
    assert [window.bucket_end(at) for at in buckets] == [*buckets[1:], window.end]
    inside = window.start + (moment % length) * MINUTE
    place = window.bucket_of(inside)
    assert place in buckets
    assert place <= inside < window.bucket_end(place)
