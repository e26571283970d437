import base64
from pathlib import Path

from payorch.cli.findings import settings_findings
from tests.cli.conftest import Payorch
from tests.sandbox_process import SandboxProcess, free_port


def test_a_healthy_installation_passes(payorch: Payorch, sandbox: SandboxProcess) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = sandbox.base_url

    result = payorch("doctor")

    assert result.exit_code == 0
    assert "FAIL" not in result.output
    assert "write-ahead log" in result.output
    assert f"answers at {sandbox.base_url}" in result.output


def database_file(payorch: Payorch) -> Path:
    return Path(payorch.environment["PAYORCH_DATABASE_URL"].removeprefix("sqlite:///"))


def test_an_installation_that_was_not_used_yet_is_told_what_to_run(new_payorch: Payorch) -> None:
    result = new_payorch("doctor")

    assert result.exit_code == 0
    assert "none yet at" in result.output
    assert "-> Run: payorch db upgrade" in result.output


def test_looking_leaves_no_database_behind(new_payorch: Payorch) -> None:
    for command in ("doctor", "verify", "reconcile"):
        new_payorch(command)

    assert not database_file(new_payorch).parent.exists()


def test_missing_migrations_fail_and_say_what_to_run(payorch: Payorch) -> None:
    payorch("db", "downgrade", "base", "--yes")

    result = payorch("doctor")

    assert result.exit_code == 1
    assert "the database has no tables yet" in result.output
    assert "-> Run: payorch db upgrade" in result.output


def test_a_place_that_cannot_be_written_fails(new_payorch: Payorch) -> None:
    new_payorch.environment["PAYORCH_DATABASE_URL"] = "sqlite:////proc/shop/payorch.sqlite3"

    result = new_payorch("doctor")

    assert "none yet" in result.output
    assert not isinstance(result.exception, OSError)


def test_bad_settings_fail_with_one_line_each(payorch: Payorch) -> None:
    payorch.environment |= {"PAYORCH_ENV": "production", "PAYORCH_NODES": "2"}

    result = payorch("doctor")

    assert result.exit_code == 1
    assert "PAYORCH_SECRET_KEY must be set" in result.output
    assert "SQLite serves one host only" in result.output


def test_the_secret_key_for_development_is_a_warning(payorch: Payorch) -> None:
    result = payorch("doctor")

    assert result.exit_code == 0
    assert "Set PAYORCH_SECRET_KEY" in result.output


def test_a_practice_provider_that_is_away_is_a_warning(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = f"http://127.0.0.1:{free_port()}"

    result = payorch("doctor")

    assert result.exit_code == 0
    assert "-> Run: payorch sandbox" in result.output


def test_without_a_payment_method_it_says_that_nobody_can_pay(payorch: Payorch) -> None:
    result = payorch("doctor")

    assert result.exit_code == 0
    assert "none is enabled: no payment can be taken" in result.output
    assert "payorch db seed-demo" in result.output


def test_it_says_who_may_call_the_api(payorch: Payorch) -> None:
    assert "open to anybody, because there is no API key yet" in payorch("doctor").output

    key = payorch("api-keys", "create", "Web shop", "--all-scopes").output.split()[1]
    assert "active keys: 1" in payorch("doctor").output

    payorch("api-keys", "revoke", key)
    assert "closed: there is no active API key" in payorch("doctor").output


def test_payment_methods_are_named(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = f"http://127.0.0.1:{free_port()}"
    payorch("db", "seed-demo")

    assert "6 enabled: alpha, beta," in payorch("doctor").output


def test_methods_of_a_provider_that_is_switched_off_take_no_payment(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = f"http://127.0.0.1:{free_port()}"
    payorch("db", "seed-demo")
    payorch.environment["PAYORCH_SANDBOX_URL"] = ""

    result = payorch("doctor")

    assert "the connectors of all 6 enabled ones are switched off" in result.output
    assert "a connector has to be written first" in result.output


def test_a_database_that_cannot_be_reached_fails(payorch: Payorch) -> None:
    port = free_port()
    payorch.environment["PAYORCH_DATABASE_URL"] = f"postgresql://payorch@127.0.0.1:{port}/payorch"

    result = payorch("doctor")

    assert result.exit_code == 1
    assert "cannot be opened for writing" in result.output
    assert "Check PAYORCH_DATABASE_URL" in result.output


def test_a_server_database_is_examined_too(payorch: Payorch, postgresql) -> None:
    payorch.environment["PAYORCH_DATABASE_URL"] = postgresql.new_database_url()

    result = payorch("doctor")

    assert result.exit_code == 0
    assert "postgresql, takes writes" in result.output
    assert "database clock" in result.output


def test_a_production_where_a_password_is_enough_is_warned_of() -> None:
    production = {
        "PAYORCH_ENV": "production",
        "PAYORCH_SECRET_KEY": "k" * 40,
        "PAYORCH_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
        "PAYORCH_API_TOKEN": "t" * 40,
        "PAYORCH_BASE_URL": "https://pay.example.org",
        "PAYORCH_TRUSTED_HOSTS": "pay.example.org",
        "PAYORCH_DATABASE_URL": "postgresql://payorch@db.example.org/payorch",
        "PAYORCH_SANDBOX_URL": "",
    }

    def subjects(**more: str) -> list[str]:
        return [finding.subject for finding in settings_findings(production | more)[1]]

    assert "second factor" not in subjects()
    assert "second factor" in subjects(PAYORCH_SECOND_FACTOR="optional")
