"""What staff may publish, and that it is stored with the clock's time and a real reason."""

from datetime import UTC, datetime

import pytest

from payorch.application.change_payment_method import ChangePaymentMethodUseCase
from payorch.application.change_routing_policy import (
    ChangeRoutingPolicy,
    ChangeRoutingPolicyUseCase,
)
from payorch.application.configuration import Configuration
from payorch.domain.adaptive_shares import ADAPTIVE_OFF
from payorch.domain.errors import InvalidRoutingPolicy, ReasonRequired
from payorch.domain.payment_method import MethodKind, PaymentMethodVO
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class FrozenClock:
    def now(self):
        return NOW

    def monotonic(self):
        return 0.0

    def sleep(self, seconds):  # noqa: ARG002 - the port's signature
        raise AssertionError("Nothing here waits.")


class RememberedConfiguration:
    """Both repositories; keeps what it was asked to store."""

    def __init__(self, *codes, share=0.0, rules=()):
        self.methods = tuple(
            PaymentMethodVO(code, code.title(), MethodKind.CARD, "sandbox", code) for code in codes
        )
        self.policy = RoutingPolicy(3, tuple(PolicyEntry(code, 1) for code in codes), share, rules)
        self.published = []
        self.switched = []

    def load_configuration(self):
        return Configuration(7, self.methods, self.policy)

    def publish(self, entries, **rest):
        self.published.append((entries, rest))
        return rest["based_on_version"] + 1

    def set_enabled(self, code, **rest):
        self.switched.append((code, rest))
        return True


def change(*entries, **changes):
    values = {"based_on_version": 3, "actor": "olga@example.org", "reason": "why"} | changes
    return ChangeRoutingPolicy(entries=tuple(PolicyEntry(*entry) for entry in entries), **values)


def use_case(stored):
    return ChangeRoutingPolicyUseCase(stored, stored, FrozenClock())


def test_a_new_order_is_published_with_actor_reason_and_time():
    stored = RememberedConfiguration("alpha", "beta")

    version = use_case(stored).execute(
        change(("beta", 1), ("alpha", 2), reason="  beta is cheaper ")
    )

    assert version == 4
    assert stored.published == [
        (
            (PolicyEntry("beta", 1), PolicyEntry("alpha", 2)),
            {
                "based_on_version": 3,
                "exploration_share": 0.0,
                "rules": (),
                "adaptive": ADAPTIVE_OFF,
                "restores_version": None,
                "actor": "olga@example.org",
                "reason": "beta is cheaper",
                "at": NOW,
            },
        )
    ]


@pytest.mark.parametrize(("asked", "stored_share"), [(None, 0.02), (0.1, 0.1), (0.0, 0.0)])
def test_the_exploration_share_stays_unless_it_is_given(asked, stored_share):
    stored = RememberedConfiguration("alpha", share=0.02)

    use_case(stored).execute(change(("alpha", 1), exploration_share=asked))

    assert stored.published[0][1]["exploration_share"] == stored_share


def a_rule(*codes, **conditions):
    conditions = conditions or {"countries": frozenset({"BR"})}
    entries = tuple(PolicyEntry(code, 1) for code in codes)
    return RoutingRule("Brazil", RuleConditions(**conditions), entries)


def test_the_rules_stay_unless_they_are_given():
    stored = RememberedConfiguration("alpha", rules=(a_rule("alpha"),))

    use_case(stored).execute(change(("alpha", 1)))
    use_case(stored).execute(change(("alpha", 1), rules=()))

    assert [rest["rules"] for _, rest in stored.published] == [(a_rule("alpha"),), ()]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (a_rule("omega"), "There is no provider omega."),
        (a_rule("alpha", currencies=frozenset({"XQQ"})), "Rule “Brazil”: Unknown currency"),
        (a_rule("alpha", amount=AmountRange("XAU", 1)), "Rule “Brazil”: XAU is not a currency"),
    ],
)
def test_a_rule_about_what_does_not_exist_is_refused(rule, says):
    stored = RememberedConfiguration("alpha")

    with pytest.raises(InvalidRoutingPolicy, match=says):
        use_case(stored).execute(change(("alpha", 1), rules=(rule,)))

    assert stored.published == []


@pytest.mark.parametrize(
    "entries",
    [
        [("alpha", 1)],
        [("alpha", 1), ("beta", 2), ("omega", 3)],
        [("alpha", 1), ("beta", 2), ("beta", 3)],
        [("alpha", 0), ("beta", 2)],
        [("alpha", 1), ("beta", 2, -1)],
        [("alpha", 1), ("beta", 2, 1001)],
    ],
    ids=["missing", "unknown", "twice", "tier 0", "negative weight", "huge weight"],
)
def test_a_policy_that_is_not_about_exactly_our_providers_is_refused(entries):
    stored = RememberedConfiguration("alpha", "beta")

    with pytest.raises(InvalidRoutingPolicy):
        use_case(stored).execute(change(*entries))

    assert stored.published == []


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501])
def test_a_change_without_a_usable_reason_is_refused(reason):
    stored = RememberedConfiguration("alpha")

    with pytest.raises(ReasonRequired):
        use_case(stored).execute(change(("alpha", 1), reason=reason))
    with pytest.raises(ReasonRequired):
        ChangePaymentMethodUseCase(stored, FrozenClock()).set_enabled(
            "alpha", is_enabled=False, actor="olga", reason=reason
        )

    assert stored.published == stored.switched == []


def test_switching_a_method_passes_the_trimmed_reason_and_the_time_on():
    stored = RememberedConfiguration("alpha")

    assert ChangePaymentMethodUseCase(stored, FrozenClock()).set_enabled(
        "alpha", is_enabled=False, actor="olga", reason=" outage "
    )

    assert stored.switched == [
        ("alpha", {"is_enabled": False, "actor": "olga", "reason": "outage", "at": NOW})
    ]
