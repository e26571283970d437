"""The payorch command inside of the test's process, on a database of its own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from payorch.cli import main
from payorch.infrastructure.observability import structured_logging


class Payorch:
    """Runs `payorch ...` with these settings in the environment."""

    def __init__(self, **settings: str) -> None:
        self.environment = {f"PAYORCH_{name.upper()}": value for name, value in settings.items()}

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, env=self.environment, input=stdin)


@pytest.fixture(autouse=True)
def logs_go_where_they_went() -> Iterator[None]:
    """A command sends the log to its own standard error, which is gone when it has ended."""
    yield
    structured_logging.configure("WARNING", stream=sys.__stderr__)


@pytest.fixture
def new_payorch(tmp_path: Path) -> Payorch:
    """No database yet, and no practice provider."""
    url = f"sqlite:///{tmp_path / 'shop' / 'payorch.sqlite3'}"
    return Payorch(database_url=url, sandbox_url="", log_level="ERROR")


@pytest.fixture
def payorch(new_payorch: Payorch) -> Payorch:
    assert new_payorch("db", "upgrade").exit_code == 0
    return new_payorch
