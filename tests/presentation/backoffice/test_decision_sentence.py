"""One sentence per decision, from what was stored and the policy of then."""

from datetime import UTC, datetime

import pytest

from payorch.application.stored_decision import StoredCandidate, StoredDecision
from payorch.domain.payment_method import LeftOut
from payorch.domain.policy_trial import TrialArm, TrialPlace
from payorch.domain.routing_policy import ChosenBecause, PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from payorch.presentation.backoffice.routing.decision_sentence import decision_sentence

NAMES = {"alpha": "Alpha", "beta": "Beta", "gamma": "Gamma"}
BRAZIL = RoutingRule(
    "Brazil cards",
    RuleConditions(countries=frozenset({"BR"})),
    (PolicyEntry("alpha", 1, 70), PolicyEntry("beta", 1, 30)),
)
POLICY = RoutingPolicy(
    7, tuple(PolicyEntry(code, tier) for tier, code in enumerate(NAMES, 1)), 0.02, (BRAZIL,)
)


def sentence(*candidates, rule=None, policy=POLICY, trial=None, **left_out):
    decision = StoredDecision(
        number=1,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        policy_version=7,
        rule_name=rule,
        preferred_provider=None,
        candidates=tuple(StoredCandidate(code, because, 1.0) for code, because in candidates),
        left_out=left_out,
        trial=trial,
    )
    return decision_sentence(decision, policy, NAMES)


BY_WEIGHT = [(code, ChosenBecause.WEIGHT) for code in ("alpha", "beta")]
BY_ORDER = [(code, ChosenBecause.POLICY_ORDER) for code in NAMES]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            sentence(*BY_WEIGHT, rule="Brazil cards"),
            "Alpha first: rule “Brazil cards” of policy 7, weight 70 of 100.",
        ),
        (
            sentence(BY_WEIGHT[1], rule="Brazil cards", alpha=LeftOut.PROVIDER_LIMIT),
            "Beta first: rule “Brazil cards” of policy 7, weight 30 of 100.",
        ),
        (
            sentence(*BY_WEIGHT[1:], rule="Brazil cards", alpha=LeftOut.COUNTRY),
            "Beta first: rule “Brazil cards” of policy 7, weight 30 of 30.",
        ),
        (
            sentence(("gamma", ChosenBecause.POLICY_ORDER), rule="Brazil cards"),
            "Gamma first: rule “Brazil cards” of policy 7, tier 4.",
        ),
        (
            sentence(*BY_ORDER, trial=TrialPlace(3, TrialArm.CONTROL)),
            "Alpha first: the default order of policy 7, tier 1 (trial 3, control arm).",
        ),
        (
            sentence(*BY_WEIGHT, rule="Brazil cards", trial=TrialPlace(3, TrialArm.CANDIDATE)),
            (
                "Alpha first: rule “Brazil cards” of the candidate, weight 70 of 100 (trial 3,"
                " candidate arm)."
            ),
        ),
        (
            sentence(("beta", ChosenBecause.EXPLORATION), trial=TrialPlace(3, TrialArm.CANDIDATE)),
            (
                "Beta first: drawn at random for comparison, as 2% of orders are by the candidate"
                " (trial 3, candidate arm)."
            ),
        ),
        (sentence(*BY_ORDER), "Alpha first: the default order of policy 7, tier 1."),
        (
            sentence(*BY_ORDER[2:], alpha=LeftOut.CIRCUIT_OPEN, beta=LeftOut.CURRENCY),
            (
                "Gamma first: the default order of policy 7, tier 3. Left out before it: Alpha"
                " (its circuit was open after technical failures), Beta (it does not serve the"
                " currency)."
            ),
        ),
        (
            sentence(("beta", ChosenBecause.EXPLORATION), alpha=LeftOut.COUNTRY),
            "Beta first: drawn at random for comparison, as 2% of orders are by policy 7.",
        ),
        (sentence(("beta", ChosenBecause.CUSTOMER_CHOICE)), "Beta first: the customer chose it."),
        (
            sentence(("beta", ChosenBecause.BEST_OF_BAD), alpha=LeftOut.CIRCUIT_OPEN),
            "Beta first: every circuit was open; it had failed least.",
        ),
        (sentence(*BY_ORDER, policy=None), "Alpha first: the policy's order."),
        (sentence(*BY_WEIGHT, rule="Nobody knows"), "Alpha first: its weight inside the tier."),
        (sentence(("alpha", "by_tomorrows_reason")), "Alpha first: by tomorrows reason."),
        (sentence(), "No routing decision is stored for it."),
    ],
)
def test_the_sentence_names_rule_policy_and_weight(told, expected):
    assert told == expected
