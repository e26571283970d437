from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from payorch.application.metrics_window import HOUR, MINUTE, MetricsWindow, floor_to_hour
from payorch.infrastructure.persistence.rolled_stretches import (
    MAX_STALE_HOURS,
    rolled_stretches,
)
from tests.metrics_history import NOON

minutes_ago = st.integers(0, 3000)


def minutes_of(start, end):
    return {start + n * MINUTE for n in range((end - start) // MINUTE)}


@given(
    start=minutes_ago,
    length=st.integers(1, 3000),
    bucket=st.sampled_from([5, 60, 180, 1440]),
    changed=st.sets(minutes_ago, max_size=10),
    by_bucket=st.booleans(),
)
def test_every_minute_of_a_window_is_read_once(start, length, bucket, changed, by_bucket):
    start = NOON - start * MINUTE
    window = MetricsWindow(start, start + length * MINUTE, bucket * MINUTE)
    changed = sorted(NOON - n * MINUTE for n in changed)

    read = rolled_stretches(window, changed, by_bucket=by_bucket)

    minutes = [minute for stretch in read.minutes for minute in minutes_of(*stretch)]
    if read.hours is not None:
        assert floor_to_hour(read.hours[0]) == read.hours[0]
        whole = minutes_of(*read.hours)
        assert not {floor_to_hour(m) for m in changed}.intersection(
            floor_to_hour(m) for m in whole if floor_to_hour(m) not in read.stale_hours
        )
        minutes += [m for m in whole if floor_to_hour(m) not in read.stale_hours]
    assert sorted(minutes) == sorted(minutes_of(window.start, window.end))


def test_very_many_changed_hours_are_read_as_minutes():
    window = MetricsWindow(NOON - timedelta(days=30), NOON)
    few = [NOON - n * HOUR for n in range(MAX_STALE_HOURS, 0, -1)]

    assert rolled_stretches(window, few, by_bucket=True).hours is not None
    many = [few[0] - HOUR, *few]
    assert rolled_stretches(window, many, by_bucket=True).minutes == ((window.start, window.end),)
