"""Real processes, killed all the time, against providers that fail all the time: no double
charge, no lost payment, no false word to a customer. CHAOS_SECONDS makes the storm longer.
"""

import os

import pytest

from tests.chaos.chaos_run import ChaosRun

NAIVE = ("-m", "tests.chaos.naive_payorch")
SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))

pytestmark = [pytest.mark.long, pytest.mark.timeout(SECONDS + 240)]


@pytest.fixture
def tell(capsys):
    """Prints the report past pytest's capture: its numbers are the point of the run."""

    def print_report(title, report):
        with capsys.disabled():
            print("\n" + "\n".join([title, *report.lines()]))  # noqa: T201 - see above

    return print_report


def test_no_payment_is_doubled_lost_or_misreported_in_a_storm(
    database_url, sandbox, tmp_path, tell
):
    report = ChaosRun(tmp_path, database_url, sandbox, SECONDS).execute()

    tell(f"storm on {database_url.partition(':')[0].partition('+')[0]}, {SECONDS:g} s", report)
    assert report.findings.harms() == {}
    # A run in which little happened proves little.
    assert report.orders["paid"] >= 20
    assert report.strikes.total() >= 10
    assert report.lost_answers >= 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_harness_sees_the_double_charges_of_a_naive_core(database_url, sandbox, tmp_path, tell):
    """The same storm, but no answer is taken for "not charged": the first idea of many."""
    report = ChaosRun(tmp_path, database_url, sandbox, SECONDS, command=NAIVE).execute()

    tell(f"control: naive core, {SECONDS:g} s", report)
    assert report.findings.charged_twice
