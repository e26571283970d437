import signal
import subprocess
import sys

from tests.cli.conftest import Payorch
from tests.web_process import PAYORCH, environment


def test_one_pass_says_what_it_found(payorch: Payorch) -> None:
    result = payorch("reconcile")

    assert result.exit_code == 0
    assert result.output == "checked 0, settled 0, still open 0, for review 0\n"


def test_reconciling_needs_a_migrated_database(new_payorch: Payorch) -> None:
    result = new_payorch("reconcile")

    assert result.exit_code == 1
    assert "payorch db upgrade" in result.output


def test_repeated_passes_end_on_a_signal(payorch: Payorch) -> None:
    process = subprocess.Popen(
        [sys.executable, *PAYORCH, "reconcile", "--every", "0.1"],
        env=environment() | payorch.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "Checking every 0.1 s" in process.stdout.readline()

    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
