"""Whatever Hypothesis thinks of, the model, the books and the providers' ledgers agree."""

import os
import time

import pytest
from hypothesis import Phase

from tests.databases import open_database
from tests.simulation.machine.broken_rules import BROKEN_RULES
from tests.simulation.machine.shares import run_machine, run_shares
from tests.verified_books import assert_books_hold

SHORT = {"sqlite": (25, 20), "postgresql": (6, 15)}
LONG = {"sqlite_files": (500, 50), "postgresql": (100, 50)}
"""Examples and steps. The long ones are for some minutes on two cores."""

PROCESSES = 2
CONTROL_EXAMPLES = 200


def test_the_model_the_books_and_the_providers_agree(database):
    examples, steps = SHORT["sqlite" if database.is_sqlite else "postgresql"]
    run_machine(database, examples, steps)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("source", LONG)
def test_long_the_model_the_books_and_the_providers_agree(source, request):
    examples, steps = LONG[source]
    databases = request.getfixturevalue(source)
    urls = [databases.new_database_url() for _ in range(PROCESSES)]
    began = time.perf_counter()

    wrong = run_shares(urls, examples // PROCESSES, steps, is_repeatable="CI" in os.environ)

    print(f"{examples} x {steps} steps: {time.perf_counter() - began:.0f} s")  # noqa: T201 - pytest -s shows it
    assert not wrong, wrong[0]
    for url in urls:
        assert_books_hold(url)


@pytest.mark.long
@pytest.mark.parametrize("broken", BROKEN_RULES, ids=lambda broken: broken.name)
def test_long_a_payorch_without_this_rule_is_noticed(broken, sqlite_files):
    """The first example that goes wrong is enough; nobody has to make it short."""
    with (
        open_database(sqlite_files.new_database_url()) as database,
        broken.applied(),
        pytest.raises(AssertionError),
    ):
        run_machine(database, CONTROL_EXAMPLES, 50, phases=[Phase.generate])
