import threading
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from payorch.application.attempt_counts import AttemptKind, merge_counts
from payorch.application.metrics_rollup import (
    DAYS_EVERY_S,
    SEGMENTS_EVERY_S,
    MetricsRollup,
)
from payorch.application.metrics_window import MINUTE, MetricsWindow, floor_to_day
from payorch.application.rollup_spans import MAX_SPAN, spans_of
from payorch.domain.decline_terms import DeclineClass
from payorch.domain.latency_histogram import merge_histograms
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence import window_counts
from payorch.infrastructure.persistence.provider_metrics_repository import (
    ROLLUP_LOCK_KEY,
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.tables import (
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
)
from tests.metrics_history import NOON, MetricsHistory
from tests.metrics_recount import assert_equal_to_recount

# These histories have only the columns that are counted.
pytestmark = pytest.mark.breaks_the_books

HOUR = timedelta(hours=1)
ALL = {"providers": frozenset(), "currency": None}


def rolled_rows(database):
    """The rollup exactly as it is stored, the histograms as their text."""
    with database.read() as connection:
        return [
            connection.execute(text(statement)).fetchall()
            for statement in (
                "SELECT * FROM provider_minutes ORDER BY 1, 2, 3, 4, 5, 6",
                "SELECT * FROM provider_hours ORDER BY 1, 2, 3, 4, 5, 6",
                "SELECT * FROM provider_hour_spreads ORDER BY 1, 2, 3",
                "SELECT * FROM provider_days ORDER BY 1, 2, 3, 4, 5, 6",
                "SELECT * FROM provider_day_spreads ORDER BY 1, 2, 3",
            )
        ]


def total(repository, window=None, **filters):
    window = window or MetricsWindow.until(NOON + HOUR, timedelta(hours=6))
    counted = repository.counts(window, **{**ALL, **filters})
    return merge_counts(counted.counts.values())


def test_each_state_has_its_own_counter(repository, history, rollup):
    for status in Status:
        history.attempt(status=status)
    history.attempt(status=Status.DECLINED, decline_class=DeclineClass.CUSTOMER_DATA)

    rollup.run_once()

    counts = total(repository)
    assert (counts.approved, counts.voided, counts.not_sent) == (1, 1, 1)
    assert (counts.declined_issuer, counts.declined_customer_data) == (1, 1)
    assert (counts.unknown, counts.abandoned, counts.still_open) == (1, 1, 3)
    assert counts.approved_amount_minor == 2_000


@pytest.mark.parametrize("rolled_up", [0, 1, 2])
def test_declines_are_counted_by_reason_wherever_they_are_read(
    database, repository, history, rollup, rolled_up
):
    """Before a run, after it, and half of them changed since."""

    def add(reason, times, **fields):
        for _ in range(times):
            history.attempt(status=Status.DECLINED, decline_reason=reason, **fields)

    add("insufficient_funds", 3)
    add("do_not_honor", 2, provider="beta", at=NOON - HOUR)
    add(None, 1)
    history.attempt(status=Status.APPROVED)
    if rolled_up:
        rollup.run_once()
    history.clock.sleep(7200)
    if rolled_up == 2:
        add("insufficient_funds", 4, at=NOON, changed_at=history.clock.now())

    counted = repository.counts(MetricsWindow.until(NOON + HOUR, timedelta(hours=6)), **ALL)

    more = 4 if rolled_up == 2 else 0
    assert counted.declines == {
        "alpha": {"insufficient_funds": 3 + more, "unknown": 1},
        "beta": {"do_not_honor": 2},
    }


def test_first_and_fallback_attempts_are_apart(repository, history, rollup):
    order_id, _ = history.attempt(status=Status.DECLINED)
    history.attempt(provider="beta", number=2, order_id=order_id)

    rollup.run_once()

    window = MetricsWindow.until(NOON, HOUR)
    kinds = {(key.provider_code, key.kind) for key in repository.counts(window, **ALL).counts}
    assert kinds == {("alpha", AttemptKind.FIRST), ("beta", AttemptKind.FALLBACK)}


def test_a_rerun_gives_identical_bytes(database, history, rollup):
    for number in range(40):
        history.attempt(at=NOON - number * MINUTE / 3, latency_ms=number * 37)
    rollup.run_once()
    before = rolled_rows(database)

    rollup.run_once()
    rollup.rebuild()

    assert rolled_rows(database) == before


def test_a_late_change_moves_the_count_of_the_minute_it_started_in(repository, history, rollup):
    _, transaction_id = history.attempt(at=NOON - 3 * HOUR, status=Status.UNKNOWN)
    rollup.run_once()

    history.clock.sleep(3600)
    history.change(transaction_id, Status.APPROVED)
    history.clock.sleep(600)
    rollup.run_once()

    assert rollup.verify().differing == ()
    counts = total(repository)
    assert (counts.approved, counts.unknown) == (1, 0)


def test_what_is_not_rolled_up_yet_is_in_the_numbers(repository, history, rollup):
    _, transaction_id = history.attempt(at=NOON - 2 * HOUR, status=Status.UNKNOWN)
    rollup.run_once()

    history.clock.sleep(600)
    history.change(transaction_id, Status.APPROVED)
    history.attempt()

    counts = total(repository)
    assert (counts.approved, counts.unknown, counts.attempts) == (2, 0, 2)


def test_numbers_are_right_before_the_first_run(repository, history):
    history.attempt()

    counted = repository.counts(MetricsWindow.until(NOON, HOUR), **ALL)

    assert counted.state is None
    assert merge_counts(counted.counts.values()).approved == 1


def test_a_change_whose_commit_was_late_is_not_lost(repository, history, rollup):
    history.clock.sleep(600)
    rollup.run_once()

    history.attempt(at=history.clock.moment - timedelta(seconds=50))
    history.clock.sleep(600)
    rollup.run_once()
    history.clock.sleep(600)
    rollup.run_once()

    assert rollup.verify().differing == ()
    assert total(repository).approved == 1


def test_filters_apply_to_rolled_and_direct_attempts_alike(repository, history, rollup):
    for provider in ("alpha", "beta"):
        for currency in ("EUR", "JPY"):
            history.attempt(at=NOON - HOUR, provider=provider, currency=currency)
    rollup.run_once()
    history.clock.sleep(600)
    for provider in ("alpha", "beta"):
        for currency in ("EUR", "JPY"):
            history.attempt(provider=provider, currency=currency)

    assert total(repository).approved == 8
    assert total(repository, providers=frozenset({"beta"})).approved == 4
    assert total(repository, providers=frozenset({"beta"}), currency="JPY").approved == 2


def test_verify_names_the_minutes_that_are_wrong_and_rebuild_repairs_them(
    database, history, rollup
):
    history.attempt(at=NOON - 5 * HOUR)
    history.attempt(at=NOON - 4 * HOUR)
    rollup.run_once()
    history.clock.sleep(3600)
    rollup.run_once()
    row = {"voided": 0, "declined_issuer": 0, "declined_customer_data": 0, "not_sent": 0}
    row |= {"unknown": 0, "abandoned": 0, "still_open": 0, "approved_amount_minor": 0}
    row |= {"orders": 0, "paid_orders": 0}
    with database.tx() as connection:
        connection.execute(
            update(ProviderMinuteRow)
            .where(ProviderMinuteRow.minute == NOON - 5 * HOUR)
            .values(approved=7)
        )
        connection.execute(
            insert(ProviderMinuteRow).values(
                minute=NOON - 50 * HOUR,
                provider_code="ghost",
                attempt_kind="first",
                currency="EUR",
                place=1,
                after_provider="",
                approved=1,
                latency={},
                **row,
            )
        )

    assert rollup.verify().differing == (NOON - 50 * HOUR, NOON - 5 * HOUR)

    rollup.rebuild()

    assert rollup.verify().differing == ()


def test_the_watermark_never_goes_back(repository, history, rollup):
    rollup.run_once()
    first = repository.rollup_state()

    history.clock.sleep(-3600)
    rollup.run_once()

    assert repository.rollup_state() == first


def test_two_processes_at_once_count_nothing_twice(database, repository, history, rollup):
    for number in range(60):
        history.attempt(at=NOON - number * MINUTE)
    barrier = threading.Barrier(4)

    def run():
        barrier.wait()
        for _ in range(3):
            MetricsRollup(repository, history.clock).run_once()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rollup.run_once()
    assert rollup.verify().differing == ()
    assert total(repository).approved == 60


def test_a_run_leaves_the_work_to_the_process_that_is_at_it(database, history, rollup):
    if database.is_sqlite:
        pytest.skip("on SQLite a second writer waits for the first")
    history.attempt()

    with database.tx() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({ROLLUP_LOCK_KEY})"))
        report = rollup.run_once()

    assert not report.is_complete
    assert rollup.run_once().is_complete


def test_a_rebuild_stops_when_another_process_is_at_the_rollup(database, history, rollup):
    if database.is_sqlite:
        pytest.skip("on SQLite a second writer waits for the first")
    history.attempt()
    rollup.run_once()
    history.clock.sleep(3600)
    history.attempt()

    with database.tx() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({ROLLUP_LOCK_KEY})"))
        run, rebuild = rollup.run_once(), rollup.rebuild()

    assert (run.is_complete, rebuild.is_complete) == (False, False)


def test_a_fresh_rollup_is_left_alone(history, rollup):
    first = rollup.run_if_older_than(timedelta(seconds=5))
    history.clock.sleep(4)
    soon = rollup.run_if_older_than(timedelta(seconds=5))
    history.clock.sleep(1)
    later = rollup.run_if_older_than(timedelta(seconds=5))

    assert (first.is_complete, soon, later.is_complete) == (True, None, True)


def test_an_order_is_submitted_once_however_often_it_was_tried(repository, history):
    order_id, _ = history.attempt(status=Status.DECLINED)
    history.attempt(provider="beta", number=2, status=Status.DECLINED, order_id=order_id)
    history.attempt(status=Status.APPROVED, order_id=order_id)
    history.attempt(status=Status.DECLINED)

    counts = total(repository)

    assert (counts.orders, counts.paid_orders) == (2, 1)


def test_an_order_paid_by_a_later_try_is_paid_in_the_minute_of_its_first(
    repository, history, rollup
):
    order_id, _ = history.attempt(at=NOON - 5 * HOUR, status=Status.DECLINED)
    rollup.run_once()
    history.clock.sleep(3600)
    rollup.run_once()

    history.attempt(provider="beta", order_id=order_id)

    first_hour = MetricsWindow.until(NOON - 5 * HOUR, HOUR)
    assert total(repository, first_hour).paid_orders == 1
    history.clock.sleep(3600)
    rollup.run_once()
    assert total(repository, first_hour).paid_orders == 1
    assert total(repository, providers=frozenset({"beta"})).orders == 0
    assert rollup.verify().differing == ()


def test_a_long_window_reads_days_and_hours_and_minutes_only_around_them(
    database, repository, history, rollup
):
    """Seen by what is counted when the one or the other is spoiled."""
    window = MetricsWindow(NOON - timedelta(days=20) + HOUR / 2, NOON, timedelta(hours=3))
    history.attempt(at=window.start)
    history.attempt(at=window.start + HOUR)
    history.attempt(at=NOON - timedelta(days=1), latency_ms=70)
    history.attempt(at=NOON - timedelta(days=2))
    rollup.run_once()
    history.clock.sleep(600)
    rollup.run_once()
    history.attempt(at=NOON - timedelta(days=2), changed_at=history.clock.now())
    with database.tx() as connection:
        connection.execute(update(ProviderDayRow).values(approved=1000))
        connection.execute(update(ProviderHourRow).values(approved=100))
        connection.execute(update(ProviderMinuteRow).values(approved=10))

    counted = repository.counts(window, **ALL)

    # The first half hour from its minute, an hour of the first day, yesterday as a day, and the
    # changed minute counted anew.
    assert merge_counts(counted.counts.values()).approved == 10 + 100 + 1000 + 2
    assert merge_histograms(counted.latencies.values()).n == 5
    # Buckets of three hours cannot be read from days.
    assert merge_counts(counted.series.values()).approved == 10 + 2 * 100 + 2
    assert sum(latency.n for latency in counted.series_latencies.values()) == 5


@pytest.mark.parametrize("named", [0, 500])
def test_changed_minutes_are_counted_once_however_many_there_are(
    repository, history, rollup, monkeypatch, named
):
    monkeypatch.setattr(window_counts, "MAX_NAMED_MINUTES", named)
    window = MetricsWindow(NOON - timedelta(days=3), NOON + 2 * HOUR, 3 * HOUR)
    for hours in (1, 2, 30, 60):
        history.attempt(at=NOON - hours * HOUR)
    rollup.run_once()
    history.clock.sleep(600)
    rollup.run_once()

    for hours in (2, 30):
        history.attempt(at=NOON - hours * HOUR, changed_at=history.clock.now())

    counted = repository.counts(window, **ALL)
    assert counted.minutes_read_directly == 2
    assert merge_counts(counted.counts.values()).attempts == 6
    assert merge_counts(counted.series.values()).attempts == 6


def test_buckets_of_days_are_read_from_days(database, repository, history, rollup):
    window = MetricsWindow(NOON - timedelta(days=3), NOON, timedelta(days=1))
    history.attempt(at=NOON - timedelta(days=2), provider="beta")
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(update(ProviderDayRow).values(approved=1000))

    counted = repository.counts(window, **ALL, tells_currencies=True)

    midnight = floor_to_day(NOON - timedelta(days=2))
    (key,) = counted.series
    assert (key.at, key.provider_code, key.currency) == (midnight, "beta", "EUR")
    assert counted.series[key].approved == 1000


def days_stored(database):
    with database.read() as connection:
        return set(connection.scalars(select(ProviderDaySpreadRow.day)))


def test_a_day_is_added_up_when_it_is_over_and_anew_when_it_changes(
    database, repository, history, rollup
):
    """Until then, and in between, its hours are read: the numbers are always right."""
    today = floor_to_day(NOON)
    a_week = MetricsWindow(NOON - timedelta(days=5), NOON + timedelta(days=2))
    history.attempt(at=NOON - HOUR)
    rollup.run_once()
    assert days_stored(database) == set()

    history.clock.sleep(24 * 3600)
    history.attempt(at=history.clock.now())
    rollup.run_once()
    assert days_stored(database) == {today}

    history.attempt(at=NOON - 2 * HOUR, changed_at=history.clock.now())
    assert total(repository, a_week).attempts == 3
    history.clock.sleep(DAYS_EVERY_S / 2)
    rollup.run_once()
    assert days_stored(database) == set()
    assert total(repository, a_week).attempts == 3

    history.clock.sleep(DAYS_EVERY_S)
    rollup.run_once()
    assert days_stored(database) == {today}
    assert total(repository, a_week).attempts == 3
    assert rollup.verify().differing == ()


def test_a_day_whose_segments_are_counted_later_is_added_up_once_more(
    database, repository, history, rollup
):
    """Counting the segments of an hour replaces it, which takes the rows of its day away."""
    yesterday = NOON - timedelta(days=1)
    history.attempt(at=yesterday)
    rollup.run_once()
    history.clock.sleep(SEGMENTS_EVERY_S)
    history.attempt(at=yesterday, changed_at=history.clock.now())

    for _ in range(12):
        history.clock.sleep(SEGMENTS_EVERY_S / 4)
        rollup.run_once()

    assert days_stored(database) == {floor_to_day(yesterday)}


def test_days_that_another_process_left_behind_are_added_up(database, repository, history, rollup):
    """As after an update to the first version that has them."""
    history.attempt(at=NOON - timedelta(days=2))
    rollup.run_once()
    with database.tx() as connection:
        for table in (ProviderDayRow, ProviderDaySpreadRow):
            connection.execute(delete(table))

    MetricsRollup(repository, history.clock).run_once()

    assert days_stored(database) == {floor_to_day(NOON - timedelta(days=2))}


def test_a_window_of_short_buckets_is_read_from_minutes(database, repository, history, rollup):
    history.attempt(at=NOON - 2 * HOUR)
    rollup.run_once()
    history.clock.sleep(600)
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(update(ProviderHourRow).values(approved=100))

    counted = repository.counts(MetricsWindow.until(NOON, 4 * HOUR, 5 * MINUTE), **ALL)

    assert merge_counts(counted.series.values()).approved == 1
    assert merge_counts(counted.counts.values()).approved == 100


@pytest.mark.parametrize("table", [ProviderHourRow, ProviderHourSpreadRow])
def test_verify_names_an_hour_that_is_not_the_sum_of_its_minutes(database, history, rollup, table):
    history.attempt(at=NOON - 5 * HOUR + MINUTE)
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(delete(table))
        connection.execute(
            insert(ProviderHourSpreadRow).values(
                hour=NOON - 50 * HOUR, provider_code="ghost", currency="EUR", latency=b""
            )
        )

    assert rollup.verify().differing == (NOON - 50 * HOUR, NOON - 5 * HOUR)

    rollup.rebuild()

    assert rollup.verify().differing == ()


@pytest.mark.parametrize("table", [ProviderDayRow, ProviderDaySpreadRow])
def test_verify_names_a_day_that_is_not_the_sum_of_its_hours(database, history, rollup, table):
    a_day = floor_to_day(NOON - timedelta(days=3))
    history.attempt(at=a_day + 5 * HOUR)
    rollup.run_once()
    with database.tx() as connection:
        connection.execute(delete(table))
        connection.execute(
            insert(ProviderDaySpreadRow).values(
                day=a_day - timedelta(days=1),
                provider_code="ghost",
                currency="EUR",
                latency=b"",
                of_hours=b"",
            )
        )

    assert rollup.verify().differing == (a_day - timedelta(days=1), a_day)

    rollup.rebuild()

    assert rollup.verify().differing == ()


def test_the_oldest_unknown_is_found(repository, history):
    history.attempt(at=NOON - HOUR, status=Status.UNKNOWN)
    history.attempt(at=NOON - 2 * HOUR, status=Status.UNKNOWN, provider="beta")

    every = repository.open_unknowns(**ALL)
    alphas = repository.open_unknowns(providers=frozenset({"alpha"}), currency=None)

    assert (every.attempts, every.oldest_started_at) == (2, NOON - 2 * HOUR)
    assert (alphas.attempts, alphas.oldest_started_at) == (1, NOON - HOUR)


def test_spans_join_neighbors_and_stay_short():
    minutes = [NOON + n * MINUTE for n in (0, 1, 2, 10)]
    long_day = [NOON + n * MINUTE for n in range(150)]

    assert list(spans_of(minutes)) == [
        (NOON, NOON + 3 * MINUTE),
        (NOON + 10 * MINUTE, NOON + 11 * MINUTE),
    ]
    assert [end - start for start, end in spans_of(long_day)] == [MAX_SPAN, MAX_SPAN, HOUR / 2]


an_attempt = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["alpha", "beta"]),
        "number": st.integers(1, 2),
        "status": st.sampled_from(Status),
        "currency": st.sampled_from(["EUR", "JPY"]),
        "latency_ms": st.none() | st.integers(0, 60_000),
        "decline_class": st.none() | st.sampled_from(["customer_data", "issuer_decline"]),
    }
)
a_step = st.one_of(
    st.tuples(st.just("attempt"), an_attempt, st.integers(0, 300)),
    st.tuples(st.just("change"), st.integers(0, 50), st.sampled_from(Status)),
    st.tuples(st.just("wait"), st.integers(1, 400), st.none()),
    st.tuples(st.just("roll"), st.none(), st.none()),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(a_step, max_size=25))
def test_the_numbers_are_a_recount_after_any_history(database, steps):
    history = MetricsHistory(database)
    history.clear()
    repository = SqlAlchemyProviderMetricsRepository(database)
    rollup = MetricsRollup(repository, history.clock)
    known = []

    for name, first, second in steps:
        if name == "attempt":
            at = history.clock.moment - timedelta(minutes=second)
            changed_at = history.clock.moment - timedelta(seconds=second % 60)
            known.append(history.attempt(at=at, changed_at=changed_at, **first)[1])
        elif name == "change" and known:
            history.change(known[first % len(known)], second, latency_ms=first)
        elif name == "wait":
            history.clock.sleep(first)
        elif name == "roll":
            rollup.run_once()
        window = MetricsWindow.until(history.clock.moment, timedelta(hours=12))
        assert_equal_to_recount(database, repository, window)

    rollup.run_once()
    assert rollup.verify().differing == ()
    incremental = rolled_rows(database)
    rollup.rebuild()
    assert rolled_rows(database) == incremental


def test_rolled_rows_hold_no_minute_twice(database, history, rollup):
    for _ in range(3):
        history.attempt()
    rollup.run_once()

    with database.read() as connection:
        minutes = Counter(connection.scalars(select(ProviderMinuteRow.minute)))

    assert minutes == {NOON: 1}
