from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Payorch
from tests.sandbox_process import SandboxProcess


def _rows(payorch: Payorch, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(payorch.environment["PAYORCH_DATABASE_URL"])
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return rows


_OUTCOMES = """
    SELECT o.public_id, o.status, t.public_id, t.provider_code, t.status, t.decline_code
    FROM orders o JOIN transactions t ON t.order_id = o.id ORDER BY o.id, t.sequence
"""


@pytest.fixture
def shop(payorch: Payorch, sandbox: SandboxProcess) -> Payorch:
    sandbox.patch_profile("alpha", approval_rate=0.7)
    sandbox.patch_profile("beta", approval_rate=0.7)
    payorch.environment["PAYORCH_SANDBOX_URL"] = sandbox.base_url
    return payorch


def test_orders_are_placed_and_summed_up(shop: Payorch) -> None:
    result = shop("simulate", "--orders", "20", "--seed", "3")

    assert result.exit_code == 0, result.output
    ((orders,),) = _rows(shop, "SELECT count(*) FROM orders")
    ((paid,),) = _rows(shop, "SELECT count(*) FROM orders WHERE status = 'paid'")
    assert orders == 20
    assert f"paid {paid}" in " ".join(result.output.split())


def test_the_same_seed_charges_nothing_again(shop: Payorch, sandbox: SandboxProcess) -> None:
    first = shop("simulate", "--orders", "15", "--seed", "3")
    charged = len(sandbox.ledger()["payments"])

    second = shop("simulate", "--orders", "15", "--seed", "3")

    assert len(sandbox.ledger()["payments"]) == charged
    assert second.output.split("Attempts")[1] == first.output.split("Attempts")[1]


def test_the_same_seed_goes_the_same_way_on_another_database(
    shop: Payorch, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    other = Payorch(database_url=f"sqlite:///{tmp_path / 'other.sqlite3'}", log_level="ERROR")
    other.environment["PAYORCH_SANDBOX_URL"] = sandbox.base_url
    other("db", "upgrade")

    shop("simulate", "--orders", "15", "--seed", "4")
    outcomes = _rows(shop, _OUTCOMES)
    sandbox.admin("DELETE", "/outages")
    sandbox.reset()
    sandbox.patch_profile("alpha", approval_rate=0.7)
    sandbox.patch_profile("beta", approval_rate=0.7)
    other("simulate", "--orders", "15", "--seed", "4")

    assert _rows(other, _OUTCOMES) == outcomes


def test_a_practice_provider_is_started_when_none_runs(payorch: Payorch) -> None:
    result = payorch("simulate", "--orders", "3")

    assert result.exit_code == 0, result.output
    assert _rows(payorch, "SELECT count(*) FROM transactions") != [(0,)]


def test_the_rollup_is_up_to_date_afterwards(shop: Payorch) -> None:
    shop("simulate", "--orders", "5")

    assert shop("metrics", "verify").output == "The rollup equals a recount.\n"
    assert shop("metrics", "rebuild").exit_code == 0
    assert shop("metrics", "rollup").exit_code == 0


def test_a_rollup_that_is_wrong_is_found(shop: Payorch) -> None:
    shop("simulate", "--orders", "5")
    engine = create_engine(shop.environment["PAYORCH_DATABASE_URL"])
    with engine.begin() as connection:
        yesterday = "strftime('%Y-%m-%d %H:%M:%S.000000', minute, '-1 day')"
        connection.execute(text(f"UPDATE provider_minutes SET minute = {yesterday}"))
    engine.dispose()

    result = shop("metrics", "verify")

    assert result.exit_code == 1
    assert "payorch metrics rebuild" in result.output
