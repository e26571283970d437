"""Many stories, each with its own faults and crashes: the three sins must not happen in any."""

import os
import time

import pytest

from tests.simulation.runs import (
    crash_everywhere,
    crash_in_processes,
    publish,
    tell,
    tell_in_processes,
)
from tests.simulation.world import Theatre, tell_story

SHORT_RUN = range(150)
LONG_RUN = range(3000)
CRASH_SEEDS = range(60)
"""For some minutes on two cores; `python -m tests.simulation` takes any number."""

WHOLLY_CRASHED = len(CRASH_SEEDS) if "THOROUGH" in os.environ else 20
"""Stories that crash at each of their seams; the others at each fifth, unless there is time."""

FOUND_BY_CHANCE = (100_199, 100_698)
"""Seeds beyond the others in which the simulator once found what was wrong, if only in itself."""

LONGEST_S = 2400
"""Beside other work on two cores the crashes took 1,364 s."""


@pytest.fixture(scope="module")
def theatre():
    return Theatre()


def test_nobody_is_charged_twice_lost_or_misled(theatre):
    began = time.perf_counter()

    tally = tell(theatre, SHORT_RUN)

    publish(tally, began)
    assert not tally.findings, tally.report()
    assert tally.crashes > 100
    assert tally.charges > 50


def test_a_crash_at_any_seam_is_recovered_from(theatre):
    """A sample: each seventh seam of six stories. The long run takes them all."""
    tally = crash_everywhere(theatre, CRASH_SEEDS[:6], every=7)

    assert not tally.findings, tally.report()
    assert tally.crashes > 20


def test_stories_that_went_wrong_once_go_well(theatre):
    tally = tell(theatre, FOUND_BY_CHANCE)

    assert not tally.findings, tally.report()


def test_the_same_seed_tells_the_same_story(theatre):
    first = tell_story(theatre, 7, is_traced=True)
    tell_story(theatre, 8)

    assert tell_story(theatre, 7, is_traced=True) == first
    assert len(first.trace) > 20


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(LONGEST_S)
def test_long_nobody_is_charged_twice_lost_or_misled():
    began = time.perf_counter()

    tally = tell_in_processes(LONG_RUN, processes=2)

    publish(tally, began)
    assert not tally.findings, tally.report()


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(LONGEST_S)
def test_long_a_crash_at_every_seam_is_recovered_from():
    began = time.perf_counter()

    whole = crash_in_processes(CRASH_SEEDS[:WHOLLY_CRASHED], processes=2)
    sampled = crash_in_processes(CRASH_SEEDS[WHOLLY_CRASHED:], processes=2, every=5)

    for tally in (whole, sampled):
        publish(tally, began)
        assert not tally.findings, tally.report()
    assert whole.crashes > 100 * WHOLLY_CRASHED
