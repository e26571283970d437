"""Each rule taken out of payorch is noticed by the simulator: it can fail for each of them."""

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.mutation_control import catch

MOST_SEEDS = 1500


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_payorch_without_this_rule_is_caught(mutant):
    caught = catch(mutant, most_seeds=MOST_SEEDS)

    assert caught is not None
    print(f"caught at seed {caught.seed}: {caught.finding}")  # noqa: T201 - pytest -s shows it
