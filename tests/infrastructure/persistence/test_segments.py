"""Segments: countries, card brands and bands of amounts, counted by the hour and by the day."""

from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import update

from payorch.application.attempt_counts import AttemptCounts, count_attempts, merge_counts
from payorch.application.metrics_window import HOUR, MetricsWindow
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.segment import (
    AMOUNT_BANDS,
    NO_BRAND,
    Segment,
    SegmentDimension,
    amount_band,
    band_bounds_minor,
)
from payorch.infrastructure.persistence.attempt_facts import attempt_facts, started_within
from payorch.infrastructure.persistence.tables import SegmentDayRow, SegmentHourRow
from payorch.infrastructure.persistence.tables.conditions import in_segment
from tests.metrics_history import NOON

pytestmark = pytest.mark.breaks_the_books

ALL = {"providers": frozenset(), "currency": None}
GERMANY = Segment(SegmentDimension.COUNTRY, "DE")
EVERY_SEGMENT = [
    *(Segment(SegmentDimension.COUNTRY, code) for code in ("DE", "JP", "BR")),
    *(Segment(SegmentDimension.CARD_BRAND, brand) for brand in ("visa", "amex", NO_BRAND)),
    *(Segment(SegmentDimension.AMOUNT, band) for band in AMOUNT_BANDS),
]


@pytest.fixture
def mixed(history):
    """Three days of everything, the last hour not over yet."""
    random = Random(7)
    with history.together():
        for _ in range(400):
            history.attempt(
                at=NOON - timedelta(minutes=random.randrange(3 * 24 * 60)),
                provider=random.choice(["alpha", "beta"]),
                number=random.choice([1, 1, 2]),
                status=random.choice([Status.APPROVED, Status.DECLINED, Status.NOT_SENT]),
                currency=random.choice(["EUR", "JPY", "KWD"]),
                amount_minor=random.choice([999, 1_000, 4_999, 50_000, 100_000, 500_000]),
                country=random.choice(["DE", "JP", "BR"]),
                card_brand=random.choice(["visa", "amex", "unknown", None]),
            )
    return history


def counted_raw(database, segment, window, **kinds):
    """From the transactions that the list shows for the segment."""
    with database.read() as connection:
        facts = attempt_facts(
            connection, started_within(window.start, window.end), in_segment(segment)
        )
        return merge_counts(cell.counts for cell in count_attempts(facts).values())


@pytest.mark.parametrize("segment", EVERY_SEGMENT, ids=lambda it: it.value)
def test_a_segment_counts_what_the_list_shows_for_it(database, repository, rollup, mixed, segment):
    rollup.run_once()
    window = MetricsWindow(NOON - 30 * HOUR, NOON + HOUR)

    counted = repository.counts(window, **ALL, segment=segment)

    expected = counted_raw(database, segment, window)
    assert expected.attempts > 0
    assert merge_counts(counted.counts.values()) == expected


@pytest.mark.parametrize("hours", [5, 30, 71])
def test_totals_of_a_window_are_its_days_and_the_hours_at_its_ends(
    repository, rollup, mixed, hours
):
    rollup.run_once()
    window = MetricsWindow(NOON - hours * HOUR, NOON + HOUR)

    totals = repository.segment_totals(window, **ALL)

    found: dict[Segment, int] = defaultdict(int)
    for total in totals:
        found[total.segment] += total.counts.attempts
    for segment in EVERY_SEGMENT:
        firsts = [
            counts
            for key, counts in repository.counts(window, **ALL, segment=segment).counts.items()
            if key.kind == "first"
        ]
        assert found[segment] == merge_counts(firsts).attempts


def test_filters_of_provider_and_currency_narrow_a_segment(repository, rollup, mixed):
    rollup.run_once()
    window = MetricsWindow(NOON - 30 * HOUR, NOON + HOUR)
    narrow = {"providers": frozenset({"beta"}), "currency": "EUR"}

    counted = repository.counts(window, **narrow, segment=GERMANY)

    assert {(key.provider_code, key.currency) for key in counted.counts} == {("beta", "EUR")}
    assert {it.provider_code for it in repository.segment_totals(window, **narrow)} == {"beta"}


def test_each_bucket_has_its_own_hours(repository, rollup, history):
    history.attempt(at=NOON - 2 * HOUR)
    history.attempt(at=NOON - 2 * HOUR + timedelta(minutes=59))
    history.attempt(at=NOON - HOUR)
    rollup.run_once()
    window = MetricsWindow(NOON - 3 * HOUR, NOON).in_whole_hours()

    counted = repository.counts(window, **ALL, segment=GERMANY)

    assert {key.at: it.attempts for key, it in counted.series.items()} == {
        NOON - 2 * HOUR: 2,
        NOON - HOUR: 1,
    }


def test_a_change_is_counted_by_the_next_run_of_segments(repository, rollup, history):
    """Which comes a minute later at the earliest: an hour is counted as a whole."""
    _, attempt = history.attempt(status=Status.UNKNOWN)
    rollup.run_once()
    history.clock.sleep(30)
    history.change(attempt, Status.APPROVED)
    window = MetricsWindow(NOON, NOON + HOUR)

    def seen():
        return merge_counts(repository.counts(window, **ALL, segment=GERMANY).counts.values())

    rollup.run_once()
    assert seen() == AttemptCounts(unknown=1, orders=1)
    history.clock.sleep(31)
    rollup.run_once()

    assert seen() == AttemptCounts(approved=1, approved_amount_minor=1000, orders=1, paid_orders=1)


def test_an_upgraded_installation_counts_its_past(database, repository, rollup, mixed):
    rollup.run_once()
    with database.tx() as connection:
        connection.exec_driver_sql("DELETE FROM rollup_state WHERE name = 'segment_hours'")
        connection.exec_driver_sql("DELETE FROM segment_hours")
        connection.exec_driver_sql("DELETE FROM segment_days")

    rollup.run_once()

    window = MetricsWindow(NOON - 70 * HOUR, NOON + HOUR)
    counted = repository.counts(window, **ALL, segment=GERMANY)
    expected = counted_raw(database, GERMANY, window)
    assert merge_counts(counted.counts.values()) == expected


@pytest.mark.parametrize("table", [SegmentHourRow, SegmentDayRow])
def test_verifying_finds_what_a_recount_does_not_give(database, rollup, mixed, table):
    rollup.run_once()
    assert rollup.verify().differing == ()
    with database.tx() as connection:
        connection.execute(
            update(table).where(table.value == "DE").values(approved=table.approved + 1)
        )

    assert rollup.verify().differing


def test_a_second_rebuild_gives_the_same_rows(database, rollup, mixed):
    def rows():
        with database.read() as connection:
            return [
                connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1,2,3,4,5,6").all()
                for table in ("segment_hours", "segment_days")
            ]

    rollup.rebuild()
    first = rows()
    rollup.rebuild()

    assert rows() == first
    assert all(first)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "band"),
    [
        (999, "EUR", "under_10"),
        (1_000, "EUR", "10_to_50"),
        (10, "JPY", "10_to_50"),
        (9_999, "KWD", "under_10"),
        (10_000, "KWD", "10_to_50"),
        (50_000, "EUR", "from_500"),
    ],
)
def test_bands_are_of_major_units(amount_minor, currency, band):
    assert amount_band(amount_minor, currency) == band


def test_bands_leave_no_gap():
    bounds = [band_bounds_minor(code, 2) for code in AMOUNT_BANDS]

    assert bounds[0][0] == 0
    assert bounds[-1][1] is None
    assert [below for _, below in bounds[:-1]] == [start for start, _ in bounds[1:]]
