import base64
from pathlib import Path

from sqlalchemy import create_engine, text

from payorch.application.payment_result import ResultKind
from payorch.cli.simulate import ATTEMPTS, RESULTS
from payorch.domain.payment_status import TransactionStatus
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


def test_orders_are_placed_and_summed_up(payorch: Payorch) -> None:
    result = payorch("simulate", "--orders", "20", "--seed", "3")

    assert result.exit_code == 0, result.output
    ((orders,),) = _rows(payorch, "SELECT count(*) FROM orders")
    ((paid,),) = _rows(payorch, "SELECT count(*) FROM orders WHERE status = 'paid'")
    assert orders == 20
    assert f" paid {paid} " in " ".join(result.output.split())


def test_no_order_is_refused_because_practice_cards_are_few(payorch: Payorch) -> None:
    result = payorch("simulate", "--orders", "120", "--seed", "1")

    ((tried,),) = _rows(payorch, "SELECT count(DISTINCT order_id) FROM transactions")
    assert tried == 120
    assert "refused" not in result.output


def test_the_summary_speaks_in_words(payorch: Payorch) -> None:
    result = payorch("simulate", "--orders", "20", "--seed", "3")

    summary = result.output.split("Orders")[-1]
    assert "Alpha Pay: approved" in summary
    assert "_" not in summary


def test_every_result_has_words() -> None:
    assert set(RESULTS) == set(ResultKind)
    assert set(ATTEMPTS) == set(TransactionStatus)


def test_the_same_seed_charges_nothing_again(payorch: Payorch) -> None:
    first = payorch("simulate", "--orders", "15", "--seed", "3")
    outcomes = _rows(payorch, _OUTCOMES)

    second = payorch("simulate", "--orders", "15", "--seed", "3")

    assert _rows(payorch, _OUTCOMES) == outcomes
    assert second.output.split("Attempts")[1] == first.output.split("Attempts")[1]


def test_the_same_seed_goes_the_same_way_on_another_database(
    payorch: Payorch, tmp_path: Path
) -> None:
    other = Payorch(database_url=f"sqlite:///{tmp_path / 'other.sqlite3'}", log_level="ERROR")
    other("db", "upgrade")

    payorch("simulate", "--orders", "15", "--seed", "4")
    other("simulate", "--orders", "15", "--seed", "4")

    assert _rows(other, _OUTCOMES) == _rows(payorch, _OUTCOMES)


def test_a_practice_provider_that_serves_somebody_else_is_left_alone(
    payorch: Payorch, sandbox: SandboxProcess
) -> None:
    payorch.environment["PAYORCH_SANDBOX_URL"] = sandbox.base_url
    payorch.environment["PAYORCH_SANDBOX_API_KEY"] = "somebody_elses"

    result = payorch("simulate", "--orders", "3")

    assert result.exit_code == 0, result.output
    assert sandbox.ledger()["payments"] == []
    assert _rows(payorch, "SELECT count(*) FROM transactions") != [(0,)]


def test_production_gets_no_made_up_orders(payorch: Payorch) -> None:
    payorch.environment |= {
        "PAYORCH_ENV": "production",
        "PAYORCH_SECRET_KEY": "k" * 40,
        "PAYORCH_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
        "PAYORCH_API_TOKEN": "t" * 40,
        "PAYORCH_BASE_URL": "https://pay.example.com",
        "PAYORCH_TRUSTED_HOSTS": "pay.example.com",
    }

    result = payorch("simulate", "--orders", "3")

    assert result.exit_code != 0
    assert "production" in result.output
    assert _rows(payorch, "SELECT count(*) FROM orders") == [(0,)]


def test_the_rollup_is_up_to_date_afterwards(payorch: Payorch) -> None:
    payorch("simulate", "--orders", "5")

    assert payorch("metrics", "verify").output == "The rollup equals a recount.\n"
    # A quiet day is recounted as a whole.
    assert payorch("metrics", "rebuild").output == "Recounted 1,440 minutes.\n"
    assert payorch("metrics", "rollup").exit_code == 0


def test_a_rollup_that_is_wrong_is_found(payorch: Payorch) -> None:
    payorch("simulate", "--orders", "5")
    engine = create_engine(payorch.environment["PAYORCH_DATABASE_URL"])
    with engine.begin() as connection:
        yesterday = "strftime('%Y-%m-%d %H:%M:%S.000000', minute, '-1 day')"
        connection.execute(text(f"UPDATE provider_minutes SET minute = {yesterday}"))
    engine.dispose()

    result = payorch("metrics", "verify")

    assert result.exit_code == 1
    assert "payorch metrics rebuild" in result.output
