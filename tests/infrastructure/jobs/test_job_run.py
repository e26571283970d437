"""One try of a job: what its handler says decides what becomes of it."""

from datetime import timedelta

import pytest
import structlog

from payorch.application.jobs import GiveUp, RetryLater, Schedule
from payorch.infrastructure.jobs import drain, run_for
from tests.fakes import CrashAt, SimulatedCrash
from tests.infrastructure.jobs.work import CALL, DIG, LEASE_S, WATER


def raising(*errors):
    """A handler that raises these one after the other, then is content."""
    left = list(errors)

    def handle(_job):
        if left:
            raise left.pop(0)

    return handle


def test_a_job_whose_handler_returns_is_done(garden):
    garden.enqueue()

    assert drain(garden.background()) == 1

    row = garden.row()
    assert (row["state"], row["finished_at"]) == ("done", garden.now())
    assert drain(garden.background()) == 0


def test_a_handler_may_name_the_delay(garden):
    garden.enqueue()

    drain(garden.background(raising(RetryLater("held by another", delay_s=3))))

    row = garden.row()
    assert row["run_at"] == garden.now() + timedelta(seconds=3)
    assert (row["state"], row["last_error"]) == ("ready", "held by another")


@pytest.mark.parametrize(("chance", "delay_s"), [(0.0, 8), (0.5, 10), (1.0, 12)])
def test_else_the_delay_is_the_kind_s_with_jitter(garden, chance, delay_s):
    garden.enqueue()

    drain(garden.background(raising(RetryLater("not yet")), random=lambda: chance))

    assert garden.row()["run_at"] == garden.now() + timedelta(seconds=delay_s)


def test_each_try_waits_longer_and_the_last_one_is_the_end(garden):
    background = garden.background(raising(*[RetryLater("not yet")] * 9))
    garden.enqueue()
    delays = []
    for _ in range(DIG.max_attempts - 1):
        drain(background)
        delays.append((garden.row()["run_at"] - garden.now()).total_seconds())
        garden.clock.advance(seconds=delays[-1])
    drain(background)

    assert delays == [10, 20, 40]
    assert (garden.row()["state"], garden.row()["attempts"]) == ("dead", 4)


def test_what_breaks_is_tried_again_and_its_error_kept_without_secrets(garden):
    garden.enqueue()

    with structlog.testing.capture_logs():
        drain(garden.background(raising(ValueError("ana@example.com 4242 4242 4242 4242"))))

    row = garden.row()
    assert row["state"] == "ready"
    assert row["last_error"] == "ValueError: [e-mail] [card number]"


def test_a_handler_that_gives_up_makes_the_job_dead_at_once(garden):
    garden.enqueue()

    with structlog.testing.capture_logs() as logs:
        drain(garden.background(raising(GiveUp("there is no such bed"))))

    assert (garden.row()["state"], garden.row()["last_error"]) == ("dead", "there is no such bed")
    assert [(log["event"], log["kind"]) for log in logs] == [("job_dead", "dig")]


def test_a_job_that_outlived_its_lease_is_discarded_and_logged(garden):
    garden.enqueue()

    def outlive(job):
        garden.note(job)
        garden.clock.advance(seconds=LEASE_S)
        (other,) = garden.claim()
        garden.queue.complete(other)

    with structlog.testing.capture_logs() as logs:
        drain(garden.background(outlive))

    assert [log["event"] for log in logs] == ["job_fenced"]
    assert garden.row()["state"] == "done"
    assert garden.queue.counters().fenced_completions == 1


@pytest.mark.parametrize("step", [1, 2], ids=["claimed", "handled"])
def test_a_process_that_dies_at_any_step_has_its_job_done_by_the_next(garden, step):
    garden.enqueue()
    with pytest.raises(SimulatedCrash):
        drain(garden.background(checkpoint=CrashAt(step)))
    assert drain(garden.background()) == 0

    garden.clock.advance(seconds=LEASE_S)

    assert drain(garden.background()) == 1
    assert garden.row()["state"] == "done"
    assert len(garden.did) == step


def test_jobs_that_jobs_enqueue_are_run_too(garden):
    def spread(job):
        garden.note(job)
        if len(garden.did) < 4:
            garden.enqueue(CALL)

    garden.enqueue()

    assert drain(garden.background(spread)) == 4


def test_only_the_wanted_queues_are_drained(garden):
    garden.enqueue(DIG)
    garden.enqueue(CALL)

    assert drain(garden.background(), queues=["phone"]) == 1
    assert garden.states() == ["ready", "done"]


def test_virtual_time_goes_from_one_due_time_to_the_next(garden):
    at = garden.now()
    times = []
    background = garden.background(
        lambda job: times.append((job.kind, (garden.now() - at).total_seconds())),
        schedules=(Schedule(WATER, every_s=60),),
    )
    garden.enqueue(CALL, run_at=at + timedelta(seconds=75.5))

    assert run_for(background, seconds=150) == 4

    assert times == [("water", 0), ("water", 60), ("call", 75.5), ("water", 120)]
    assert garden.now() == at + timedelta(seconds=150)


def test_fire_times_that_nobody_saw_are_not_made_up_for(garden):
    background = garden.background(schedules=(Schedule(WATER, every_s=60),))
    drain(background, with_schedules=True)

    garden.clock.advance(minutes=10, seconds=30)

    assert drain(background, with_schedules=True) == 1
    assert [row["dedup_key"] for row in garden.rows()] == [
        "schedule:water:2026-11-22T12:00:00",
        "schedule:water:2026-11-22T12:10:00",
    ]
