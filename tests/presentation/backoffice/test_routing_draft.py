"""Moving providers about: the same rules for dragging, keys, buttons and numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.presentation.backoffice.routing.policy_difference import difference
from payorch.presentation.backoffice.routing.posted_board import PostedBoard
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft, dense
from payorch.presentation.backoffice.routing.rule_words import in_words
from tests.shop import a_method

NAMES = {"a": "Alpha", "b": "Beta", "c": "Gamma", "d": "Delta"}
METHODS = [a_method(code) for code in "abcd"]


def a_draft(*places):
    return RoutingDraft(7, tuple(PolicyEntry(code, tier) for code, tier in places))


def tiers(draft):
    return [(entry.provider_code, entry.tier) for entry in draft.entries]


def test_moving_up_makes_a_tier_of_its_own():
    draft = a_draft(("a", 1), ("b", 2), ("c", 3))

    assert tiers(draft.moved("c", 1)) == [("a", 1), ("c", 2), ("b", 3)]
    assert tiers(draft.moved("c", 0)) == [("c", 1), ("a", 2), ("b", 3)]


def test_moving_to_the_end_makes_a_last_tier():
    draft = a_draft(("a", 1), ("b", 2), ("c", 2))

    assert tiers(draft.moved("a", 2)) == [("b", 1), ("c", 1), ("a", 2)]
    assert tiers(draft.moved("b", 99)) == [("a", 1), ("c", 2), ("b", 3)]


def test_dropped_between_two_of_one_tier_a_provider_joins_them():
    draft = a_draft(("a", 1), ("b", 2), ("c", 2), ("d", 3))

    assert tiers(draft.moved("d", 2)) == [("a", 1), ("b", 2), ("d", 2), ("c", 2)]


def test_moving_within_a_shared_tier_splits_it():
    draft = a_draft(("a", 1), ("b", 2), ("c", 2))

    assert tiers(draft.moved("c", 1)) == [("a", 1), ("c", 2), ("b", 3)]


def test_moving_a_provider_that_is_not_there_changes_nothing():
    draft = a_draft(("a", 1), ("b", 2))

    assert draft.moved("omega", 0) is draft


@given(
    st.lists(st.integers(1, 4), min_size=4, max_size=4),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-2, 6)), max_size=8),
)
def test_no_sequence_of_moves_loses_a_provider_or_leaves_a_gap(start, moves):
    draft = RoutingDraft.of(
        RoutingPolicy(1, tuple(PolicyEntry(c, t) for c, t in zip("abcd", start, strict=True))),
        METHODS,
    )

    for code, to in moves:
        draft = draft.moved(code, to)
        assert draft.place_of(code) == max(0, min(to, 3))

    assert sorted(code for code, _ in tiers(draft)) == list("abcd")
    assert draft.entries == dense(draft.entries)
    assert {tier for _, tier in tiers(draft)} == set(range(1, draft.entries[-1].tier + 1))


def test_a_provider_that_the_policy_does_not_know_comes_last():
    draft = RoutingDraft.of(
        RoutingPolicy(3, (PolicyEntry("b", 5, 9), PolicyEntry("a", 2))), METHODS
    )

    assert tiers(draft) == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert draft.differs_from(RoutingPolicy(3, ()))


def test_gaps_between_tiers_are_no_difference():
    policy = RoutingPolicy(
        3, tuple(PolicyEntry(c, t) for c, t in zip("abcd", (1, 5, 5, 9), strict=True))
    )

    assert not RoutingDraft.of(policy, METHODS).differs_from(policy)


def test_typed_numbers_sort_the_board_and_equal_ones_share_a_tier():
    form = {"version": "7"}
    for code, tier, weight in (("a", 3, 1), ("b", 1, 60), ("c", 1, 40), ("d", 30, 1)):
        form |= {f"tier-{code}": str(tier), f"weight-{code}": str(weight)}

    posted = PostedBoard.read(form, list("abcd"), METHODS)

    assert posted.draft.based_on_version == 7
    assert tiers(posted.draft) == [("b", 1), ("c", 1), ("a", 2), ("d", 3)]
    assert in_words(posted.draft.entries, NAMES) == ["Beta (60%), Gamma (40%)", "Alpha", "Delta"]


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "x", "100", "1e2", "٣", "0000000001"], ids=repr
)
def test_a_tier_that_is_no_small_whole_number_is_named_and_nothing_moves(text):
    form = {f"{name}-{code}": "1" for name in ("tier", "weight") for code in "abcd"}

    posted = PostedBoard.read(form | {"tier-b": text}, list("dcba"), METHODS)

    assert list(posted.problems) == ["tier-b"]
    assert [code for code, _ in tiers(posted.draft)] == list("dcba")
    assert posted.texts["tier-b"] == text


def test_providers_added_or_made_up_meanwhile_are_sorted_out():
    form = {f"{name}-{code}": "1" for name in ("tier", "weight") for code in ("a", "omega")}

    posted = PostedBoard.read(form, ["a", "omega", "a"], METHODS)

    assert [code for code, _ in tiers(posted.draft)] == list("abcd")


def test_a_difference_names_each_provider_that_changes():
    before = (PolicyEntry("a", 1), PolicyEntry("b", 2, 3), PolicyEntry("d", 3))
    after = (PolicyEntry("b", 1, 5), PolicyEntry("a", 1), PolicyEntry("c", 2))

    assert difference(before, after, NAMES) == [
        "Beta: tier 2 → 1, weight 3 → 5",
        "Gamma: new, in tier 2",
        "Delta: removed",
    ]


def test_a_tier_without_weights_is_told_as_listed():
    entries = (PolicyEntry("a", 1, 0), PolicyEntry("b", 1, 0), PolicyEntry("c", 2, 0))

    assert in_words(entries, NAMES) == ["Alpha (as listed), Beta (as listed)", "Gamma"]
    assert in_words((PolicyEntry("a", 1, 1), PolicyEntry("b", 1, 0)), NAMES) == [
        "Alpha (100%), Beta (last)"
    ]
