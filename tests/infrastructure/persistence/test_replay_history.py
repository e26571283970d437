"""Logged orders read back for a replay, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.metrics_window import MetricsWindow, floor_to_minute
from payorch.application.policy_trials import StartPolicyTrial
from payorch.domain.policy_replay import Step
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.replay_history import SqlAlchemyReplayHistory
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.shop import Shop, a_card, a_method, an_order

FALLBACK = "4300000000000017"
INVALID_MERCHANT = "4000000000000036"
DO_NOT_HONOR = "4000000000000051"
ASKS_THE_CUSTOMER = "4200000000000018"
INSUFFICIENT_FUNDS = "4000000000000515"


@pytest.fixture
def shop(database, sandbox):
    return Shop(
        database, sandbox_url=sandbox.base_url, methods=[a_method(c) for c in ("alpha", "beta")]
    )


def logged(shop):
    services = shop.services
    rules = services.decline_policy
    history = SqlAlchemyReplayHistory(
        shop.database,
        policies=services.policies,
        configuration=services.registry.configuration,
        decline_policy=rules,
        decline_settings=rules.settings,
    )
    end = floor_to_minute(services.clock.now()) + timedelta(minutes=1)
    window = MetricsWindow(end - timedelta(hours=1), end)
    orders = list(history.orders(window))
    assert history.count(window) >= len(orders)
    return orders


def test_an_order_keeps_its_path_its_kind_and_how_it_was_decided(shop):
    shop.pay(new_order=an_order(1999, country="FR"), instrument=a_card(FALLBACK))

    (order,) = logged(shop)

    assert order.path == (("alpha", Step.FALLS_BACK), ("beta", Step.APPROVED))
    assert (order.shape.currency, order.shape.country, order.amount_minor) == ("EUR", "FR", 1999)
    assert (order.shape.kind, order.shape.card_brand, order.shape.card_bin) == (
        "card",
        "visa",
        "430000",
    )
    assert order.decision.first_chances == (("alpha", 1.0), ("beta", 0.0))
    assert order.decision.eligible == {"alpha", "beta"}
    assert [entry.provider_code for entry in order.decision.entries] == ["alpha", "beta"]
    assert all(latency >= 0 for latency in order.latencies_ms)


def test_an_order_of_a_trial_keeps_the_places_of_its_arms_own_document(shop):
    candidate = RoutingPolicy(1, (PolicyEntry("beta", 1), PolicyEntry("alpha", 2)))
    shop.services.start_trial.execute(
        StartPolicyTrial(
            name="Beta first", candidate=candidate, share_percent=50, actor="olga", reason="to see"
        )
    )
    for _ in range(12):
        shop.pay()

    found = {
        (order.path[0][0], tuple(entry.provider_code for entry in order.decision.entries))
        for order in logged(shop)
    }

    assert found == {("alpha", ("alpha", "beta")), ("beta", ("beta", "alpha"))}


def test_a_decline_without_leave_to_go_on_ends_the_path(shop):
    shop.pay(instrument=a_card(INSUFFICIENT_FUNDS))

    (order,) = logged(shop)

    assert order.path == (("alpha", Step.REFUSED),)


@pytest.mark.parametrize(
    ("card", "last"), [(INVALID_MERCHANT, Step.FALLS_BACK), (DO_NOT_HONOR, Step.REFUSED)]
)
def test_whether_the_last_decline_would_have_let_another_try_is_asked_of_the_policy(
    shop, card, last
):
    """Two providers that do not honor a card are enough; a wrong merchant says nothing of it."""
    shop.pay(instrument=a_card(card))

    (order,) = logged(shop)

    assert order.path == (("alpha", Step.FALLS_BACK), ("beta", last))


def test_an_open_order_is_none_and_a_second_press_is_not_there(shop):
    shop.pay(instrument=a_card(ASKS_THE_CUSTOMER))
    order = shop.order()
    shop.pay(order.id, instrument=a_card(INSUFFICIENT_FUNDS))
    shop.pay(order.id, instrument=a_card())

    found = logged(shop)

    assert [None if order is None else order.path for order in found] == [
        None,
        (("alpha", Step.REFUSED),),
    ]


@pytest.mark.breaks_the_books
def test_a_longer_window_is_read_day_by_day_and_no_order_twice(database):
    history = MetricsHistory(database, FrozenClock(floor_to_minute(datetime.now(UTC))))
    now = history.clock.now()
    for hours in range(66, -1, -6):
        history.attempt(at=now - timedelta(hours=hours, minutes=1), amount_minor=100 + hours)
    reading = SqlAlchemyReplayHistory(
        database,
        policies=SqlAlchemyRoutingPolicyRepository(database),
        configuration=SqlAlchemyPaymentMethodRepository(database).load_configuration,
        decline_policy=None,
        decline_settings=None,
    )

    found = list(reading.orders(MetricsWindow(now - timedelta(days=3), now)))

    assert [order.amount_minor for order in found] == [100 + h for h in range(66, -1, -6)]


def test_equal_orders_share_what_they_are(shop):
    for _ in range(3):
        shop.pay(instrument=a_card())

    one, two, three = logged(shop)

    assert one.path is two.path is three.path
    assert one.shape is two.shape
    assert one.decision is three.decision


def test_who_was_left_out_by_the_policy_alone_could_have_taken_it(shop):
    shop.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=(PolicyEntry("alpha", 1), PolicyEntry("beta", 2)),
            rules=(
                RoutingRule(
                    "Only beta",
                    RuleConditions(countries=frozenset({"FR"})),
                    (PolicyEntry("beta", 1),),
                    then_default=False,
                ),
            ),
            based_on_version=1,
            actor="olga",
            reason="test",
        )
    )
    shop.pay(new_order=an_order(country="FR"), instrument=a_card())

    (order,) = logged(shop)

    assert order.path == (("beta", Step.APPROVED),)
    assert order.decision.eligible == {"alpha", "beta"}
    assert [entry.provider_code for entry in order.decision.entries] == ["beta"]
