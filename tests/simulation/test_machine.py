"""Whatever Hypothesis thinks of, the model, the books and the providers' ledgers agree."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import open_database
from tests.simulation.machine.broken_rules import BROKEN_RULES
from tests.simulation.machine.payment_machine import machine_on
from tests.simulation.world import quick_and_quiet

SHORT = {"sqlite": (25, 20), "postgresql": (6, 15)}
LONG = {"sqlite": (120, 50), "postgresql": (50, 40)}
"""Examples and steps, for about a minute on two slow cores."""


CONTROL_EXAMPLES = 200


def run(database, sizes: dict[str, tuple[int, int]], *, is_repeatable: bool) -> None:
    examples, steps = sizes["sqlite" if database.is_sqlite else "postgresql"]
    with quick_and_quiet():
        run_state_machine_as_test(
            machine_on(database),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=is_repeatable,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_the_model_the_books_and_the_providers_agree(database):
    run(database, SHORT, is_repeatable=True)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_long_the_model_the_books_and_the_providers_agree(database):
    run(database, LONG, is_repeatable="CI" in os.environ)


@pytest.mark.long
@pytest.mark.parametrize("broken", BROKEN_RULES, ids=lambda broken: broken.name)
def test_long_a_payorch_without_this_rule_is_noticed(broken, sqlite_files):
    """The first example that goes wrong is enough; nobody has to make it short."""
    with (
        open_database(sqlite_files.new_database_url()) as database,
        quick_and_quiet(),
        broken.applied(),
        pytest.raises(AssertionError),
    ):
        run_state_machine_as_test(
            machine_on(database),
            settings=settings(
                max_examples=CONTROL_EXAMPLES,
                stateful_step_count=50,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
