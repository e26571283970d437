from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, insert, select, table, update

from payorch import paths
from payorch.application.attempt_counts import merge_counts
from payorch.application.metrics_rollup import LatencyPercentiles, MetricsRollup
from payorch.application.metrics_window import DAY, HOUR, MINUTE, MetricsWindow, floor_to_day
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence import rolled_stretches
from payorch.infrastructure.persistence.kept_series import (
    KeptSeries,
    PartSeries,
    SeriesKey,
)
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.rollup_rows import hours_within
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.persistence.tables import (
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    TransactionRow,
)
from tests.databases import open_database
from tests.metrics_history import NOON, MetricsHistory
from tests.metrics_recount import assert_equal_to_recount

# These histories have only the columns that are counted.
pytestmark = pytest.mark.breaks_the_books

ALL = {"providers": frozenset(), "currency": None}
A_DAY = floor_to_day(NOON) - 2 * DAY
WINDOW = MetricsWindow(NOON - 6 * DAY, NOON, 6 * HOUR)


def attempt_late(history, at):
    """One whose news come only now."""
    history.attempt(at=at, changed_at=history.clock.moment)


def approved(counted):
    return merge_counts(counted.series.values()).approved


def days_are_added_up(rollup, history):
    history.clock.sleep(3600)
    rollup.run_once()


def add_to_every_hour(database, number):
    with database.tx() as connection:
        connection.execute(update(ProviderHourRow).values(approved=number))


def test_the_points_of_a_day_are_read_once(database, repository, history, rollup):
    history.attempt(at=A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)
    first = repository.counts(WINDOW, **ALL)

    # Behind the rollup's back, so that reading again would show.
    add_to_every_hour(database, 100)

    assert repository.counts(WINDOW, **ALL) == first
    assert approved(SqlAlchemyProviderMetricsRepository(database).counts(WINDOW, **ALL)) == 100


def test_a_late_change_of_a_kept_day_is_seen_before_and_after_it_is_rolled_up(
    database, repository, history, rollup
):
    history.attempt(at=A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)
    assert approved(repository.counts(WINDOW, **ALL)) == 1

    attempt_late(history, A_DAY + 7 * HOUR)
    assert approved(repository.counts(WINDOW, **ALL)) == 2

    rollup.run_once()
    assert approved(repository.counts(WINDOW, **ALL)) == 2

    days_are_added_up(rollup, history)
    assert approved(repository.counts(WINDOW, **ALL)) == 2
    assert_equal_to_recount(database, repository, WINDOW)


def test_a_change_that_another_process_rolls_up_is_seen(database, repository, history, rollup):
    _, transaction = history.attempt(at=A_DAY + 5 * HOUR, status=Status.UNKNOWN)
    days_are_added_up(rollup, history)
    assert approved(repository.counts(WINDOW, **ALL)) == 0

    history.change(transaction, Status.APPROVED)
    other = MetricsRollup(SqlAlchemyProviderMetricsRepository(database), history.clock)
    days_are_added_up(other, history)

    assert approved(repository.counts(WINDOW, **ALL)) == 1


def test_filters_and_buckets_are_kept_apart(database, repository, history, rollup):
    history.attempt(at=A_DAY + 5 * HOUR, provider="alpha", currency="EUR")
    history.attempt(at=A_DAY + 5 * HOUR, provider="beta", currency="JPY")
    days_are_added_up(rollup, history)

    for _ in range(2):
        for providers in (frozenset(), frozenset({"alpha"}), frozenset({"beta"})):
            for currency in (None, "EUR"):
                for bucket in (15 * MINUTE, HOUR, 3 * HOUR, DAY, 7 * DAY):
                    for tells in (False, True):
                        window = MetricsWindow(WINDOW.start, WINDOW.end, bucket)
                        asked = {
                            "providers": providers,
                            "currency": currency,
                            "tells_currencies": tells,
                        }
                        fresh = SqlAlchemyProviderMetricsRepository(database)
                        assert repository.counts(window, **asked) == fresh.counts(window, **asked)


def test_kept_days_do_not_count_twice_when_very_much_has_changed(
    database, repository, history, rollup, monkeypatch
):
    history.attempt(at=A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)
    repository.counts(WINDOW, **ALL)
    monkeypatch.setattr(rolled_stretches, "MAX_STALE_HOURS", 1)
    for hours in (1, 2, 3):
        attempt_late(history, NOON - hours * HOUR)

    assert_equal_to_recount(database, repository, WINDOW)
    assert approved(repository.counts(WINDOW, **ALL)) == 4


def test_the_name_of_a_days_hours_changes_with_them_alone(database, history, rollup):
    def name():
        with database.read() as connection:
            return connection.scalar(select(ProviderDaySpreadRow.of_hours).distinct())

    history.attempt(at=A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)
    first = name()
    rollup.rebuild()
    again = name()
    attempt_late(history, A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)

    assert again == first
    assert name() != first


def test_verify_names_a_day_whose_name_is_of_other_hours(database, history, rollup):
    history.attempt(at=A_DAY + 5 * HOUR)
    days_are_added_up(rollup, history)
    with database.tx() as connection:
        connection.execute(update(ProviderDaySpreadRow).values(of_hours=b"other"))

    assert rollup.verify().differing == (A_DAY,)


def test_what_was_read_last_is_kept():
    kept = KeptSeries(most_points=2)
    keys = [SeriesKey(A_DAY, bytes([n]), frozenset(), None, HOUR, False) for n in range(3)]
    for key in keys[:2]:
        kept.keep({key: PartSeries()})
    kept.known([keys[0]])

    kept.keep({keys[2]: PartSeries()})

    assert [bool(kept.known([key])) for key in keys] == [True, False, True]


def test_what_is_kept_is_bounded_by_its_points():
    kept = KeptSeries(most_points=10)
    small, large = (
        SeriesKey(A_DAY, name, frozenset(), None, HOUR, False) for name in (b"small", b"large")
    )
    points = {(A_DAY + n * HOUR, "alpha"): LatencyPercentiles(1, (1.0, 1.0, 1.0)) for n in range(9)}

    kept.keep({small: PartSeries()})
    for _ in range(3):
        kept.keep({large: PartSeries(latencies=points)})

    assert [bool(kept.known([key])) for key in (small, large)] == [False, True]


def test_the_points_of_an_hour_are_read_once(database, repository, history, rollup):
    window = MetricsWindow(NOON - 6 * HOUR, NOON, 15 * MINUTE)
    history.attempt(at=NOON - 3 * HOUR + 20 * MINUTE)
    days_are_added_up(rollup, history)
    first = repository.counts(window, **ALL)

    with database.tx() as connection:
        connection.execute(update(ProviderMinuteRow).values(approved=100))

    assert repository.counts(window, **ALL) == first
    assert approved(SqlAlchemyProviderMetricsRepository(database).counts(window, **ALL)) == 100


def test_an_attempt_that_moves_within_its_hour_is_seen(database, repository, history, rollup):
    """The sums of the hour stay as they are, and its points do not."""
    window = MetricsWindow(NOON - 6 * HOUR, NOON, 15 * MINUTE)
    hour = NOON - 3 * HOUR
    _, transaction = history.attempt(at=hour + 5 * MINUTE)
    days_are_added_up(rollup, history)
    repository.counts(window, **ALL)

    with database.tx() as connection:
        connection.execute(
            update(TransactionRow)
            .where(TransactionRow.id == transaction)
            .values(started_at=hour + 50 * MINUTE)
        )
    rollup.rebuild()

    (only,) = repository.counts(window, **ALL).series
    assert only.at == hour + 45 * MINUTE


def test_hours_of_an_earlier_version_are_right_and_are_not_kept(
    database, repository, history, rollup
):
    window = MetricsWindow(NOON - 6 * HOUR, NOON, 15 * MINUTE)
    history.attempt(at=NOON - 3 * HOUR)
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(update(ProviderHourSpreadRow).values(of_minutes=b""))
    repository.counts(window, **ALL)

    assert rollup.verify().differing == ()
    with database.tx() as connection:
        connection.execute(update(ProviderMinuteRow).values(approved=100))
    assert approved(repository.counts(window, **ALL)) == 100


def test_verify_names_an_hour_whose_name_is_of_other_minutes(database, history, rollup):
    history.attempt(at=NOON - 3 * HOUR)
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(update(ProviderHourSpreadRow).values(of_minutes=b"other"))

    assert rollup.verify().differing == (NOON - 3 * HOUR,)


an_attempt = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["alpha", "beta"]),
        "number": st.integers(1, 2),
        "status": st.sampled_from(Status),
        "currency": st.sampled_from(["EUR", "JPY"]),
        "latency_ms": st.none() | st.integers(0, 60_000),
    }
)
a_step = st.one_of(
    st.tuples(st.just("attempt"), an_attempt, st.integers(0, 100)),
    st.tuples(st.just("change"), st.integers(0, 50), st.sampled_from(Status)),
    st.tuples(st.just("wait"), st.integers(1, 30), st.none()),
    st.tuples(st.just("roll"), st.none(), st.none()),
    st.tuples(st.just("read"), st.sampled_from([15 * MINUTE, HOUR, 6 * HOUR, DAY]), st.none()),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(a_step, max_size=30))
def test_points_are_a_recount_after_days_of_any_history(database, steps):
    history = MetricsHistory(database)
    history.clear()
    repository = SqlAlchemyProviderMetricsRepository(database)
    rollup = MetricsRollup(repository, history.clock)
    known = []

    for name, first, second in [*steps, ("read", 6 * HOUR, None)]:
        if name == "attempt":
            at = history.clock.moment - timedelta(hours=second)
            changed_at = history.clock.moment - MINUTE / 2
            known.append(history.attempt(at=at, changed_at=changed_at, **first)[1])
        elif name == "change" and known:
            history.change(known[first % len(known)], second, latency_ms=first)
        elif name == "wait":
            history.clock.sleep(first * 3000)
        elif name == "roll":
            rollup.run_once()
        elif name == "read":
            window = MetricsWindow.until(history.clock.moment, 5 * DAY, first)
            assert_equal_to_recount(database, repository, window)


@pytest.mark.parametrize("source", ["sqlite_files", "postgresql"])
def test_hours_from_before_the_migration_have_the_empty_name(source, request):
    url = request.getfixturevalue(source).new_database_url()
    with open_database(url) as database:
        schema = Schema(database.engine, paths.MIGRATIONS)
        schema.downgrade("0030")
        with database.tx() as connection:
            connection.execute(
                insert(table("provider_hour_spreads", *map(column, OLD_HOUR))).values(OLD_HOUR)
            )
        schema.upgrade()

        with database.read() as connection:
            assert connection.scalars(select(ProviderHourSpreadRow.of_minutes)).all() == [b""]
            assert hours_within(connection, NOON - DAY, NOON + DAY) == {}


OLD_HOUR = {
    "hour": "2026-11-20 12:00:00.000000",
    "provider_code": "alpha",
    "currency": "EUR",
    "latency": b"",
    "declines": "{}",
}
