"""Real processes, killed all the time, against providers that fail all the time: no double
charge, no lost payment, no false word to a customer.

CHAOS_SECONDS makes the storm longer and CHAOS_SEED another one; `python -m tests.chaos` is for
whole nights.
"""

import os

import pytest

from tests.chaos.chaos_database import chaos_database
from tests.chaos.chaos_run import NAIVE, ChaosRun

SECONDS = float(os.environ.get("CHAOS_SECONDS", "45"))
CONTROL_SECONDS = min(SECONDS, 20.0)
SEED = int(os.environ.get("CHAOS_SEED", "1"))

pytestmark = [pytest.mark.long, pytest.mark.timeout(SECONDS + 400)]


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
        report = ChaosRun(tmp_path, database, SECONDS, seed=SEED).execute()

    tell(report)
    assert report.findings.harms() == {}
    # A run in which little happened proves little.
    assert report.orders["paid"] >= SECONDS
    assert report.kills >= SECONDS / 2
    assert report.lost_answers >= 5
    assert report.refunds.total() >= 5
    assert name == "sqlite" or report.strikes["database"] >= 2


def test_the_harness_sees_the_double_charges_of_a_naive_core(tmp_path, tell):
    """The same storm, but no answer is taken for "not charged": the first idea of many."""
    with chaos_database("sqlite", tmp_path) as database:
        report = ChaosRun(tmp_path, database, CONTROL_SECONDS, NAIVE, SEED).execute()

    tell(report)
    assert report.findings.charged_twice
