"""`payorch route explain`: for a described order, and for one that was paid."""

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.policy_trials import StartPolicyTrial
from payorch.domain.policy_trial import TrialArm
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from tests.cli.conftest import Payorch
from tests.databases import open_database
from tests.shop import Shop, a_card, a_method, an_order

BRAZIL = RoutingRule(
    "Brazil cards",
    RuleConditions(countries=frozenset({"BR"}), card_brands=frozenset({"visa"})),
    (PolicyEntry("beta", 1, 70), PolicyEntry("alpha", 1, 30)),
    then_default=False,
)
ORDER = ("--amount", "25.00", "--currency", "EUR", "--country", "BR")


@pytest.fixture
def shop(sqlite_files, sandbox):
    with open_database(sqlite_files.new_database_url()) as database:
        methods = [a_method("alpha"), a_method("beta"), a_method("gamma")]
        shop = Shop(database, sandbox_url=sandbox.base_url, methods=methods)
        shop.services.change_policy.execute(
            ChangeRoutingPolicy(
                entries=tuple(PolicyEntry(m.code, n) for n, m in enumerate(methods, start=1)),
                rules=(BRAZIL,),
                based_on_version=1,
                actor="olga",
                reason="cheaper",
            )
        )
        yield shop


@pytest.fixture
def explain(shop, sandbox):
    url = shop.database.engine.url.render_as_string(hide_password=False)
    payorch = Payorch(database_url=url, sandbox_url=sandbox.base_url, log_level="ERROR")
    return lambda *options: payorch("route", "explain", *options)


def test_a_described_order_is_explained(explain):
    result = explain(*ORDER, "--brand", "visa", "--bin", "424242")

    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "Rule “Brazil cards” (country BR, card brand Visa) of policy 2 decides.",
        "1. Beta: tier 1, weight 70 of 100. First for 70% of such orders",
        "2. Alpha: tier 1, weight 30 of 100. First for 30% of such orders",
        "-  Gamma: left out, the routing rule does not name it",
    ]
    assert "The default order of policy 2 decides." in explain(*ORDER).output
    assert "No provider can take such an order." in explain(*ORDER, "--method", "wallet").output


def test_an_order_that_was_paid_is_explained_then_and_now(shop, explain):
    paid = shop.pay(new_order=an_order(country="BR"), instrument=a_card())
    waiting = shop.order(country="DE")

    result = explain("--order", paid.order_id)

    assert result.exit_code == 0
    first = shop.statuses(paid.order_id)[0][0]
    weight = {"alpha": 30, "beta": 70}[first]
    sentence = f"{first.title()} first: rule “Brazil cards” of policy 2, weight {weight} of 100."
    assert sentence in result.output.splitlines()[0]
    assert "Rule “Brazil cards” (country BR, card brand Visa) of policy 2 decides." in result.output
    assert "Nobody has tried to pay this order yet." in explain("--order", waiting.id).output


def test_an_order_of_a_trial_is_explained_by_its_arm(shop, explain):
    codes = ("gamma", "beta", "alpha")
    candidate = RoutingPolicy(2, tuple(PolicyEntry(c, n) for n, c in enumerate(codes, start=1)))
    shop.services.start_trial.execute(
        StartPolicyTrial(
            name="Gamma first", candidate=candidate, share_percent=50, actor="olga", reason="to see"
        )
    )
    arm_of = shop.services.registry.configuration().trial.arm_of
    orders = [shop.pay(new_order=an_order(country="DE")).order_id for _ in range(12)]
    order = next(one for one in orders if arm_of(one) is TrialArm.CANDIDATE)

    result = explain("--order", order)

    assert "Gamma first: the default order of the candidate, tier 1 (trial 1, candidate arm)." in (
        result.output
    )
    assert "The default order of the candidate decides." in result.output
    assert "Trial 1 “Gamma first” is running: this order is in its candidate arm." in result.output
    assert "50 % of the orders go by its candidate instead." in explain(*ORDER).output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Give --order, or --amount, --currency, --country."),
        (("--amount", "5", "--currency", "EUR"), "Give --order, or --country."),
        (("--amount", "x", "--currency", "EUR", "--country", "DE"), "--amount: Write the amount"),
        ((*ORDER, "--bin", "42"), "--bin: The first six to eight digits"),
        (("--order", "po_nobody"), "There is no order po_nobody."),
    ],
)
def test_what_cannot_be_explained_is_said(explain, options, says):
    result = explain(*options)

    assert result.exit_code != 0
    assert says in " ".join(result.output.split())
