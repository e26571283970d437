"""Rules at work: which facts reach them, what is stored, and every process at its next order."""

import pytest
from sqlalchemy import select

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.payment_method_registry import RoutingQuestion
from payorch.domain.money import Money
from payorch.domain.payment_method import LeftOut, MethodKind
from payorch.domain.routing_policy import PolicyEntry
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from payorch.infrastructure.persistence.tables import SubmissionRow
from tests.shop import Shop, a_card, a_method, an_order

METHODS = [
    a_method("alpha"),
    a_method("beta"),
    a_method("gamma"),
    a_method("wallet", kind=MethodKind.WALLET),
]
DEFAULT = tuple(PolicyEntry(m.code, tier) for tier, m in enumerate(METHODS, start=1))
NOWHERE = "http://127.0.0.1:9"


def a_rule(name, *codes, then_default=True, **conditions):
    entries = tuple(PolicyEntry(code, tier) for tier, code in enumerate(codes, start=1))
    return RoutingRule(
        name,
        RuleConditions(**{k: v if k == "amount" else frozenset(v) for k, v in conditions.items()}),
        entries,
        then_default,
    )


def publish(shop, *rules, base=1):
    return shop.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=DEFAULT, rules=rules, based_on_version=base, actor="olga", reason="rules"
        )
    )


@pytest.fixture
def shop(database):
    return Shop(database, sandbox_url=NOWHERE, methods=METHODS)


def question(**changes):
    defaults = {
        "money": Money(2000, "EUR"),
        "country": "DE",
        "filled_fields": frozenset(),
        "has_typed_card": True,
        "preferred_provider": None,
    }
    return RoutingQuestion(**(defaults | changes))


def decide(shop, **changes):
    registry = shop.services.registry
    return registry.decide(question(**changes), revision=registry.configuration().revision)


def codes(decision):
    return [candidate.provider_code for candidate in decision.candidates]


@pytest.mark.parametrize(
    ("conditions", "order"),
    [
        ({"currencies": ["USD"]}, {"money": Money(2000, "USD")}),
        ({"countries": ["BR"]}, {"country": "BR"}),
        ({"amount": AmountRange("EUR", 5000)}, {"money": Money(5000, "EUR")}),
        ({"card_brands": ["visa"]}, {"card_brand": "visa"}),
        ({"bin_prefixes": ["42424242"]}, {"card_bin": "42424242"}),
    ],
)
def test_each_fact_of_an_order_reaches_the_rules(shop, conditions, order):
    publish(shop, a_rule("Special", "gamma", **conditions))

    assert codes(decide(shop)) == ["alpha", "beta", "gamma"]
    decision = decide(shop, **order)
    assert codes(decision) == ["gamma", "alpha", "beta"]
    assert (decision.policy_version, decision.rule_name) == (2, "Special")


def test_a_method_kind_is_known_by_the_customers_choice(shop):
    publish(shop, a_rule("Wallets", "wallet", then_default=False, kinds=[MethodKind.WALLET]))

    chosen = decide(shop, has_typed_card=False, preferred_provider="wallet")
    unknown = decide(shop, has_typed_card=False)

    assert (chosen.rule_name, codes(chosen)) == ("Wallets", ["wallet"])
    assert (unknown.rule_name, codes(unknown)) == (None, ["wallet"])


def test_a_closed_rule_leaves_the_others_out_and_offers_them_to_nobody(shop):
    publish(shop, a_rule("Brazil", "beta", then_default=False, countries=["BR"]))
    registry, money = shop.services.registry, Money(2000, "EUR")

    decision = decide(shop, country="BR", preferred_provider="alpha")

    assert codes(decision) == ["beta"]
    assert decision.left_out["alpha"] is LeftOut.NOT_IN_RULE
    assert [method.code for method in registry.options(money, "BR")] == ["beta"]
    assert registry.left_out(money, "BR")["wallet"] is LeftOut.NOT_IN_RULE
    assert len(registry.options(money, "DE")) == 4


def test_options_stand_in_the_order_of_the_rule(shop):
    publish(shop, a_rule("Brazil", "gamma", "beta", countries=["BR"]))

    options = shop.services.registry.options(Money(2000, "EUR"), "BR")

    assert [method.code for method in options] == ["gamma", "beta", "alpha", "wallet"]


def test_a_rule_counts_in_every_process_at_its_next_order(database):
    here = Shop(database, sandbox_url=NOWHERE, methods=METHODS)
    elsewhere = Shop(database, sandbox_url=NOWHERE, methods=[])
    assert codes(decide(elsewhere)) == ["alpha", "beta", "gamma"]

    publish(here, a_rule("Germany", "gamma", countries=["DE"]))
    assert codes(decide(elsewhere)) == ["gamma", "alpha", "beta"]

    publish(elsewhere, base=2)
    assert codes(decide(here)) == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize(
    ("number", "rule"), [("5555555555554444", "Mastercards"), ("4242424242424242", None)]
)
def test_a_payment_goes_by_the_card_that_was_typed_and_its_rule_is_stored(
    database, sandbox, number, rule
):
    shop = Shop(database, sandbox_url=sandbox.base_url, methods=METHODS)
    publish(
        shop,
        a_rule("Mastercards", "gamma", card_brands=["mastercard"], bin_prefixes=["55555555"]),
    )

    result = shop.pay(new_order=an_order(), instrument=a_card(number))

    assert shop.statuses(result.order_id)[0][0] == ("gamma" if rule else "alpha")
    with database.read() as connection:
        stored = connection.execute(
            select(SubmissionRow.policy_version, SubmissionRow.routing_rule)
        ).all()
    assert stored == [(2, rule)]
