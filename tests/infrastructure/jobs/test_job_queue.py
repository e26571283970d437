"""What every job queue keeps to, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from payorch.application.job_queue import LEASE_RAN_OUT
from payorch.application.jobs import NewJob, Schedule
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.system_clock import SystemClock
from tests.concurrency.racing import race
from tests.databases import open_database
from tests.infrastructure.jobs.work import CALL, DIG, LEASE_S, NAMES, WATER, Garden

THREADS = 12


def test_a_job_that_is_due_is_claimed_once_with_all_that_its_handler_needs(garden):
    garden.enqueue(payload={"bed": "roses"}, destination="north")

    (claimed,) = garden.claim()

    assert claimed.job.payload == {"bed": "roses"}
    assert (claimed.job.kind, claimed.queue, claimed.destination) == ("dig", "garden", "north")
    assert (claimed.job.attempts, claimed.max_attempts) == (1, 4)
    assert garden.claim() == []


def test_the_job_that_waits_longest_comes_first(garden):
    at = garden.now()
    for minutes in (1, 3, 2):
        garden.enqueue(payload={"minutes": minutes}, run_at=at - timedelta(minutes=minutes))

    claimed = garden.claim(limit=3)

    assert [job.job.payload["minutes"] for job in claimed] == [3, 2, 1]


def test_a_job_of_the_future_is_left_until_then(garden):
    garden.enqueue(run_at=garden.now() + timedelta(seconds=5))
    assert garden.claim() == []

    garden.clock.advance(seconds=5)

    assert len(garden.claim()) == 1


def test_workers_that_race_never_get_the_same_job(database):
    garden = Garden(database, SystemClock())
    garden.queue.enqueue([NewJob(WATER, {"number": number}) for number in range(240)])

    def work():
        mine = []
        while claimed := garden.claim(limit=2):
            mine += [job.job.id for job in claimed]
            for job in claimed:
                assert garden.queue.complete(job)
        return mine

    shares = race(*[work] * THREADS)

    everyone = [job_id for share in shares for job_id in share]
    assert len(everyone) == len(set(everyone)) == 240
    assert set(garden.states()) == {"done"}
    assert {row["attempts"] for row in garden.rows()} == {1}


def test_one_dedup_key_is_one_job(garden):
    garden.enqueue(dedup_key="roses")
    garden.enqueue(dedup_key="roses")
    garden.enqueue(dedup_key="tulips")

    assert [row["dedup_key"] for row in garden.rows()] == ["roses", "tulips"]


def test_threads_that_enqueue_one_dedup_key_make_one_job(garden):
    race(*[lambda: garden.enqueue(dedup_key="roses")] * THREADS)

    assert len(garden.rows()) == 1


def test_a_business_transaction_that_is_rolled_back_leaves_no_job(garden, database):
    def enqueue_and_fail():
        with database.tx() as connection:
            insert_jobs(connection, [NewJob(DIG)], at=garden.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        enqueue_and_fail()

    assert garden.rows() == []


def test_a_lease_that_ran_out_is_taken_over_and_counted(garden):
    garden.enqueue()
    (first,) = garden.claim()
    garden.clock.advance(seconds=LEASE_S)

    (second,) = garden.claim()

    assert second.job.id == first.job.id
    assert second.token > first.token
    assert second.job.attempts == 2
    assert garden.row()["last_error"] == LEASE_RAN_OUT
    assert garden.queue.counters().lease_expiries == 1


@pytest.mark.parametrize(
    "report",
    [
        lambda queue, job: queue.complete(job),
        lambda queue, job: queue.retry(job, delay_s=1, error="late"),
        lambda queue, job: queue.bury(job, error="late"),
    ],
    ids=["complete", "retry", "bury"],
)
def test_who_lost_the_lease_is_not_listened_to(garden, report):
    garden.enqueue()
    (slow,) = garden.claim()
    garden.clock.advance(seconds=LEASE_S)
    (fast,) = garden.claim()

    assert not report(garden.queue, slow)

    assert garden.row()["state"] == "running"
    assert garden.queue.counters().fenced_completions == 1
    assert garden.queue.complete(fast)
    assert not report(garden.queue, slow)
    assert garden.row()["state"] == "done"


def test_a_heartbeat_keeps_the_lease(garden):
    garden.enqueue()
    (held,) = garden.claim()
    garden.clock.advance(seconds=LEASE_S - 1)

    garden.queue.extend([held], lease_s=LEASE_S)
    garden.clock.advance(seconds=LEASE_S - 1)

    assert garden.claim() == []
    assert garden.queue.complete(held)


def test_a_heartbeat_that_comes_too_late_takes_nothing_back(garden):
    garden.enqueue()
    (slow,) = garden.claim()
    garden.clock.advance(seconds=LEASE_S)
    (fast,) = garden.claim()
    garden.clock.advance(seconds=LEASE_S - 1)

    garden.queue.extend([slow], lease_s=LEASE_S)
    garden.clock.advance(seconds=1)

    (third,) = garden.claim()
    assert third.token == fast.token + 1


def test_a_job_that_kills_its_process_each_time_ends_dead(garden):
    garden.enqueue()
    for attempt in range(1, DIG.max_attempts + 1):
        (claimed,) = garden.claim()
        assert claimed.job.attempts == attempt
        garden.clock.advance(seconds=LEASE_S)

    assert garden.queue.due_queues(["garden"], kinds=NAMES) == {"garden"}
    assert garden.claim() == []
    row = garden.row()
    assert (row["state"], row["last_error"]) == ("dead", LEASE_RAN_OUT)
    assert row["finished_at"] == garden.now()
    assert garden.queue.due_queues(["garden"], kinds=NAMES) == frozenset()
    assert garden.queue.counters().lease_expiries == DIG.max_attempts


def test_a_job_that_was_put_off_is_due_after_the_delay(garden):
    garden.enqueue()
    (claimed,) = garden.claim()

    assert garden.queue.retry(claimed, delay_s=30, error="x" * 900)

    row = garden.row()
    assert (row["state"], row["lease_until"]) == ("ready", None)
    assert row["run_at"] == garden.now() + timedelta(seconds=30)
    assert row["last_error"] == "x" * 500


def test_the_database_s_own_clock_times_leases_and_delays(database):
    garden = Garden(database, SystemClock())
    garden.enqueue()
    (claimed,) = garden.claim()
    leased = garden.row()["lease_until"] - garden.now()
    assert timedelta(seconds=LEASE_S - 15) < leased < timedelta(seconds=LEASE_S + 15)

    garden.queue.retry(claimed, delay_s=3600, error="later")

    delay = garden.row()["run_at"] - garden.now()
    assert timedelta(minutes=59) < delay < timedelta(minutes=61)
    assert garden.claim() == []


def test_one_claim_takes_one_job_per_destination_and_none_of_the_full_ones(garden):
    for destination in ("north", "north", "south", "south", "east", None, None):
        garden.enqueue(destination=destination)

    claimed = garden.claim(limit=10, full_destinations=["south"])

    assert [job.destination for job in claimed] == ["north", "east", None, None]
    assert [job.destination for job in garden.claim(limit=10)] == ["north", "south"]


def test_a_crowd_for_one_destination_does_not_hide_the_others(garden):
    at = garden.now()
    garden.queue.enqueue([NewJob(DIG, destination="north", run_at=at) for _ in range(260)])
    garden.enqueue(destination="south")

    first = garden.claim(limit=10)
    second = garden.claim(limit=10, full_destinations=["north"])

    assert [job.destination for job in (*first, *second)] == ["north", "south"]


def test_kinds_without_a_handler_here_are_left_to_others(garden):
    garden.enqueue(DIG)
    garden.enqueue(WATER)

    assert garden.queue.due_queues(["garden"], kinds=["call"]) == frozenset()
    assert [job.job.kind for job in garden.claim(limit=5, kinds=["water"])] == ["water"]


def test_only_queues_with_something_due_are_named(garden):
    garden.enqueue(DIG)
    garden.enqueue(CALL, run_at=garden.now() + timedelta(seconds=1))

    assert garden.queue.due_queues(["garden", "phone"], kinds=NAMES) == {"garden"}
    assert garden.queue.due_queues([], kinds=NAMES) == frozenset()


def test_a_dead_job_is_replayed_with_all_its_attempts_and_journalled(garden, database):
    garden.enqueue(payload={"bed": "roses"})
    (claimed,) = garden.claim()
    garden.queue.bury(claimed, error="no spade")
    job_id = claimed.job.id
    people = {"actor": "olga@example.com", "reason": "A spade was bought.", "at": garden.now()}

    assert garden.queue.replay(job_id, **people)

    (again,) = garden.claim()
    assert (again.job.id, again.job.attempts) == (job_id, 1)
    assert garden.queue.counters().lease_expiries == 0
    assert not garden.queue.replay(job_id, **people)
    assert journal(database) == [
        ("olga@example.com", "job_replayed", f"job {job_id}", "A spade was bought.")
    ]


def test_a_dead_job_is_discarded_with_a_journal_row_of_what_it_was(garden, database):
    garden.enqueue(payload={"bed": "roses"})
    (claimed,) = garden.claim()
    people = {"actor": "olga@example.com", "reason": "The bed is gone.", "at": garden.now()}
    assert not garden.queue.discard(claimed.job.id, **people)
    garden.queue.bury(claimed, error="no bed")

    assert garden.queue.discard(claimed.job.id, **people)

    assert garden.rows() == []
    with database.read() as connection:
        before = connection.scalar(text("SELECT before FROM journal"))
    assert "roses" in str(before)


def test_of_many_who_replay_one_job_one_does(garden, database):
    garden.enqueue()
    (claimed,) = garden.claim()
    garden.queue.bury(claimed, error="no spade")
    people = {"actor": "olga@example.com", "reason": "again", "at": garden.now()}

    won = race(*[lambda: garden.queue.replay(claimed.job.id, **people)] * 8)

    assert won.count(True) == 1
    assert len(journal(database)) == 1


def journal(database):
    with database.read() as connection:
        rows = connection.execute(text("SELECT actor, action, subject, reason FROM journal"))
        return [tuple(row) for row in rows]


def test_a_fire_time_is_one_job_however_many_processes_tick(garden):
    schedule = Schedule(WATER, every_s=60)

    fired = race(*[lambda: garden.queue.fire(schedule, garden.now())] * 8)

    assert fired.count(True) == 1
    assert garden.row()["dedup_key"] == "schedule:water:2026-11-22T12:00:00"


@pytest.mark.parametrize("is_running", [False, True], ids=["waiting", "running"])
def test_a_schedule_does_not_pile_up(garden, is_running):
    schedule = Schedule(WATER, every_s=60)
    garden.queue.fire(schedule, garden.now())
    held = garden.claim() if is_running else []
    garden.clock.advance(seconds=60)

    assert not garden.queue.fire(schedule, garden.now())

    for job in held or garden.claim():
        garden.queue.complete(job)
    assert garden.queue.fire(schedule, garden.now())


def test_done_jobs_are_forgotten_in_time_and_dead_ones_kept(garden):
    garden.queue.fire(Schedule(WATER, every_s=60), garden.now())
    garden.enqueue(DIG, dedup_key="dead")
    garden.enqueue(DIG, dedup_key="done")
    garden.enqueue(CALL, dedup_key="waiting")
    for job in garden.claim(limit=3):
        if job.job.kind == "dig" and garden.rows(id=job.job.id)[0]["dedup_key"] == "dead":
            garden.queue.bury(job, error="no spade")
        else:
            garden.queue.complete(job)
    garden.clock.advance(days=2)
    limits = {"schedules_before": garden.now() - timedelta(days=1), "limit": 10}

    assert garden.queue.purge(done_before=garden.now() - timedelta(days=7), **limits) == 1
    assert [row["dedup_key"] for row in garden.rows()] == ["dead", "done", "waiting"]
    assert garden.queue.purge(done_before=garden.now() - timedelta(days=1), **limits) == 1
    assert [row["dedup_key"] for row in garden.rows()] == ["dead", "waiting"]


def test_figures_tell_how_each_queue_stands(garden):
    at = garden.now()
    for seconds in (50, 10, -30):
        garden.enqueue(DIG, run_at=at - timedelta(seconds=seconds))
    garden.enqueue(CALL)
    (call,) = garden.claim("phone")
    garden.queue.bury(call, error="engaged")
    garden.claim("garden")

    by_queue = {figures.queue: figures for figures in garden.queue.figures()}

    yard, phone = by_queue["garden"], by_queue["phone"]
    assert (yard.waiting, yard.due, yard.running, yard.dead) == (2, 1, 1, 0)
    assert yard.oldest_age_s == pytest.approx(10)
    assert (phone.waiting, phone.due, phone.running, phone.dead) == (0, 0, 0, 1)
    assert garden.queue.dead_count() == 1


def test_the_next_due_time_is_a_waiting_job_s_or_the_end_of_a_lease(garden):
    assert garden.queue.next_due_at() is None
    garden.enqueue(run_at=garden.now() + timedelta(minutes=5))
    assert garden.queue.next_due_at() == garden.now() + timedelta(minutes=5)

    garden.enqueue()
    garden.claim()

    assert garden.queue.next_due_at() == garden.now() + timedelta(seconds=LEASE_S)


def test_an_idle_worker_reads_nothing_of_the_jobs_that_are_done(sqlite_files):
    """The plans of all that a worker asks time and again: only the index of what waits."""
    with open_database(sqlite_files.new_database_url()) as database:
        garden = Garden(database)
        asked = []

        @event.listens_for(database.engine, "before_cursor_execute")
        def note(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        garden.queue.due_queues(["garden", "phone"], kinds=NAMES)
        garden.claim(full_destinations=["north"])
        garden.queue.fire(Schedule(WATER, every_s=60), garden.now())
        event.remove(database.engine, "before_cursor_execute", note)
        with database.read() as connection:
            plans = [
                (statement, step[3])
                for statement, parameters in asked
                if "jobs" in statement and not statement.startswith("INSERT")
                for step in connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
            ]

    used = {step.split(" (")[0] for _, step in plans if " jobs" in step}
    assert used == {
        "SEARCH jobs USING INDEX ix_jobs_waiting",
        "SEARCH jobs USING INTEGER PRIMARY KEY",
        "SEARCH jobs USING COVERING INDEX sqlite_autoindex_jobs_1",
    }, plans
