"""What makes an alert, what does not, and when it is over; on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payorch.application.alerts import ALL_PROVIDERS
from payorch.application.work_on_alerts import ChangeAlertRule
from payorch.domain.payment_status import TransactionStatus as Status
from tests.concurrency.racing import race

# The attempts are written down as they would stand, without what led to them.
pytestmark = pytest.mark.breaks_the_books

HOURS = 60


def names(alerts):
    return {(alert.rule_name, alert.provider_code) for alert in alerts}


def a_usual_day(shop, provider="alpha"):
    shop.attempts(approved=270, of=300, minutes_ago=5 * HOURS, provider=provider)


def test_an_own_drop_in_approval_is_found_and_told_once(shop):
    a_usual_day(shop)
    a_usual_day(shop, "beta")
    shop.attempts(approved=60, of=100, minutes_ago=3)
    shop.attempts(approved=90, of=100, minutes_ago=3, provider="beta")

    alerts = shop.look()
    shop.look()

    assert ("Approval drop", "alpha") in names(alerts)
    assert not any(alert.provider_code == "beta" for alert in alerts)
    (drop,) = (alert for alert in alerts if alert.rule_name == "Approval drop")
    assert drop.facts["First-attempt approval"].startswith("60.0% (95 %: 50.2 to 69.1%")
    assert "n = 300" in drop.facts["In the 24 hours before"]
    told = [payload for payload in shop.told() if payload["rule"] == "Approval drop"]
    assert [payload["provider"] for payload in told] == ["alpha"]


def test_a_drop_that_may_be_bad_luck_is_not_told(shop):
    a_usual_day(shop)
    # 80 of 100 is 10 points lower, but the interval of the difference reaches 5 points.
    shop.attempts(approved=80, of=100, minutes_ago=3)

    assert shop.look() == []


def test_too_few_attempts_say_nothing(shop):
    a_usual_day(shop)
    shop.attempts(approved=0, of=49, minutes_ago=3)

    assert ("Approval drop", "alpha") not in names(shop.look())


def test_a_new_provider_without_a_past_says_nothing(shop):
    shop.attempts(approved=0, of=200, minutes_ago=3)

    assert ("Approval drop", "alpha") not in names(shop.look())


def test_the_hint_names_when_the_drop_began(shop, clock):
    for hour in (5, 4, 3, 2, 1):
        shop.attempts(approved=54, of=60, minutes_ago=hour * HOURS + 3)
    shop.attempts(approved=10, of=60, minutes_ago=12)
    shop.attempts(approved=10, of=60, minutes_ago=2)

    (drop,) = (alert for alert in shop.look() if alert.rule_name == "Approval drop")

    assert drop.since is not None
    assert abs(drop.since - (clock.now() - timedelta(minutes=20))) <= timedelta(minutes=8)


def test_technical_failures_count_only_when_they_are_surely_too_many(shop):
    shop.attempts(approved=0, of=4, minutes_ago=3, status=Status.NOT_SENT)
    shop.attempts(approved=26, of=26, minutes_ago=3)
    assert ("Technical failures", "alpha") not in names(shop.look())

    shop.attempts(approved=0, of=10, minutes_ago=2, status=Status.UNKNOWN)

    assert ("Technical failures", "alpha") in names(shop.look())


def test_slower_answers_than_usual_are_found(shop):
    shop.attempts(approved=300, of=300, minutes_ago=5 * HOURS, latency_ms=400)
    shop.attempts(approved=120, of=120, minutes_ago=3, latency_ms=700)
    assert shop.look() == []

    shop.attempts(approved=120, of=120, minutes_ago=2, latency_ms=1_900)

    assert ("Slow answers", "alpha") in names(shop.look())


def test_conversion_of_all_providers_together_is_watched(shop):
    a_usual_day(shop)
    shop.attempts(approved=80, of=150, minutes_ago=3)

    assert ("Conversion drop", ALL_PROVIDERS) in names(shop.look())


def test_an_outcome_that_stays_unknown_is_told(shop):
    shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)

    alerts = shop.look()

    assert names(alerts) == {("Outcomes unknown for long", ALL_PROVIDERS)}
    assert alerts[0].facts == {"Oldest payment with an unknown outcome": "16 min"}


def test_an_alert_is_over_when_nothing_was_found_for_ten_minutes(shop, clock):
    a_usual_day(shop)
    shop.attempts(approved=60, of=100, minutes_ago=3)
    shop.look()
    shop.attempts(approved=2000, of=2000, minutes_ago=2)

    clock.advance(minutes=9)
    assert shop.look() != []
    clock.advance(minutes=1)
    assert shop.look() == []

    now = clock.now()
    closed = shop.book.between(now - timedelta(days=1), now)
    assert {alert.closed_at for alert in closed} == {now}


def test_the_same_thing_again_later_is_a_new_alert_that_is_told_again(shop, clock):
    key = shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)
    shop.look()
    shop.history.change(key, Status.APPROVED, changed_at=clock.now())
    clock.advance(minutes=10)
    assert shop.look() == []

    shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)
    shop.look()

    assert len(shop.told()) == 2


def test_a_rule_that_is_off_finds_nothing(shop):
    shop.look()
    (stored,) = (it for it in shop.book.rules() if it.rule.name == "Outcomes unknown for long")
    off = replace(stored.rule, is_enabled=False)
    shop.services.work_on_alerts.change_rule(
        ChangeAlertRule(
            rule_id=stored.id, rule=off, version=1, actor="olga@example.org", reason="noisy"
        )
    )
    shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)

    assert shop.look() == []


def test_two_processes_at_once_open_it_once(shop):
    shop.look()
    shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)

    race(shop.look, shop.look)

    assert len(shop.book.open_alerts()) == 1
    assert len(shop.told()) == 1
