"""How often trials of a world end how: false winners, found differences, intervals that hold."""

from dataclasses import dataclass
from math import sqrt
from statistics import median

from payorch.domain.trial_evidence import LOG_CLEAR, TrialCounts
from tests.trials.world import World, play

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Shares of the runs. `days` is the median of those that named a winner."""

    named: float
    named_wrongly: float
    named_by_z_test: float
    interval_held: float
    days: float | None
    settled: float | None


def outcomes_of(world: World, runs: int, *, seed: int = 0) -> Outcomes:
    named_at: list[int] = []
    settled: list[int] = []
    wrongly = by_z = held = 0
    for run in range(runs):
        looks = play(world, seed * 1_000_003 + run)
        by_z += any(_z_test_names(counts) for counts in looks)
        held += all(_holds(counts, world) for counts in looks)
        for day, counts in enumerate(looks, start=1):
            if counts.log_evidence(world.share) >= LOG_CLEAR:
                named_at.append(day)
                settled.append(counts.control.settled.finished + counts.candidate.settled.finished)
                wrongly += (counts.difference or 0.0) * world.difference <= 0
                break
    return Outcomes(
        len(named_at) / runs,
        wrongly / runs,
        by_z / runs,
        held / runs,
        median(named_at) if named_at else None,
        median(settled) if settled else None,
    )


def _holds(counts: TrialCounts, world: World) -> bool:
    interval = counts.interval(world.share)
    return interval is None or world.difference in interval


def _z_test_names(counts: TrialCounts) -> bool:
    """The usual test of two proportions, as if each look were the only one."""
    control, candidate = counts.control.settled, counts.candidate.settled
    if not control.finished or not candidate.finished:
        return False
    rate = control.merged(candidate).rate
    variance = rate * (1 - rate) * (1 / control.finished + 1 / candidate.finished)
    return variance > 0 and abs(candidate.rate - control.rate) > Z_95 * sqrt(variance)
