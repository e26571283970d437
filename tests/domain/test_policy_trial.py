"""Which orders go by the candidate of a trial."""

from dataclasses import replace

import pytest

from payorch.domain.adaptive_shares import AdaptiveMode, AdaptiveSettings
from payorch.domain.errors import InvalidPolicyTrial
from payorch.domain.payment_order import OrderId
from payorch.domain.policy_trial import PolicyTrial, TrialArm
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy

CANDIDATE = RoutingPolicy(3, (PolicyEntry("beta", 1), PolicyEntry("alpha", 2)))


def a_trial(**fields) -> PolicyTrial:
    defaults = {
        "number": 1,
        "name": "Beta first",
        "control_version": 3,
        "candidate": CANDIDATE,
        "share_percent": 10,
        "salt": "salt",
    }
    return PolicyTrial(**(defaults | fields))


def orders(n: int) -> list[OrderId]:
    return [OrderId(f"po_{number}") for number in range(n)]


def candidates(trial: PolicyTrial, n: int) -> set[OrderId]:
    return {order for order in orders(n) if trial.arm_of(order) is TrialArm.CANDIDATE}


@pytest.mark.parametrize("share_percent", [1, 10, 50])
def test_the_candidate_gets_its_share_of_the_orders(share_percent):
    share = share_percent / 100
    found = len(candidates(a_trial(share_percent=share_percent), 20_000)) / 20_000

    assert abs(found - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_an_order_stays_in_its_arm():
    assert candidates(a_trial(), 500) == candidates(a_trial(), 500)


def test_the_arms_of_releases_and_processes_are_the_same():
    """A change here would move the orders of a running trial to the other arm."""
    trial = a_trial(share_percent=50)

    drawn = [trial.arm_of(order) is TrialArm.CANDIDATE for order in orders(8)]

    assert drawn == [True, False, False, True, True, True, True, True]


def test_another_trial_draws_other_orders():
    first = candidates(a_trial(share_percent=50), 2000)
    second = candidates(a_trial(share_percent=50, salt="other"), 2000)

    assert 400 < len(first & second) < 600


@pytest.mark.parametrize(
    "wrong",
    [{"share_percent": 0}, {"share_percent": 51}, {"name": ""}, {"name": "x" * 61}],
)
def test_a_trial_has_a_name_and_a_share_within_limits(wrong):
    with pytest.raises(InvalidPolicyTrial):
        a_trial(**wrong)


def test_a_candidate_with_adaptive_shares_is_refused():
    adaptive = replace(CANDIDATE, adaptive=AdaptiveSettings(mode=AdaptiveMode.ON))

    with pytest.raises(InvalidPolicyTrial, match="Adaptive shares"):
        a_trial(candidate=adaptive)
