import json

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Payorch
from tests.sandbox_process import SandboxProcess


def break_the_books(payorch: Payorch) -> None:
    """An order that is PROCESSING without anything to wait for."""
    engine = create_engine(payorch.environment["PAYORCH_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO orders (public_id, token_hash, amount_minor, currency, description,"
                " country, customer_fields, order_metadata, status, version, created_at,"
                " updated_at, expires_at) VALUES ('po_broken', 'h', 100, 'EUR', 'x', 'DE', '{}',"
                " '{}', 'processing', 1, '2026-11-22', '2026-11-22', '2026-11-23')"
            )
        )
    engine.dispose()


def test_healthy_books_end_with_0(payorch: Payorch) -> None:
    result = payorch("verify")

    assert result.exit_code == 0
    assert result.output == "Every invariant holds.\n"


def test_a_broken_invariant_ends_with_1_and_says_what_to_do(payorch: Payorch) -> None:
    break_the_books(payorch)

    result = payorch("verify", "--since", "all")

    assert result.exit_code == 1
    assert "processing_without_open  po_broken" in result.output
    assert "-> " in result.output
    assert result.output.endswith("1 error, 0 warnings\n")


def test_the_findings_are_read_by_machines_too(payorch: Payorch) -> None:
    break_the_books(payorch)

    result = payorch("verify", "--json")

    report = json.loads(result.output)
    assert result.exit_code == 1
    assert report["errors"] == 1
    assert report["findings"][0]["subject"] == "po_broken"
    assert report["findings"][0]["severity"] == "error"


def test_books_that_cannot_be_read_end_with_2(new_payorch: Payorch) -> None:
    result = new_payorch("verify")

    assert result.exit_code == 2
    assert "payorch db upgrade" in result.output


def test_the_providers_are_compared_on_demand(payorch: Payorch, sandbox: SandboxProcess) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = sandbox.base_url
    payorch("db", "seed-demo")

    result = payorch("verify", "--providers")

    assert result.exit_code == 0
    assert result.output == (
        "Compared with the providers: 0 payments from their lists, 0 asked for one by one.\n"
        "Every invariant holds.\n"
    )


def test_a_provider_that_cannot_be_asked_is_a_warning(payorch: Payorch) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = "http://127.0.0.1:9"
    payorch("db", "seed-demo")
    payorch.environment["PAYORCH_SANDBOX_URL"] = ""

    report = json.loads(payorch("verify", "--providers", "--json").output)

    assert report["providers"] == {"listed": 0, "asked": 0}
    assert {found["kind"] for found in report["findings"]} == {"provider_not_listed"}
    assert report["errors"] == 0


def test_comparing_with_the_providers_needs_a_moment_to_start_from(payorch: Payorch) -> None:
    assert payorch("verify", "--providers", "--since", "all").exit_code == 2


@pytest.mark.parametrize("age", ["", "soon", "-1h", "1y"])
def test_an_age_that_is_none_is_refused(age: str, payorch: Payorch) -> None:
    assert payorch("verify", "--since", age).exit_code == 2
