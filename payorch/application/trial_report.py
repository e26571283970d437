"""A trial as it is reported: its orders, the evidence so far, and how long it may still take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from payorch.application.policy_trials import ArmSample, StoredTrial, TrialFigures
from payorch.application.ports import Clock
from payorch.domain.attempt_stats import Interval
from payorch.domain.policy_trial import TrialArm
from payorch.domain.trial_evidence import (
    MIN_SETTLED,
    Finding,
    Look,
    TrialCounts,
    finding,
    orders_needed,
)

LATEST = 20_000
"""Submissions that the secondary figures are of: they say something, and are read at once."""

DIFFERENCES = (0.01, 0.02, 0.03, 0.05)

LEAST_RUN = timedelta(hours=1)
"""Before that the orders a day are a guess about the night from the noon."""


@dataclass(frozen=True, slots=True)
class Duration:
    """`days` in all until a `difference` would probably be found; None while nobody knows."""

    difference: float
    orders: int
    days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """`looks` end with that of now. `is_uneven`: the arms are no fair draw; trust no verdict."""

    stored: StoredTrial
    counts: TrialCounts
    looks: Sequence[Look]
    finding: Finding
    interval: Interval | None
    is_uneven: bool
    sample: Mapping[TrialArm, ArmSample]
    orders_per_day: float | None
    durations: tuple[Duration, ...]


class ReportTrialUseCase:
    def __init__(self, figures: TrialFigures, clock: Clock) -> None:
        self._figures = figures
        self._clock = clock

    def execute(self, stored: StoredTrial) -> TrialReport:
        trial = stored.trial
        now = self._clock.now()
        counts = self._figures.counts(trial.number)
        looks = (*self._figures.looks(trial.number), Look(now, counts))
        rate = _orders_per_day(counts, (stored.ended_at or now) - stored.started_at)
        return TrialReport(
            stored=stored,
            counts=counts,
            looks=looks,
            finding=finding(looks, trial.share),
            interval=counts.interval(trial.share),
            is_uneven=counts.is_uneven(trial.share),
            sample=self._figures.sample(trial.number, latest=LATEST),
            orders_per_day=rate,
            durations=_durations(counts, trial.share, rate),
        )


def _orders_per_day(counts: TrialCounts, run: timedelta) -> float | None:
    if run < LEAST_RUN:
        return None
    return (counts.control.entered + counts.candidate.entered) / (run / timedelta(days=1))


def _durations(
    counts: TrialCounts, share: float, orders_per_day: float | None
) -> tuple[Duration, ...]:
    """None before the control's conversion is known."""
    control = counts.control.settled
    if control.finished < MIN_SETTLED:
        return ()
    return tuple(
        Duration(difference, orders, orders / orders_per_day if orders_per_day else None)
        for difference in DIFFERENCES
        for orders in [orders_needed(control.rate, difference, share)]
    )
