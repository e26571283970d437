import json

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Payorch


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
    assert result.output.endswith("1 errors, 0 warnings\n")


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


@pytest.mark.parametrize("age", ["", "soon", "-1h", "1y"])
def test_an_age_that_is_none_is_refused(age: str, payorch: Payorch) -> None:
    assert payorch("verify", "--since", age).exit_code == 2
