"""What adaptive routing is worth on traffic whose truth is known; see python -m tests.adaptive."""

from itertools import pairwise
from statistics import mean

import pytest

from payorch.domain.adaptive_shares import AdaptiveSettings
from tests.adaptive.__main__ import compare
from tests.adaptive.strategies import STEP_MIN, Adaptive
from tests.adaptive.world import SCENARIOS, play

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
SETTINGS = AdaptiveSettings()


def test_an_outage_of_the_leader_is_answered_within_minutes_and_forgiven_within_hours():
    scenario = BY_NAME["outage"]

    score = play(scenario, Adaptive(SETTINGS), 3)

    assert score.reaction_min is not None
    assert score.reaction_min <= 5
    assert max(score.history[-1], key=lambda code: score.history[-1][code]) == "alpha"


def test_but_for_an_outage_shares_move_no_faster_than_the_leash():
    score = play(BY_NAME["apart"], Adaptive(SETTINGS), 3)

    leash = SETTINGS.max_shift_per_h * STEP_MIN / 60
    moves = [
        abs(after[code] - before[code])
        for before, after in pairwise(score.history[1:])
        for code in after
    ]
    assert 0 < max(moves) <= leash + 1e-9
    assert min(min(shares.values()) for shares in score.history) >= SETTINGS.floor - 1e-9


@pytest.mark.long
def test_it_finds_the_better_order_and_keeps_its_head_where_providers_are_close():
    """Against a wrong fixed order it gains, against a right one it loses what the floor costs; a
    sliding window follows luck where the difference is small.
    """
    seeds = range(4)
    regret = {
        name: {who: mean(s.regret for s in scores) for who, scores in played.items()}
        for name, played in ((name, compare(BY_NAME[name], seeds)) for name in BY_NAME)
    }

    for name in ("close", "apart", "drift", "outage"):
        assert regret[name]["adaptive"] < regret[name]["fixed order"], name
    for name in ("close", "as ordered", "outage"):
        assert regret[name]["adaptive"] < regret[name]["last 125 outcomes"], name
    assert regret["as ordered"]["adaptive"] < 1000 * SETTINGS.floor * (0.03 + 0.06) * 2
