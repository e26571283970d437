from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.routing_policy import ChosenBecause, PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import OrderFacts, RoutingRule, RuleConditions

codes = st.sampled_from(["a", "b", "c", "d", "e"])


@st.composite
def policies(draw) -> RoutingPolicy:
    chosen = draw(st.lists(codes, unique=True, min_size=1))
    entries = tuple(
        PolicyEntry(code, draw(st.integers(1, 3)), draw(st.integers(0, 5))) for code in chosen
    )
    return RoutingPolicy(1, entries, draw(st.sampled_from([0.0, 0.02, 1.0])))


@given(policies(), st.lists(codes, unique=True), st.none() | codes, st.integers())
def test_ranking_keeps_every_eligible_provider_once_and_no_other(policy, eligible, preferred, seed):
    ranked = policy.rank(eligible, preferred=preferred, random=Random(seed).random)

    known = {entry.provider_code for entry in policy.entries} & set(eligible)
    assert sorted(r.provider_code for r in ranked) == sorted(known)
    assert sum(r.propensity for r in ranked) == pytest.approx(1.0 if known else 0.0)
    if preferred in known:
        assert ranked[0].provider_code == preferred
        assert ranked[0].because is ChosenBecause.CUSTOMER_CHOICE


@given(policies(), st.integers())
def test_without_exploration_no_provider_comes_before_an_earlier_tier(policy, seed):
    policy = RoutingPolicy(1, policy.entries)
    ranked = policy.rank(
        [e.provider_code for e in policy.entries], preferred=None, random=Random(seed).random
    )

    tiers = [policy.place_of(r.provider_code).tier for r in ranked]
    assert tiers == sorted(tiers)


def test_weights_split_the_first_place_as_logged():
    policy = RoutingPolicy(1, (PolicyEntry("a", 1, 3), PolicyEntry("b", 1, 1)), 0.1)
    chance = Random(7).random
    first = [policy.rank(["a", "b"], preferred=None, random=chance)[0] for _ in range(20_000)]

    share = sum(r.provider_code == "a" for r in first) / len(first)
    logged = next(r.propensity for r in first if r.provider_code == "a")
    assert logged == pytest.approx(0.9 * 0.75 + 0.1 * 0.5)
    assert share == pytest.approx(logged, abs=0.012)


def test_alone_in_its_tier_a_provider_is_there_by_the_policys_order():
    policy = RoutingPolicy(1, (PolicyEntry("a", 2), PolicyEntry("b", 1)))

    ranked = policy.rank(["a", "b"], preferred=None, random=Random(1).random)

    assert [(r.provider_code, r.because, r.propensity) for r in ranked] == [
        ("b", ChosenBecause.POLICY_ORDER, 1.0),
        ("a", ChosenBecause.POLICY_ORDER, 0.0),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        (PolicyEntry("a", 1), PolicyEntry("a", 2)),
        (PolicyEntry("a", 0),),
        (PolicyEntry("a", 1, -1),),
        (PolicyEntry("a", 1, 1001),),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(entries):
    with pytest.raises(InvalidRoutingPolicy):
        RoutingPolicy(1, entries)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_an_exploration_share_is_a_share(share):
    with pytest.raises(InvalidRoutingPolicy):
        RoutingPolicy(1, (PolicyEntry("a", 1),), share)


EVERYWHERE = OrderFacts("EUR", 2500, "DE")
IN_DE = RuleConditions(countries=frozenset({"DE"}))


@st.composite
def policies_with_rules(draw) -> RoutingPolicy:
    policy = draw(policies())
    rules = tuple(
        RoutingRule(
            f"rule {number}",
            RuleConditions(countries=frozenset({draw(st.sampled_from(["DE", "BR"]))})),
            draw(policies()).entries,
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 3)))
    )
    return RoutingPolicy(1, policy.entries, policy.exploration_share, rules)


@given(
    policies_with_rules(),
    st.lists(codes, unique=True),
    st.none() | codes,
    st.integers(),
    st.sampled_from(["DE", "BR", "US"]),
)
def test_by_whatever_rule_propensities_sum_to_one_over_the_eligible(
    policy, eligible, preferred, seed, country
):
    facts = OrderFacts("EUR", 2500, country)
    order = policy.order_for(facts)
    ranked = policy.rank(eligible, preferred=preferred, random=Random(seed).random, facts=facts)

    known = {entry.provider_code for entry in order.entries} & set(eligible)
    assert {r.provider_code for r in ranked} == known
    assert len(ranked) == len(known)
    assert sum(r.propensity for r in ranked) == pytest.approx(1.0 if known else 0.0)
    if ranked and not policy.exploration_share:
        assert ranked[0].propensity > 0
    first = next((r for r in policy.rules if r.conditions.admit(facts)), None)
    assert order.rule is first


@settings(max_examples=25, deadline=None)
@given(policies_with_rules(), st.lists(codes, unique=True, min_size=1), st.integers())
def test_providers_come_first_as_often_as_was_logged(policy, eligible, seed):
    chance = Random(seed).random
    runs = 3000
    drawn = [
        policy.rank(eligible, preferred=None, random=chance, facts=EVERYWHERE) for _ in range(runs)
    ]

    for candidate in drawn[0]:
        logged = candidate.propensity
        seen = sum(ranked[0].provider_code == candidate.provider_code for ranked in drawn)
        # Five standard errors, so that of all draws of a whole run of tests none is out by chance.
        assert abs(seen - logged * runs) <= 5 * (logged * (1 - logged) * runs) ** 0.5 + 1e-9


def test_the_first_rule_that_admits_an_order_decides():
    rules = (
        RoutingRule("Brazil", RuleConditions(countries=frozenset({"BR"})), (PolicyEntry("c", 1),)),
        RoutingRule("Germany", IN_DE, (PolicyEntry("b", 1),)),
        RoutingRule("Germany, too", IN_DE, (PolicyEntry("a", 1),)),
    )
    policy = RoutingPolicy(1, (PolicyEntry("a", 1), PolicyEntry("b", 2)), rules=rules)

    assert policy.order_for(EVERYWHERE).rule is rules[1]
    assert policy.order_for(OrderFacts("EUR", 1, "FR")).rule is None


def test_the_default_order_follows_a_rules_own_tiers_without_repeating_a_provider():
    rule = RoutingRule("Germany", IN_DE, (PolicyEntry("c", 1, 3), PolicyEntry("b", 2)))
    default = (PolicyEntry("a", 1), PolicyEntry("b", 1), PolicyEntry("d", 2))
    policy = RoutingPolicy(1, default, rules=(rule,))

    assert policy.order_for(EVERYWHERE).entries == (
        PolicyEntry("c", 1, 3),
        PolicyEntry("b", 2),
        PolicyEntry("a", 3),
        PolicyEntry("d", 4),
    )


def test_a_rule_may_close_its_orders_to_every_other_provider():
    rule = RoutingRule("Germany", IN_DE, (PolicyEntry("c", 1),), then_default=False)
    policy = RoutingPolicy(1, (PolicyEntry("a", 1), PolicyEntry("c", 2)), rules=(rule,))

    ranked = policy.rank(["a", "c"], preferred="a", random=Random(1).random, facts=EVERYWHERE)

    assert [r.provider_code for r in ranked] == ["c"]
