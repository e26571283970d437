"""Replaying a policy: what is read, kept, and said beside the figures."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from payorch.application.replay_policy import READ_AGAIN_AFTER, ReplayPolicyUseCase
from payorch.domain.payment_method import MethodKind
from payorch.domain.policy_replay import (
    LoggedDecision,
    LoggedOrder,
    OrderShape,
    PolicyReplay,
    Step,
)
from payorch.domain.provider_fees import FeeSchedule, ProviderFee
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from tests.metrics_history import FrozenClock

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
DECISION = LoggedDecision((("alpha", 1.0),), frozenset({"alpha", "beta"}), None, ())
ORDER = LoggedOrder(
    NOW,
    OrderShape("EUR", "DE", MethodKind.CARD, "visa", "424242"),
    1000,
    DECISION,
    (("alpha", Step.APPROVED),),
    (200,),
)
POLICY = RoutingPolicy(1, (PolicyEntry("beta", 1), PolicyEntry("alpha", 2)))


class History:
    def __init__(self, orders):
        self._orders = orders
        self.windows = []

    def count(self, _window):
        return len(self._orders)

    def orders(self, window):
        self.windows.append(window)
        return iter(self._orders)


class Replayer:
    def __init__(self, orders, *, most):
        self.orders = list(orders)
        self.most = most
        self.asked = []

    def replay(self, policy, *, shares, fees):
        self.asked.append((policy, shares, fees))
        return PolicyReplay(None, {}, 0, 1.0)


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture
def replayers():
    return []


@pytest.fixture
def history():
    return History([ORDER, None, ORDER, ORDER])


@pytest.fixture
def ask(history, clock, replayers):
    return ReplayPolicyUseCase(
        history=history,
        engine=lambda orders, *, most: (
            replayers.append(Replayer(orders, most=most)) or replayers[-1]
        ),
        registry=SimpleNamespace(
            max_providers=3, configuration=lambda: SimpleNamespace(adaptive_shares={"a": 1})
        ),
        fees=lambda: FeeSchedule(
            (
                ProviderFee("beta", "EUR", NOW - timedelta(days=9), 10_000, 0, 0),
                ProviderFee("beta", "EUR", NOW - timedelta(days=1), 20_000, 0, 0),
                ProviderFee("beta", "EUR", NOW + timedelta(days=1), 30_000, 0, 0),
            )
        ),
        clock=clock,
    )


def test_whole_days_up_to_this_minute_are_replayed_without_what_is_open(ask, replayers):
    answer = ask.execute(POLICY, days=7)

    assert answer.window.end == NOW.replace(second=0)
    assert answer.window.length == timedelta(days=7)
    assert replayers[0].orders == [ORDER, ORDER, ORDER]
    assert replayers[0].most == 3
    assert answer.unfinished == 1


def test_the_log_is_read_once_for_all_drafts_of_a_while(ask, history, clock):
    ask.execute(POLICY)
    ask.execute(RoutingPolicy(1, (PolicyEntry("alpha", 1),)))
    assert len(history.windows) == 1

    ask.execute(POLICY, days=1)
    assert len(history.windows) == 2

    clock.sleep(READ_AGAIN_AFTER.total_seconds() + 60)
    ask.execute(POLICY, days=1)
    assert len(history.windows) == 3


def test_fees_are_those_of_today_and_shares_those_of_now(ask, replayers):
    ask.execute(POLICY)

    ((policy, shares, fees),) = replayers[0].asked
    assert policy is POLICY
    assert shares == {"a": 1}
    assert {key: fee.percent_ppm for key, fee in fees.items()} == {("beta", "EUR"): 20_000}


def test_progress_is_told_while_orders_are_read(ask):
    told = []

    ask.execute(POLICY, progress=lambda done, of: told.append((done, of)))

    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_providers_of_which_nothing_is_known_are_named(ask):
    answer = ask.execute(RoutingPolicy(1, (PolicyEntry("delta", 1), PolicyEntry("beta", 2))))

    assert answer.new_providers == ("delta",)


def test_rules_that_ask_for_more_digits_than_the_books_keep_are_told(ask):
    def policy(prefix):
        conditions = RuleConditions(bin_prefixes=frozenset({prefix}))
        return RoutingPolicy(
            1, POLICY.entries, rules=(RoutingRule("r", conditions, (PolicyEntry("beta", 1),)),)
        )

    assert not ask.execute(policy("424242")).has_long_bins
    assert ask.execute(policy("42424242")).has_long_bins


@pytest.mark.parametrize("days", [0, 32, -1])
def test_more_than_a_month_or_nothing_is_not_replayed(ask, days):
    with pytest.raises(ValueError, match="1 to 31 days"):
        ask.execute(POLICY, days=days)
