import sqlite3
from pathlib import Path

from tests.cli.conftest import Payorch


def test_upgrade_makes_the_file_and_its_folder(new_payorch: Payorch, tmp_path: Path) -> None:
    result = new_payorch("db", "upgrade")

    assert result.exit_code == 0
    assert (tmp_path / "shop" / "payorch.sqlite3").is_file()


def test_current_tells_both_revisions(new_payorch: Payorch, payorch: Payorch) -> None:
    database, release = payorch("db", "current").output.splitlines()

    assert database.split()[1] == release.split()[1]


def test_check_agrees_after_an_upgrade(payorch: Payorch) -> None:
    result = payorch("db", "check")

    assert result.exit_code == 0
    assert "agree" in result.output


def test_check_says_what_to_run_on_an_empty_database(new_payorch: Payorch) -> None:
    result = new_payorch("db", "check")

    assert result.exit_code == 1
    assert "payorch db upgrade" in result.output


def test_check_finds_a_table_that_was_changed_by_hand(payorch: Payorch, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "shop" / "payorch.sqlite3")
    connection.execute("ALTER TABLE orders ADD COLUMN note TEXT")
    connection.close()

    result = payorch("db", "check")

    assert result.exit_code == 1
    assert "note" in result.output


def test_downgrade_asks_first(payorch: Payorch) -> None:
    assert payorch("db", "downgrade", "base", stdin="n\n").exit_code == 1
    assert payorch("db", "check").exit_code == 0


def test_downgrade_and_upgrade_come_back_to_the_same_tables(payorch: Payorch) -> None:
    assert payorch("db", "downgrade", "base", "--yes").exit_code == 0
    assert payorch("db", "check").exit_code == 1

    assert payorch("db", "upgrade").exit_code == 0
    assert payorch("db", "check").exit_code == 0


def test_practice_providers_are_added_once(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = "http://127.0.0.1:4330"

    assert payorch("db", "seed-demo").output == "Added 6 payment methods.\n"
    assert payorch("db", "seed-demo").output == "Added 0 payment methods.\n"


def test_practice_providers_are_not_added_where_they_are_switched_off(payorch: Payorch) -> None:
    assert payorch("db", "seed-demo").exit_code == 1
