"""A trial as it is reported: the looks that were kept and now, and how long it may take."""

from datetime import timedelta

import pytest

from payorch.application.policy_trials import ArmSample, StoredTrial
from payorch.application.trial_report import DIFFERENCES, LATEST, ReportTrialUseCase
from payorch.domain.policy_trial import PolicyTrial, TrialArm
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.trial_evidence import ArmCounts, Look, TrialCounts, Verdict
from tests.fakes import FakeClock


class FakeFigures:
    def __init__(self, counts, looks=()):
        self._counts = counts
        self._looks = list(looks)

    def counts(self, _number):
        return self._counts

    def looks(self, _number):
        return self._looks

    def sample(self, _number, *, latest):
        assert latest == LATEST
        return {arm: ArmSample() for arm in TrialArm}


@pytest.fixture
def clock():
    return FakeClock()


def a_stored_trial(clock, **fields) -> StoredTrial:
    trial = PolicyTrial(
        number=1,
        name="Beta first",
        control_version=1,
        candidate=RoutingPolicy(1, (PolicyEntry("beta", 1),)),
        share_percent=50,
        salt="salt",
    )
    defaults = {
        "trial": trial,
        "started_by": "olga",
        "start_reason": "to see",
        "started_at": clock.now(),
    }
    return StoredTrial(**(defaults | fields))


def report(clock, counts, looks=(), **fields):
    stored = a_stored_trial(clock, **fields)
    clock.advance(days=2)
    return ReportTrialUseCase(FakeFigures(counts, looks), clock).execute(stored)


MANY = TrialCounts(ArmCounts(820, 180), ArmCounts(830, 170))


def test_orders_a_day_give_the_days_that_a_difference_takes(clock):
    found = report(clock, MANY)

    assert found.orders_per_day == 1000
    assert [line.difference for line in found.durations] == list(DIFFERENCES)
    assert [line.days for line in found.durations] == [
        line.orders / 1000 for line in found.durations
    ]


def test_an_ended_trial_counts_its_own_days_alone(clock):
    found = report(clock, MANY, ended_at=clock.now() + timedelta(days=1))

    assert found.orders_per_day == 2000


def test_nothing_is_said_about_days_before_conversion_and_pace_are_known(clock):
    assert report(clock, TrialCounts(ArmCounts(50, 9), ArmCounts(3, 1))).durations == ()
    stored = a_stored_trial(clock)
    early = ReportTrialUseCase(FakeFigures(MANY), clock).execute(stored)
    assert early.orders_per_day is None
    assert {line.days for line in early.durations} == {None}


def test_a_peak_that_was_kept_names_the_winner(clock):
    peak = Look(clock.now(), TrialCounts(ArmCounts(800, 200), ArmCounts(900, 100)))

    found = report(clock, MANY, [peak])

    assert found.finding.verdict is Verdict.CANDIDATE
    assert found.finding.peak is peak
    assert found.looks[-1].counts is MANY
    assert found.interval is not None
    assert not found.is_uneven
