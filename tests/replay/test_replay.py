"""What a replay says of logged orders, where the right answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.payment_method import MethodKind
from payorch.domain.policy_replay import LoggedDecision, LoggedOrder, OrderShape, Step
from payorch.domain.provider_fees import ProviderFee
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from payorch.infrastructure.replay.replayer import replayer_of
from tests.replay.coverage import BY_WEIGHT, EXPLORED, FIXED
from tests.replay.world import (
    MOST,
    START,
    World,
    log_of,
    naive_change,
    ordered,
    truth_of,
    two_kinds_of_people,
    weighted,
)

BETA_FIRST = ordered("beta", "alpha", "gamma")


def rng(seed=3):
    return np.random.default_rng(seed)


def replayed(log, policy, fees=None):
    return replayer_of(log, most=MOST).replay(policy, shares={}, fees=fees or {})


def an_order(*path, amount=1000, policy=FIXED, currency="EUR", first=(("alpha", 1.0),), **fields):
    """One that went along `path`, such as ("alpha", Step.APPROVED)."""
    decision = LoggedDecision(
        tuple(first),
        fields.get("eligible", frozenset({"alpha", "beta", "gamma"})),
        None,
        policy.entries,
    )
    shape = OrderShape(currency, "DE", MethodKind.CARD, "visa", None)
    return LoggedOrder(START, shape, amount, decision, path, tuple(200 for _ in path))


def test_the_policy_in_force_gives_what_was_and_no_interval():
    log = log_of(World(), FIXED, 3000, rng())

    total = replayed(log, FIXED).total

    paid = sum(order.path[-1][1] is Step.APPROVED for order in log)
    assert total.orders == 3000
    assert total.conversion.was == pytest.approx(paid / 3000)
    for figure in (total.conversion, total.first_approval, total.extra_attempts):
        assert figure.difference == 0
        assert (figure.change.low, figure.change.high) == (0, 0)
    assert total.time_to_result_ms.difference == 0
    assert total.evidence.by_chance == 1


def test_a_provider_that_only_sees_what_others_lost_is_not_slandered():
    log = log_of(World(), FIXED, 8000, rng())

    first = replayed(log, BETA_FIRST).total.first_approval

    truth = truth_of(World(), BETA_FIRST)["first"] - truth_of(World(), FIXED)["first"]
    assert truth > 0.04
    assert naive_change(log, "beta", "alpha") < -0.05
    assert truth in first.change
    assert first.difference > 0.01


def test_exploration_needs_no_right_model():
    world = World(readiness=two_kinds_of_people)
    log = log_of(world, EXPLORED, 8000, rng())

    replay = replayed(log, BETA_FIRST)

    truth = truth_of(world, BETA_FIRST)["first"] - truth_of(world, EXPLORED)["first"]
    assert truth in replay.total.first_approval.change
    assert replay.total.evidence.by_chance == pytest.approx(1)
    assert replay.explored == 8000


def test_more_orders_make_the_interval_narrower():
    def width(orders):
        change = replayed(log_of(World(), BY_WEIGHT, orders, rng()), BETA_FIRST).total.conversion
        return change.change.high - change.change.low

    assert width(16_000) < 0.65 * width(4_000)


def test_other_weights_of_the_same_providers_are_answered_by_the_log():
    log = log_of(World(), BY_WEIGHT, 4000, rng())

    total = replayed(log, weighted(alpha=20, beta=80)).total

    assert total.evidence.by_chance == pytest.approx(1)
    assert total.firsts["alpha"] == pytest.approx((0.7, 0.2), abs=0.03)


def test_a_provider_that_was_hardly_seen_leaves_orders_without_evidence():
    log = [an_order(("alpha", Step.APPROVED)) for _ in range(200)]
    log += [an_order(("alpha", Step.FALLS_BACK), ("beta", Step.APPROVED)) for _ in range(60)]

    replay_of_beta = replayed(log, BETA_FIRST).total.evidence
    replay_of_gamma = replayed(log, ordered("gamma", "alpha", "beta")).total.evidence

    assert (replay_of_beta.by_chance, replay_of_beta.by_model, replay_of_beta.none) == (0, 1, 0)
    assert (replay_of_gamma.by_chance, replay_of_gamma.none) == (0, 1)


def test_each_currency_has_figures_of_its_own():
    log = [an_order(("alpha", Step.APPROVED)) for _ in range(60)]
    log += [an_order(("alpha", Step.REFUSED), currency="USD") for _ in range(40)]

    replay = replayed(log, FIXED)

    assert {code: part.orders for code, part in replay.by_currency.items()} == {
        "EUR": 60,
        "USD": 40,
    }
    assert replay.by_currency["EUR"].conversion.was == 1
    assert replay.by_currency["USD"].conversion.was == 0
    assert replay.total.conversion.was == pytest.approx(0.6)
    assert replay.total.fees_minor is None


def test_fees_are_exact_for_what_was_and_unknown_where_a_provider_has_none():
    path = (("alpha", Step.FALLS_BACK), ("beta", Step.APPROVED))
    log = [an_order(*path, amount=10_000, policy=ordered("alpha", "beta")) for _ in range(100)]
    log = [order._replace(decision=log[0].decision) for order in log]
    fees = {
        ("alpha", "EUR"): ProviderFee("alpha", "EUR", START, 0, 0, 7),
        ("beta", "EUR"): ProviderFee("beta", "EUR", START, 20_000, 25, 3),
        ("gamma", "EUR"): ProviderFee("gamma", "EUR", START, 0, 0, 0),
    }

    known = replayed(log, ordered("alpha", "beta"), fees).total.fees_minor
    del fees["beta", "EUR"]
    unknown = replayed(log, ordered("alpha", "beta"), fees).total.fees_minor

    assert known.was == pytest.approx(100 * (7 + 200 + 25 + 3))
    assert known.difference == 0
    assert unknown is None


def test_fewer_fees_are_seen_where_the_cheaper_one_comes_first():
    log = log_of(World(), BY_WEIGHT, 6000, rng())
    fees = {
        (code, "EUR"): ProviderFee(code, "EUR", START, ppm, 10, 0)
        for code, ppm in (("alpha", 30_000), ("beta", 10_000), ("gamma", 30_000))
    }

    total = replayed(log, BETA_FIRST, fees).total

    assert total.fees_minor.change.high < 0
    assert total.fees_minor.would_be == pytest.approx(total.fees_minor.was * 0.5, rel=0.2)


def test_a_rule_by_amount_moves_only_the_orders_it_names():
    log = [an_order(("alpha", Step.APPROVED), amount=amount) for amount in (500, 5_000) * 100]
    rule = RoutingRule(
        "big",
        RuleConditions(amount=AmountRange("EUR", min_minor=1_000)),
        (PolicyEntry("beta", 1),),
    )

    total = replayed(log, RoutingPolicy(1, FIXED.entries, rules=(rule,))).total

    assert total.firsts["alpha"] == (1.0, 0.5)
    assert total.firsts["beta"] == (0.0, 0.5)


def test_who_could_not_take_an_order_then_does_not_take_it_now():
    log = [an_order(("alpha", Step.APPROVED), eligible=frozenset({"alpha"})) for _ in range(100)]

    total = replayed(log, BETA_FIRST).total

    assert total.firsts["alpha"] == (1.0, 1.0)
    assert total.conversion.difference == 0


def test_the_customers_choice_stays():
    order = an_order(("alpha", Step.APPROVED))
    chosen = order._replace(
        decision=LoggedDecision(
            (("alpha", 1.0), ("beta", 0.0)), order.decision.eligible, "alpha", FIXED.entries
        )
    )

    total = replayed([chosen] * 50, BETA_FIRST).total

    assert total.firsts["alpha"] == (1.0, 1.0)


def test_without_orders_there_is_nothing_to_say():
    replay = replayed([], BETA_FIRST)

    assert replay.total is None
    assert replay.by_currency == {}


steps = st.sampled_from([Step.FALLS_BACK, Step.NOT_SENT])
ends = st.sampled_from(list(Step))


@st.composite
def paths(draw):
    """Along alpha, beta, gamma, as far as each step lets it go on."""
    path = []
    for code in ("alpha", "beta", "gamma"):
        step = draw(ends)
        path.append((code, step))
        if not step.goes_on:
            break
    return tuple(path)


@given(st.lists(paths(), min_size=1, max_size=12), st.permutations(["alpha", "beta", "gamma"]))
def test_whatever_was_logged_figures_stay_what_they_are(logged, codes):
    total = replayed([an_order(*path) for path in logged], ordered(*codes)).total

    assert total.orders == len(logged)
    evidence = total.evidence
    assert evidence.by_chance + evidence.by_model + evidence.none == pytest.approx(1)
    for side in (0, 1):
        assert sum(share[side] for share in total.firsts.values()) == pytest.approx(1)
    for figure in (total.conversion, total.first_approval, total.extra_attempts):
        assert figure.change.low <= figure.difference <= figure.change.high
        assert all(np.isfinite([figure.was, figure.would_be]))
    assert total.first_approval.was <= total.conversion.was + 1e-12
