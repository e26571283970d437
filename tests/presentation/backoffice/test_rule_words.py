"""Rules and their differences as sentences."""

from dataclasses import replace

import pytest

from payorch.domain.instrument import CARD_BRANDS
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from payorch.presentation.backoffice.routing.kept_draft import rules_stamp
from payorch.presentation.backoffice.routing.policy_difference import policy_difference
from payorch.presentation.backoffice.routing.rule_words import (
    BRAND_LABELS,
    KIND_LABELS,
    conditions_in_words,
    percent,
    rule_in_words,
)

NAMES = {"a": "Alpha", "b": "Beta"}
BRAZIL = RuleConditions(countries=frozenset({"BR"}))
ALPHA, BETA = (PolicyEntry("a", 1),), (PolicyEntry("b", 1),)


def a_rule(name="Brazil", entries=BETA, conditions=BRAZIL, *, then_default=True):
    return RoutingRule(name, conditions, entries, then_default)


def differences(before, after, **changes):
    old = RoutingPolicy(1, ALPHA, rules=tuple(before))
    return policy_difference(old, replace(old, rules=tuple(after), **changes), NAMES)


def test_every_brand_and_kind_has_a_label():
    assert set(BRAND_LABELS) == set(CARD_BRANDS)
    assert set(KIND_LABELS) == set(MethodKind)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"currencies": {"USD", "BRL"}, "countries": {"BR"}}, "currency BRL or USD, country BR"),
        ({"amount": AmountRange("EUR", 1000, 50_000)}, "amount €10.00 to €500.00"),
        ({"amount": AmountRange("JPY", 1000)}, "amount from ¥1,000"),
        ({"amount": AmountRange("EUR", None, 500)}, "amount up to €5.00"),
        (
            {"kinds": {MethodKind.WALLET, MethodKind.CARD}, "card_brands": {"amex"}},
            "method card or wallet, card brand American Express",
        ),
        ({"bin_prefixes": {"424242", "555555"}}, "BIN 424242 or 555555"),
        (
            {"bin_prefixes": {f"42424{n}" for n in range(9)}},
            "BIN 424240 or 424241 or 424242 or 424243 or 5 more",
        ),
    ],
)
def test_conditions_are_read_as_a_list_that_has_to_fit(conditions, words):
    conditions = {k: v if k == "amount" else frozenset(v) for k, v in conditions.items()}

    assert conditions_in_words(RuleConditions(**conditions)) == words


def test_a_rule_tells_whether_others_follow():
    shared = (PolicyEntry("a", 1, 70), PolicyEntry("b", 1, 30))

    assert rule_in_words(a_rule(entries=shared), NAMES) == (
        "country BR → Alpha (70%), Beta (30%), then the default order"
    )
    assert rule_in_words(a_rule(then_default=False), NAMES) == (
        "country BR → Beta, and no other provider"
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0%"), (0.02, "2%"), (0.025, "2.5%"), (0.0001, "0.01%"), (1.0, "100%"), (0.1, "10%")],
)
def test_a_share_has_as_many_decimals_as_it_needs(share, words):
    assert percent(share) == words


def test_each_kind_of_change_has_its_sentence():
    one, two, three = a_rule("One"), a_rule("Two"), a_rule("Three")

    assert differences([one, two], [one, two]) == []
    assert differences([one], []) == ["Rule “One”: removed"]
    assert differences([], [one], exploration_share=0.02) == [
        "Rule “One”: new, as number 1: country BR → Beta, then the default order",
        "Exploration: 0% → 2% of orders",
    ]
    assert differences([one, two, three], [three, one, two]) == [
        "Rule “Three”: now number 1",
        "Rule “One”: now number 2",
        "Rule “Two”: now number 3",
    ]
    assert differences([one, two], [two]) == ["Rule “One”: removed"]
    everywhere = RuleConditions(countries=frozenset({"AR", "BR"}))
    assert differences([one], [a_rule("One", ALPHA, everywhere)]) == [
        "Rule “One”: for country BR → for country AR or BR",
        "Rule “One”: Beta, then the default order → Alpha, then the default order",
    ]


def test_changes_that_the_words_cannot_show_are_said_all_the_same():
    weights = [(PolicyEntry("a", 1, weight), PolicyEntry("b", 1, weight)) for weight in (1, 2)]
    prefixes = [
        RuleConditions(bin_prefixes=frozenset(str(n) for n in range(400_000, last)))
        for last in (400_009, 400_009)
    ]
    other = RuleConditions(bin_prefixes=prefixes[0].bin_prefixes - {"400008"} | {"499999"})

    assert differences([a_rule(entries=weights[0])], [a_rule(entries=weights[1])]) == [
        "Rule “Brazil”: other weights"
    ]
    assert differences([a_rule(conditions=prefixes[1])], [a_rule(conditions=other)]) == [
        "Rule “Brazil”: other BIN prefixes"
    ]


def test_stamps_tell_rules_apart_and_only_rules():
    many = RuleConditions(bin_prefixes=frozenset(str(n) for n in range(400_000, 400_050)))
    again = RuleConditions(bin_prefixes=frozenset(str(n) for n in range(400_049, 399_999, -1)))
    rule = a_rule(conditions=many)

    assert rules_stamp([rule]) == rules_stamp([a_rule(conditions=again)])
    others = [
        [],
        [rule, a_rule("Two")],
        [a_rule("Two"), rule],
        [a_rule("Other", conditions=many)],
        [a_rule(conditions=BRAZIL)],
        [a_rule(conditions=many, entries=ALPHA)],
        [a_rule(conditions=many, then_default=False)],
    ]
    assert len({rules_stamp(rules) for rules in [[rule], *others]}) == len(others) + 1
