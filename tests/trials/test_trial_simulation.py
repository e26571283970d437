"""Trials whose truth is known, looked at every day; see python -m tests.trials."""

import pytest

from tests.trials.operating_characteristics import outcomes_of
from tests.trials.world import World, drifting, steady

RUNS = 200

THREE_ERRORS = 0.047
"""Three standard errors of a share of 5 % among so many runs."""


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("conversion", [steady, drifting])
def test_daily_looks_name_no_more_false_winners_than_promised(share, conversion):
    world = World(name="A/A", share=share, orders_per_day=1000, conversion=conversion)

    found = outcomes_of(world, RUNS)

    assert found.named <= 0.05
    assert found.named_by_z_test > 0.2
    assert found.interval_held >= 0.95


def test_small_trials_do_not_name_more_of_them():
    found = outcomes_of(World(name="A/A", share=0.5, orders_per_day=30, conversion=steady), RUNS)

    assert found.named <= 0.05
    assert found.interval_held >= 0.95


@pytest.mark.parametrize("difference", [0.03, -0.03])
@pytest.mark.parametrize("conversion", [steady, drifting])
def test_three_points_are_found_within_two_months_at_the_usual_share(difference, conversion):
    world = World(
        name="A/B",
        share=0.1,
        orders_per_day=1000,
        conversion=conversion,
        difference=difference,
    )

    found = outcomes_of(world, RUNS // 2)

    assert found.named > 0.9
    assert found.named_wrongly <= 0.02
    assert found.interval_held >= 0.95 - THREE_ERRORS
