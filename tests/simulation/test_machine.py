"""Whatever Hypothesis thinks of, the model, the books and the providers' ledgers agree."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine.payment_machine import machine_on
from tests.simulation.world import quick_and_quiet

SHORT = {"sqlite": (25, 20), "postgresql": (6, 15)}
LONG = {"sqlite": (120, 50), "postgresql": (50, 40)}
"""Examples and steps, for about a minute on two slow cores."""


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
