import re
from datetime import UTC, datetime

from payorch.application.login_limits import ACCOUNT_LIMIT
from payorch.config import DEVELOPMENT_SECRET
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.login_counts import SqlAlchemyLoginCounts
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from payorch.infrastructure.system_clock import SystemClock
from tests.cli.conftest import Payorch
from tests.databases import open_database


def test_an_account_is_created_with_a_password_that_is_shown_once(payorch: Payorch) -> None:
    result = payorch("staff", "create", "Olga@Example.com", "--role", "ops")

    assert result.exit_code == 0
    assert "Created olga@example.com (ops)." in result.output
    assert re.search(r"shown this once: \S{16,}\n", result.output)


def test_a_given_password_is_not_shown(payorch: Payorch) -> None:
    result = payorch(
        *("staff", "create", "finn@example.com", "--role", "finance", "--password-stdin"),
        stdin="correct horse battery\n",
    )

    assert result.exit_code == 0
    assert "correct horse" not in result.output


def test_a_short_password_is_refused(payorch: Payorch) -> None:
    result = payorch(
        *("staff", "create", "finn@example.com", "--role", "finance", "--password-stdin"),
        stdin="short\n",
    )

    assert result.exit_code == 1
    assert "12 to 128 characters" in result.output


def test_a_common_password_and_ones_own_address_are_refused(payorch: Payorch) -> None:
    payorch("staff", "create", "finn@example.com", "--role", "finance")

    created = payorch(
        *("staff", "create", "olga@example.com", "--role", "ops", "--password-stdin"),
        stdin="qwerty123456\n",
    )
    changed = payorch(
        "staff", "password", "finn@example.com", "--password-stdin", stdin="finn@example.com1\n"
    )

    assert (created.exit_code, changed.exit_code) == (1, 1)
    assert "one of the first that are tried" in created.output
    assert "made of the e-mail address" in changed.output
    assert payorch("staff", "list").output == "finn@example.com  finance\n"


def test_nobody_gets_two_accounts(payorch: Payorch) -> None:
    payorch("staff", "create", "olga@example.com", "--role", "ops")

    result = payorch("staff", "create", "OLGA@example.com", "--role", "admin")

    assert result.exit_code == 1
    assert "has an account already" in result.output


def test_an_unknown_role_is_refused(payorch: Payorch) -> None:
    assert payorch("staff", "create", "olga@example.com", "--role", "king").exit_code == 2


def test_the_list_shows_roles_and_closed_accounts(payorch: Payorch) -> None:
    payorch("staff", "create", "olga@example.com", "--role", "ops", "--role", "finance")
    payorch("staff", "create", "ada@example.com", "--role", "auditor")
    payorch("staff", "close", "ada@example.com")

    assert payorch("staff", "list").output.splitlines() == [
        "ada@example.com  auditor  (closed)",
        "olga@example.com  finance, ops",
    ]

    payorch("staff", "open", "ada@example.com")
    assert "(closed)" not in payorch("staff", "list").output


def test_another_password_for_nobody_is_refused(payorch: Payorch) -> None:
    result = payorch("staff", "password", "nobody@example.com")

    assert result.exit_code == 1
    assert "has no account" in result.output


def test_staff_needs_a_migrated_database(new_payorch: Payorch) -> None:
    result = new_payorch("staff", "list")

    assert result.exit_code == 1
    assert "payorch db upgrade" in result.output


def test_an_account_that_was_tried_too_often_is_unlocked(payorch: Payorch) -> None:
    payorch("staff", "create", "olga@example.com", "--role", "ops")
    nothing = payorch("staff", "unlock", "olga@example.com")
    key = SecretKeyedHashes(DEVELOPMENT_SECRET).of_login("olga@example.com")
    with open_database(payorch.environment["PAYORCH_DATABASE_URL"]) as database:
        counts = SqlAlchemyLoginCounts(LedgerTransactions(database, SystemClock()))
        counts.count(key, ACCOUNT_LIMIT, at=datetime.now(UTC))

    result = payorch("staff", "unlock", "Olga@example.com")

    assert "nothing to unlock" in nothing.output
    assert (result.exit_code, result.output) == (0, "Unlocked Olga@example.com.\n")
    assert payorch("staff", "unlock", "nobody@example.com").exit_code == 1


def test_a_lost_second_factor_is_reset(payorch: Payorch) -> None:
    payorch("staff", "create", "olga@example.com", "--role", "ops")

    none = payorch("staff", "reset-factor", "olga@example.com")
    unknown = payorch("staff", "reset-factor", "nobody@example.com")

    assert (none.exit_code, none.output) == (0, "olga@example.com has no second factor.\n")
    assert unknown.exit_code == 1


def test_roles_are_changed_and_the_last_administrator_stays(payorch: Payorch) -> None:
    payorch("staff", "create", "ada@example.com", "--role", "admin")

    refused = payorch("staff", "roles", "ada@example.com", "--role", "ops")
    closed = payorch("staff", "close", "ada@example.com")
    payorch("staff", "create", "olga@example.com", "--role", "admin")
    changed = payorch("staff", "roles", "ada@example.com", "--role", "ops", "--role", "viewer")

    assert (refused.exit_code, closed.exit_code) == (1, 1)
    assert "last administrator" in refused.output
    assert "last administrator" in closed.output
    assert changed.output == "Changed ada@example.com (ops, viewer).\n"
