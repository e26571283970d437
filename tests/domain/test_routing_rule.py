"""Which orders a rule admits, what is refused as a rule, and when one hides another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.instrument import card_brand
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, OrderFacts, RoutingRule, RuleConditions

ALPHA = (PolicyEntry("alpha", 1),)


def facts(**changes) -> OrderFacts:
    defaults = {
        "currency": "EUR",
        "amount_minor": 2500,
        "country": "DE",
        "kind": MethodKind.CARD,
        "card_brand": "visa",
        "card_bin": "42424242",
    }
    return OrderFacts(**(defaults | changes))


def a_rule(name="Rule", entries=ALPHA, *, then_default=True, **conditions) -> RoutingRule:
    conditions = conditions or {"countries": frozenset({"DE"})}
    return RoutingRule(name, RuleConditions(**conditions), entries, then_default)


@pytest.mark.parametrize(
    ("conditions", "order", "is_admitted"),
    [
        ({"currencies": {"EUR", "USD"}}, {}, True),
        ({"currencies": {"USD"}}, {}, False),
        ({"countries": {"DE"}}, {}, True),
        ({"countries": {"BR"}}, {}, False),
        ({"amount": AmountRange("EUR", 2500, 2500)}, {}, True),
        ({"amount": AmountRange("EUR", 2501)}, {}, False),
        ({"amount": AmountRange("EUR", None, 2499)}, {}, False),
        ({"amount": AmountRange("USD", 1)}, {}, False),
        ({"kinds": {MethodKind.CARD}}, {}, True),
        ({"kinds": {MethodKind.WALLET}}, {}, False),
        ({"kinds": {MethodKind.CARD}}, {"kind": None}, False),
        ({"card_brands": {"visa"}}, {}, True),
        ({"card_brands": {"visa"}}, {"card_brand": None}, False),
        ({"bin_prefixes": {"424242"}}, {}, True),
        ({"bin_prefixes": {"4242424"}}, {}, True),
        ({"bin_prefixes": {"42424243"}}, {}, False),
        ({"bin_prefixes": {"42424242"}}, {"card_bin": "424242"}, False),
        ({"bin_prefixes": {"424242"}}, {"card_bin": None}, False),
        ({"currencies": {"EUR"}, "countries": {"BR"}}, {}, False),
    ],
)
def test_every_condition_must_admit_the_order(conditions, order, is_admitted):
    conditions = {
        name: value if name == "amount" else frozenset(value) for name, value in conditions.items()
    }

    assert RuleConditions(**conditions).admit(facts(**order)) is is_admitted


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "has a name"),
        ({"name": "x" * 61}, "has a name"),
        ({"name": "a\nb"}, "has a name"),
        ({"entries": ()}, "names no provider"),
        ({"entries": (*ALPHA, *ALPHA)}, "alpha stands twice in Rule “Rule”"),
        ({"entries": (PolicyEntry("alpha", 0),)}, "a tier is at least 1"),
        ({"currencies": frozenset()}, "has no condition"),
        ({"currencies": frozenset({"eur"})}, "'eur' is not among currencies"),
        ({"countries": frozenset({"DEU"})}, "'DEU' is not among countries"),
        ({"amount": AmountRange("EUR")}, "from, to, or both"),
        ({"amount": AmountRange("EUR", 5, 4)}, "from is not above to"),
        ({"amount": AmountRange("EUR", -5)}, "from is not above to"),
        (
            {"amount": AmountRange("EUR", 5), "currencies": frozenset({"USD"})},
            "can never match: its amount is in EUR",
        ),
        ({"bin_prefixes": frozenset({"42424"})}, "six to eight digits"),
        ({"bin_prefixes": frozenset({"٤٢٤٢٤٢"})}, "six to eight digits"),
        (
            {"bin_prefixes": frozenset({"424242"}), "card_brands": frozenset({"mastercard"})},
            "424242 is visa, which is not among its brands",
        ),
        (
            {"card_brands": frozenset({"visa"}), "kinds": frozenset({MethodKind.WALLET})},
            "can never match: it asks for a card",
        ),
        ({"bin_prefixes": frozenset(str(n) for n in range(400_000, 400_501))}, "at most 500"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(changes, says):
    with pytest.raises(InvalidRoutingPolicy) as raised:
        a_rule(**changes)

    assert says in raised.value.message


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(InvalidRoutingPolicy, match="stands twice"):
        RoutingPolicy(1, ALPHA, rules=(a_rule("Cards"), a_rule("cards")))


def test_more_rules_than_anybody_reads_are_refused():
    with pytest.raises(InvalidRoutingPolicy, match="at most 100 rules"):
        RoutingPolicy(1, ALPHA, rules=tuple(a_rule(f"rule {n}") for n in range(101)))


BINS = ("42424242", "42424299", "55555555", "37828224")


@st.composite
def some_facts(draw) -> OrderFacts:
    kind = draw(st.sampled_from([None, *MethodKind]))
    digits = draw(st.none() | st.sampled_from(BINS)) if kind is MethodKind.CARD else None
    return OrderFacts(
        currency=draw(st.sampled_from(["EUR", "USD", "BRL"])),
        amount_minor=draw(st.integers(1, 12)),
        country=draw(st.sampled_from(["DE", "BR", "US"])),
        kind=kind,
        card_brand=card_brand(digits) if digits else None,
        card_bin=digits[: draw(st.sampled_from([6, 8]))] if digits else None,
    )


def some_of(*values):
    return st.frozensets(st.sampled_from(values), max_size=2)


@st.composite
def some_conditions(draw) -> RuleConditions:
    low, high = draw(st.none() | st.integers(0, 6)), draw(st.none() | st.integers(6, 12))
    amount = None
    if (low, high) != (None, None) and draw(st.booleans()):
        amount = AmountRange(draw(st.sampled_from(["EUR", "USD"])), low, high)
    return RuleConditions(
        currencies=draw(some_of("EUR", "USD", "BRL")),
        countries=draw(some_of("DE", "BR", "US")),
        amount=amount,
        kinds=draw(some_of(*MethodKind)),
        card_brands=draw(some_of("visa", "mastercard", "amex")),
        bin_prefixes=draw(some_of("424242", "4242424", "42424242", "555555", "378282")),
    )


@given(some_conditions(), some_conditions(), some_facts())
def test_covering_conditions_admit_every_order_that_the_covered_ones_do(wide, narrow, order):
    if wide.cover(narrow) and narrow.admit(order):
        assert wide.admit(order)


@pytest.mark.parametrize(
    ("earlier", "later", "is_hidden"),
    [
        ({"countries": {"DE", "BR"}}, {"countries": {"BR"}}, True),
        ({"countries": {"BR"}}, {"countries": {"DE", "BR"}}, False),
        ({"countries": {"BR"}}, {"countries": {"BR"}, "card_brands": {"visa"}}, True),
        ({"countries": {"BR"}}, {"currencies": {"BRL"}}, False),
        ({"currencies": {"EUR"}}, {"amount": AmountRange("EUR", 100)}, True),
        ({"amount": AmountRange("EUR", 100)}, {"currencies": {"EUR"}}, False),
        ({"amount": AmountRange("EUR", 100)}, {"amount": AmountRange("EUR", 100, 900)}, True),
        ({"amount": AmountRange("EUR", None, 500)}, {"amount": AmountRange("EUR", 100)}, False),
        ({"kinds": {MethodKind.CARD}}, {"bin_prefixes": {"424242"}}, True),
        ({"card_brands": {"visa"}}, {"bin_prefixes": {"424242"}}, True),
        ({"card_brands": {"visa"}}, {"bin_prefixes": {"424242", "555555"}}, False),
        ({"bin_prefixes": {"424242"}}, {"bin_prefixes": {"4242421", "42424233"}}, True),
    ],
)
def test_a_rule_behind_a_wider_one_is_never_reached(earlier, later, is_hidden):
    first, second = (
        RoutingRule(
            name,
            RuleConditions(
                **{k: v if k == "amount" else frozenset(v) for k, v in conditions.items()}
            ),
            ALPHA,
        )
        for name, conditions in (("first", earlier), ("second", later))
    )

    found = RoutingPolicy(1, ALPHA, rules=(first, second)).unreachable_rules()

    assert found == (((second, first),) if is_hidden else ())
