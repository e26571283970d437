from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from payorch.application.attempt_counts import merge_counts
from payorch.application.metrics_rollup import EVER
from payorch.application.metrics_window import MINUTE, MetricsWindow, floor_to_day
from payorch.infrastructure.persistence import rollup_spans
from payorch.infrastructure.persistence.tables import (
    ProviderDayRow,
    ProviderMinuteRow,
    SegmentHourRow,
)
from tests.metrics_history import NOON

# These histories have only the columns that are counted.
pytestmark = pytest.mark.breaks_the_books

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def spans(repository):
    found, after = [], EVER
    while (span := repository.next_span_with_data(after=after)) is not None:
        found.append(span)
        after = span[1]
    return found


def test_quiet_hours_are_recounted_a_day_at_a_time(repository, history):
    for ago in (30 * HOUR - 20 * MINUTE, 29 * HOUR, MINUTE):
        history.attempt(at=NOON - ago)

    assert spans(repository) == [
        (NOON - 30 * HOUR, NOON - 6 * HOUR),
        (NOON - HOUR, NOON + 23 * HOUR),
    ]


def test_busy_hours_are_recounted_one_by_one(repository, history, monkeypatch):
    monkeypatch.setattr(rollup_spans, "MAX_SPAN_ATTEMPTS", 2)
    for ago in (50, 40, 30, 20, -20):
        history.attempt(at=NOON - ago * MINUTE)

    assert spans(repository)[:2] == [(NOON - HOUR, NOON), (NOON, NOON + DAY)]


def test_hours_go_together_until_they_have_too_many_attempts(repository, history, monkeypatch):
    monkeypatch.setattr(rollup_spans, "MAX_SPAN_ATTEMPTS", 3)
    for hours in (9, 8, 7, 6, 5):
        history.attempt(at=NOON - hours * HOUR)

    assert spans(repository) == [
        (NOON - 9 * HOUR, NOON - 6 * HOUR),
        (NOON - 6 * HOUR, NOON + 18 * HOUR),
    ]


def test_a_database_without_attempts_has_no_span(repository):
    assert spans(repository) == []


@pytest.mark.parametrize("most", [1, 3, 2_000])
def test_a_rebuild_counts_the_same_however_long_its_spans_are(
    repository, history, rollup, monkeypatch, most
):
    monkeypatch.setattr(rollup_spans, "MAX_SPAN_ATTEMPTS", most)
    for hours in range(60):
        history.attempt(at=NOON - hours * HOUR - 7 * MINUTE, latency_ms=100 + hours)

    rollup.rebuild()

    assert rollup.verify().differing == ()
    window = MetricsWindow(NOON - 61 * HOUR, NOON, HOUR)
    counted = repository.counts(window, providers=frozenset(), currency=None)
    assert merge_counts(counted.counts.values()).approved == 60
    assert counted.minutes_read_directly == 0


@pytest.mark.parametrize("most", [1, 2_000])
def test_verify_sees_what_is_wrong_within_a_long_span(database, history, rollup, monkeypatch, most):
    monkeypatch.setattr(rollup_spans, "MAX_SPAN_ATTEMPTS", most)
    yesterday = floor_to_day(NOON) - DAY
    for hours in (20, 26, 30):
        history.attempt(at=yesterday - DAY + hours * HOUR)
    history.clock.sleep(3600)
    rollup.rebuild()
    with database.tx() as connection:
        connection.execute(
            update(ProviderMinuteRow)
            .where(ProviderMinuteRow.minute == yesterday + 6 * HOUR)
            .values(latency={"3": 5})
        )
        connection.execute(delete(ProviderDayRow).where(ProviderDayRow.day == yesterday))
        connection.execute(
            delete(SegmentHourRow).where(SegmentHourRow.hour == yesterday + 2 * HOUR)
        )

    assert rollup.verify().differing == (
        yesterday,
        yesterday + 2 * HOUR,
        yesterday + 6 * HOUR,
    )

    rollup.rebuild()

    assert rollup.verify().differing == ()
