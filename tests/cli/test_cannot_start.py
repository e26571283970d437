"""What stands in a command's way is told in one sentence, before anything is made."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from payorch.cli import main
from payorch.cli.demo_folder import DemoFolder
from tests.cli.conftest import Payorch
from tests.sandbox_process import free_port


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def demo(data: Path | str, *, port: int | None = None, sandbox_port: int | None = None) -> Result:
    ports = ("--port", str(port or free_port()), "--sandbox-port", str(sandbox_port or free_port()))
    return run("demo", "--data", str(data), *ports)


def assert_one_sentence(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert len(result.output.strip().splitlines()) == 1
    for part in parts:
        assert part in result.output


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    """Nobody can make a folder inside of a file, not even root."""
    file = tmp_path / "file"
    file.touch()
    return file


def test_a_folder_that_cannot_be_made(a_file: Path) -> None:
    assert_one_sentence(demo(a_file / "demo"), f"Cannot write to {a_file / 'demo'}", "--data")
    assert_one_sentence(demo("/proc/x"), "Cannot write to /proc/x", "--data")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "demo" / "demo.lock").mkdir(parents=True)

    assert_one_sentence(demo(tmp_path / "demo"), "Cannot write to", "--data")


def test_one_port_for_both(tmp_path: Path) -> None:
    port = free_port()

    result = demo(tmp_path / "demo", port=port, sandbox_port=port)

    assert_one_sentence(result, str(port), "--port", "--sandbox-port")
    assert not (tmp_path / "demo").exists()


def test_a_ledger_that_cannot_be_made(a_file: Path) -> None:
    result = run("sandbox", "--port", str(free_port()), "--ledger", str(a_file / "ledger.sqlite3"))

    assert_one_sentence(result, "Cannot write to", "--ledger")


def test_a_database_that_cannot_be_made(new_payorch: Payorch, a_file: Path) -> None:
    new_payorch.environment["PAYORCH_DATABASE_URL"] = f"sqlite:///{a_file}/payorch.sqlite3"

    assert_one_sentence(new_payorch("db", "upgrade"), "Cannot write to", "PAYORCH_DATABASE_URL")


def test_the_database_is_for_its_own_account_only(payorch: Payorch) -> None:
    file = Path(payorch.environment["PAYORCH_DATABASE_URL"].removeprefix("sqlite:///"))

    assert file.stat().st_mode & 0o077 == 0


def test_the_files_of_an_earlier_demo_are_closed_to_others(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    database = folder.path / "payorch.sqlite3"
    database.touch(mode=0o644)

    with folder.held():
        pass

    assert database.stat().st_mode & 0o077 == 0
    assert folder.logs.stat().st_mode & 0o077 == 0
