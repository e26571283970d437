"""Before and after a publication: windows of one length that touch no third policy."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.application.configuration import PublishedPolicy
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.policy_effect import effects_of
from payorch.domain.attempt_stats import NotEnoughData
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from tests.metrics_history import FrozenClock, MetricsHistory, Status

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def published(*moments):
    """Versions 1, 2, ... in force from these moments on, newest first."""
    return [
        PublishedPolicy(
            policy=RoutingPolicy(version, (PolicyEntry("alpha", 1),)),
            based_on_version=version - 1 or None,
            restores_version=None,
            published_by="olga",
            reason="why",
            published_at=at,
        )
        for version, at in reversed(list(enumerate(moments, start=1)))
    ]


class AskedWindows:
    """Stands for the metrics; keeps which windows were asked for."""

    def __init__(self):
        self.asked = []

    def before_and_after(self, before, after):
        self.asked.append((before, after))
        return None, None


def windows(*moments, until):
    asked = AskedWindows()
    effects_of(published(*moments), asked, until=until)
    return [
        tuple((w.start - NOON, w.end - NOON) for w in pair) for pair in asked.asked
    ]  # newest first


def minutes(number):
    return timedelta(minutes=number)


def test_both_windows_are_as_long_as_the_shorter_side():
    changed = NOON + timedelta(hours=3, seconds=20)

    assert windows(NOON, changed, until=changed + minutes(10)) == [
        ((minutes(171), minutes(180)), (minutes(181), minutes(190)))
    ]
    assert windows(NOON, changed, until=changed + timedelta(days=5)) == [
        ((minutes(1), minutes(180)), (minutes(181), minutes(360)))
    ]


def test_no_window_reaches_into_a_third_policy():
    second, third = NOON + timedelta(hours=1), NOON + timedelta(hours=2)

    newest, older = windows(NOON, second, third, until=third + timedelta(days=1))

    assert newest == ((minutes(61), minutes(120)), (minutes(121), minutes(180)))
    assert older == ((minutes(1), minutes(60)), (minutes(61), minutes(120)))


def test_a_window_is_a_week_at_most():
    changed = NOON + timedelta(days=30)

    [(before, after)] = windows(NOON, changed, until=changed + timedelta(days=30))

    assert before[1] - before[0] == after[1] - after[0] == timedelta(days=7)


@pytest.mark.parametrize("until", [timedelta(0), timedelta(seconds=90)])
def test_within_the_first_minutes_there_is_nothing_to_compare(until):
    changed = NOON + timedelta(hours=3, seconds=20)

    assert windows(NOON, changed, until=changed + until) == []
    assert windows(NOON, until=NOON + timedelta(days=3)) == []


@pytest.mark.breaks_the_books
def test_the_figures_are_those_of_the_metrics(database):
    changed = NOON + timedelta(hours=2)
    history = MetricsHistory(database)
    with history.together():
        for place in range(40):
            for at, approved in (
                (changed - minutes(100) + minutes(place), place < 20),
                (changed + minutes(10) + minutes(place), place < 36),
            ):
                history.attempt(
                    at=at,
                    provider="alpha",
                    status=Status.APPROVED if approved else Status.DECLINED,
                )
    clock = FrozenClock(changed + timedelta(hours=4))
    metrics = PaymentMetricsService(
        SqlAlchemyProviderMetricsRepository(database), clock, min_sample=30
    )

    effects = effects_of(published(NOON, changed), metrics, until=clock.now())

    [effect] = effects.values()
    assert list(effects) == [2]
    assert effect.length == minutes(119)
    approval = effect.first_approval
    assert (approval.before.rate, approval.before.n) == (0.5, 40)
    assert (approval.now.rate, approval.now.n) == (0.9, 40)
    assert approval.is_clear
    assert approval.change.low > 0
    assert effect.order_conversion.now.n == 40
    few = effects_of(published(NOON, changed), metrics, until=changed + minutes(25))
    assert isinstance(few[2].first_approval.now, NotEnoughData)
    assert few[2].first_approval.change is None
