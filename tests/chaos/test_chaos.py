"""Real processes, killed all the time, against providers that fail all the time: no double
charge, no lost payment, no false word to a customer.

CHAOS_SECONDS makes the storm longer and CHAOS_SEED another one; `python -m tests.chaos` is for
whole nights.
"""

import os
from functools import partial

import pytest

from tests.chaos.bad_providers import SILENT_PROVIDERS
from tests.chaos.chaos_database import chaos_database
from tests.chaos.chaos_run import LONGEST, NAIVE, ChaosRun, SoFar

SECONDS = float(os.environ.get("CHAOS_SECONDS", "45"))
CONTROL_SECONDS = min(SECONDS, 20.0)
SEED = int(os.environ.get("CHAOS_SEED", "1"))

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(LONGEST * SECONDS + 400)]


# A run in which little happened proves little. Of 45 s: at least 500 orders, and 40 kills.
ENOUGH_ORDERS = 500 / 45 * SECONDS
ENOUGH_PAID = 3 * SECONDS
ENOUGH_KILLS = 0.9 * SECONDS
ENOUGH_LOST_ANSWERS = 5
ENOUGH_REFUNDS = 5
ENOUGH_CRASHES = 2


def proves_something(name: str, so_far: SoFar) -> bool:
    return (
        so_far.orders >= ENOUGH_ORDERS
        and so_far.kills >= ENOUGH_KILLS
        and (name == "sqlite" or so_far.database_crashes >= ENOUGH_CRASHES)
        and so_far.paid >= ENOUGH_PAID
        and so_far.refunds >= ENOUGH_REFUNDS
        and so_far.lost_answers >= ENOUGH_LOST_ANSWERS
    )


def doubled_some(so_far: SoFar) -> bool:
    # More than one: a second charge that is noticed when all has calmed down is given back.
    return so_far.charged_twice >= 3


@pytest.fixture
def tell(capsys):
    """Prints the report past pytest's capture: its numbers are the point of the run."""

    def print_report(report):
        with capsys.disabled():
            print("\n" + "\n".join(report.lines()))  # noqa: T201 - see above

    return print_report


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_no_payment_is_doubled_lost_or_misreported_in_a_storm(name, tmp_path, tell):
    with chaos_database(name, tmp_path) as database:
        run = ChaosRun(tmp_path, database, SECONDS, partial(proves_something, name), seed=SEED)
        report = run.execute()

    tell(report)
    assert report.findings.harms() == {}
    assert report.orders.total() >= ENOUGH_ORDERS
    assert report.orders["paid"] >= ENOUGH_PAID
    assert report.kills >= ENOUGH_KILLS
    assert report.lost_answers >= ENOUGH_LOST_ANSWERS
    assert report.refunds.total() >= ENOUGH_REFUNDS
    assert name == "sqlite" or report.strikes["database"] >= ENOUGH_CRASHES


def test_the_harness_sees_the_double_charges_of_a_naive_core(tmp_path, tell):
    """The same storm, but no answer is taken for "not charged": the first idea of many.

    Without events, from which payorch would learn of the charge and give it back.
    """
    with chaos_database("sqlite", tmp_path) as database:
        run = ChaosRun(
            tmp_path, database, CONTROL_SECONDS, doubled_some, NAIVE, SEED, SILENT_PROVIDERS
        )
        report = run.execute()

    tell(report)
    assert report.findings.charged_twice
