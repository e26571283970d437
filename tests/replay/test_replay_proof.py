"""The replay against worlds whose truth is known: its intervals hold it as often as they say.

`python -m tests.replay --runs 400` is the longer form; docs/proofs.md shows what it printed.
"""

from dataclasses import replace

import pytest

from tests.replay.coverage import FIXED, SCENARIOS, Coverage, coverage_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

RUNS = 200
ORDERS = 4000


@pytest.fixture(scope="module")
def results() -> dict[str, Coverage]:
    return {
        scenario.name: coverage_of(replace(scenario, orders=ORDERS), RUNS) for scenario in SCENARIOS
    }


def test_95_percent_intervals_hold_the_truth_in_95_percent_of_all_runs(results):
    shares = [share for result in results.values() for share in result.covered.values()]

    assert 0.93 <= sum(shares) / len(shares) <= 0.97


def test_they_do_so_in_each_of_the_worlds(results):
    # Of 200 runs, 89.5 to 99 % is what chance leaves of 95 % in 999 of 1000 cases.
    covered = {
        (name, figure): share
        for name, result in results.items()
        for figure, share in result.covered.items()
    }

    assert all(0.895 <= share <= 0.99 for share in covered.values()), covered


def test_what_chance_has_explored_is_estimated_without_bias(results):
    explored = [scenario.name for scenario in SCENARIOS if scenario.logged is not FIXED]

    biases = {
        (name, figure): bias
        for name in explored
        for figure, bias in results[name].bias_in_errors.items()
    }

    assert all(abs(bias) < 3.5 for bias in biases.values()), biases


def test_where_the_model_stands_alone_its_bias_is_small_beside_its_error(results):
    modelled = [scenario.name for scenario in SCENARIOS if scenario.logged is FIXED]

    biases = {
        name: (results[name].estimate - results[name].truth) / results[name].half_width
        for name in modelled
    }

    assert all(abs(bias) < 0.25 for bias in biases.values()), biases


def test_bare_rates_would_have_said_the_opposite(results):
    """Where beta sees only what alpha has lost: it is better, and its bare rate is worse."""
    for scenario in SCENARIOS:
        if scenario.logged is FIXED:
            result = results[scenario.name]
            assert result.truth > 0.04
            assert result.estimate > 0.02
            assert result.naive < -0.05
