from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from payorch.application.metrics_window import (
    DAY,
    HOUR,
    MINUTE,
    MetricsWindow,
    ceil_to_day,
    floor_to_day,
    floor_to_hour,
)
from payorch.infrastructure.persistence.rolled_stretches import (
    MAX_STALE_HOURS,
    KnownParts,
    floor_to_part,
    rolled_stretches,
)
from tests.metrics_history import NOON

minutes_ago = st.integers(0, 3000)


def minutes_of(start, end):
    return {start + n * MINUTE for n in range((end - start) // MINUTE)}


def hours_in(window):
    first, last = floor_to_hour(window.start - MINUTE) + HOUR, floor_to_hour(window.end)
    return [first + n * HOUR for n in range(max(0, (last - first) // HOUR))]


def days_in(window):
    first, last = ceil_to_day(window.start), floor_to_day(window.end)
    return [first + n * DAY for n in range(max(0, (last - first) // DAY))]


@given(
    stretch=st.tuples(st.integers(0, 9000), st.integers(1, 9000)),
    bucket=st.sampled_from([5, 60, 180, 1440]),
    changed=st.sets(minutes_ago, max_size=10),
    without=st.sets(st.integers(0, 6)),
    known=st.sets(st.integers(0, 100)),
    by_bucket=st.booleans(),
)
def test_every_minute_of_a_window_is_read_once(  # noqa: PLR0917 - Hypothesis gives them by name
    stretch, bucket, changed, without, known, by_bucket
):
    start, length = (n * MINUTE for n in stretch)
    window = MetricsWindow(NOON - start, NOON - start + length, bucket * MINUTE)
    changed = sorted(NOON - n * MINUTE for n in changed)
    added_up = [day for n, day in enumerate(days_in(window)) if n not in without]

    length = DAY if bucket >= 60 else HOUR
    parts = added_up if length == DAY else hours_in(window)
    known = {start for n, start in enumerate(parts) if n in known and by_bucket}

    read = rolled_stretches(
        window, changed, added_up, by_bucket=by_bucket, known=KnownParts(known, length)
    )

    stale = {floor_to_hour(minute) for minute in changed}
    days = [minute for stretch in read.days for minute in minutes_of(*stretch)]
    assert {floor_to_day(minute) for minute in days} <= set(added_up)
    assert not stale.intersection(map(floor_to_hour, days))
    hours = [
        minute
        for stretch in read.hours
        for minute in minutes_of(*stretch)
        if floor_to_hour(minute) not in read.stale_hours
    ]
    assert not stale.intersection(map(floor_to_hour, hours))
    assert all(stretch == tuple(map(floor_to_hour, stretch)) for stretch in read.hours)
    minutes = [minute for stretch in read.minutes for minute in minutes_of(*stretch)]
    elsewhere = [minute for part in read.left_out for minute in minutes_of(part, part + length)]
    assert set(read.left_out) <= known
    assert not {floor_to_part(minute, length) for minute in changed}.intersection(read.left_out)
    assert sorted([*days, *hours, *minutes, *elsewhere]) == sorted(
        minutes_of(window.start, window.end)
    )


def test_a_month_is_read_by_its_days_and_its_points_by_the_hour():
    window = MetricsWindow(NOON - 30 * DAY, NOON)
    whole = rolled_stretches(window, (), days_in(window), by_bucket=False)
    points = rolled_stretches(window, (), days_in(window), by_bucket=True)

    first, last = ceil_to_day(window.start), floor_to_day(window.end)
    assert sum((end - start for start, end in whole.days), start=timedelta()) == 29 * DAY
    assert whole.hours == ((window.start, first), (last, window.end))
    assert points.days == ()
    assert points.hours == ((window.start, window.end),)


def test_very_many_changed_hours_are_read_as_minutes():
    window = MetricsWindow(NOON - timedelta(days=30), NOON)
    few = [NOON - n * HOUR for n in range(MAX_STALE_HOURS, 0, -1)]

    assert rolled_stretches(window, few, (), by_bucket=True).hours
    many = [few[0] - HOUR, *few]
    read = rolled_stretches(window, many, days_in(window), by_bucket=True)
    assert read.minutes == ((window.start, window.end),)
    assert read.days == read.hours == ()
