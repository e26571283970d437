import subprocess
import sys

from payorch.version import __version__
from tests.cli.conftest import Payorch


def test_the_version_is_told(payorch: Payorch) -> None:
    assert payorch("--version").output == f"payorch, version {__version__}\n"


def test_help_names_every_command(payorch: Payorch) -> None:
    output = payorch("--help").output

    for command in ("db", "demo", "doctor", "metrics", "reconcile", "sandbox", "serve", "staff"):
        assert f"  {command}" in output


def test_an_unknown_command_is_refused(payorch: Payorch) -> None:
    result = payorch("refund-everything")

    assert result.exit_code == 2
    assert "No such command" in result.output


def test_a_command_imports_only_what_it_needs() -> None:
    script = (
        "import sys; from payorch.cli import main; main(['--version'], standalone_mode=False); "
        "print([m for m in ('flask', 'sqlalchemy', 'plotly') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_every_bad_setting_is_named_at_once(payorch: Payorch) -> None:
    payorch.environment |= {"PAYORCH_ENV": "production", "PAYORCH_TYPO": "1"}

    result = payorch("reconcile")

    assert result.exit_code == 1
    assert "PAYORCH_TYPO is not a setting" in result.output
