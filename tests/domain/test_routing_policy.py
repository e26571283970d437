from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.routing_policy import ChosenBecause, PolicyEntry, RoutingPolicy

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
