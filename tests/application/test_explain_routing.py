"""An explanation says what a decision would do: same order, same reasons, no dice."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payorch.application.payment_method_registry import RoutingQuestion
from payorch.domain.money import Money
from payorch.domain.payment_method import LeftOut, MethodKind
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from payorch.domain.tier_list import ChosenBecause
from tests.databases import open_database
from tests.shop import Shop, a_method

METHODS = [
    a_method("alpha"),
    a_method("beta"),
    a_method("gamma"),
    a_method("delta", countries=frozenset({"BR"})),
    a_method("wallet", kind=MethodKind.WALLET),
]
CODES = [method.code for method in METHODS]


@pytest.fixture(scope="module")
def shop(sqlite_files):
    with open_database(sqlite_files.new_database_url()) as database:
        yield Shop(database, sandbox_url="http://127.0.0.1:9", methods=METHODS)


def question(**changes):
    defaults = {
        "money": Money(2000, "EUR"),
        "country": "DE",
        "filled_fields": None,
        "has_typed_card": True,
        "preferred_provider": None,
    }
    return RoutingQuestion(**(defaults | changes))


def a_policy(*entries, share=0.0, rules=()):
    return RoutingPolicy(9, tuple(PolicyEntry(*entry) for entry in entries), share, rules)


def explain(shop, policy=None, **changes):
    return shop.services.explain_routing.execute(question(**changes), policy)


def test_the_policy_in_force_is_explained_unless_another_is_given(shop):
    assert explain(shop).policy.version == 1
    assert explain(shop, a_policy(("alpha", 1))).policy.version == 9


def test_places_tell_tier_weight_and_how_often_they_come_first(shop):
    policy = a_policy(("alpha", 1, 70), ("beta", 1, 30), ("delta", 1, 900), ("gamma", 2), share=0.3)

    found = explain(shop, policy)

    assert [
        (p.provider_code, p.tier, p.weight, p.tier_weight, round(p.first_share, 6), p.because)
        for p in found.places
    ] == [
        ("alpha", 1, 70, 100, 0.59, ChosenBecause.WEIGHT),
        ("beta", 1, 30, 100, 0.31, ChosenBecause.WEIGHT),
        ("gamma", 2, 1, 1, 0.1, ChosenBecause.POLICY_ORDER),
    ]
    assert found.left_out == {"delta": LeftOut.COUNTRY, "wallet": LeftOut.NOT_IN_POLICY}


def test_a_chosen_provider_comes_first_for_sure(shop):
    found = explain(shop, preferred_provider="gamma")

    assert [(p.provider_code, p.first_share) for p in found.places] == [
        ("gamma", 1.0),
        ("alpha", 0.0),
        ("beta", 0.0),
    ]
    assert found.places[0].because is ChosenBecause.CUSTOMER_CHOICE


def test_open_circuits_are_told_and_the_best_of_bad_is_still_there(database):
    shop = Shop(database, sandbox_url="http://127.0.0.1:9", methods=METHODS[:2])
    circuits = shop.services.circuits
    for _ in range(10):
        circuits.record("alpha", "server_error")
    found = explain(shop)
    assert [place.provider_code for place in found.places] == ["beta"]
    assert found.left_out == {"alpha": LeftOut.CIRCUIT_OPEN}

    circuits.record("beta", None)
    for _ in range(9):
        circuits.record("beta", "server_error")
    found = explain(shop)
    assert [(p.provider_code, p.because) for p in found.places] == [
        ("beta", ChosenBecause.BEST_OF_BAD)
    ]
    assert found.left_out == {"alpha": LeftOut.CIRCUIT_OPEN}


@st.composite
def policies(draw):
    def entries():
        chosen = draw(st.lists(st.sampled_from(CODES), unique=True, min_size=1))
        return tuple(
            PolicyEntry(code, draw(st.integers(1, 3)), draw(st.integers(0, 5))) for code in chosen
        )

    rules = tuple(
        RoutingRule(
            f"rule {number}",
            RuleConditions(countries=frozenset({draw(st.sampled_from(["DE", "BR"]))})),
            entries(),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)))
    )
    return RoutingPolicy(9, entries(), draw(st.sampled_from([0.0, 0.02, 1.0])), rules)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    policies(),
    st.sampled_from(["DE", "BR", "US"]),
    st.booleans(),
    st.none() | st.sampled_from(CODES),
)
def test_a_decision_does_what_its_explanation_says(shop, policy, country, has_card, preferred):
    asked = question(country=country, has_typed_card=has_card, preferred_provider=preferred)
    registry = shop.services.registry
    configuration = registry.configuration()
    registry._cached = replace(configuration, policy=policy)
    try:
        decision = registry.decide(asked, revision=configuration.revision)
        explained = shop.services.explain_routing.execute(asked)
    finally:
        registry._cached = configuration

    shares = {place.provider_code: place.first_share for place in explained.places}
    assert {c.provider_code for c in decision.candidates} <= set(shares)
    assert len(decision.candidates) == min(len(shares), registry.max_providers)
    for candidate in decision.candidates:
        assert candidate.propensity == pytest.approx(shares[candidate.provider_code])
    assert decision.rule_name == (explained.rule.name if explained.rule else None)
    late = {c for c, why in decision.left_out.items() if why is LeftOut.PROVIDER_LIMIT}
    assert {c: w for c, w in decision.left_out.items() if c not in late} == explained.left_out
