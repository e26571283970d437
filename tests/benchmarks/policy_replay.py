"""What a replay costs: a million logged orders read from a database, counted together, and a
draft replayed on them.

    python -m tests.benchmarks.policy_replay --help

Compared, in the same process, with counting the same orders' attempts per provider in one SQL
statement: reading a log cannot be quicker than that.
"""

import tempfile
import time
from datetime import timedelta
from pathlib import Path

import click
import numpy as np
from sqlalchemy import func, insert, select

from payorch import paths
from payorch.application.metrics_window import MetricsWindow
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.policy_replay import LoggedOrder, Step
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.replay_history import SqlAlchemyReplayHistory
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow
from payorch.infrastructure.replay.replayer import Replayer
from payorch.infrastructure.replay.traffic import traffic_of
from tests.benchmarks.figures import Figure, machine, table
from tests.databases import open_database
from tests.replay.coverage import BY_WEIGHT
from tests.replay.world import MOST, PROVIDERS, START, WINDOW, World, log_of, ordered
from tests.shop import Shop, a_method

DRAFT = ordered("beta", "alpha", "gamma")
AT_ONCE = 20_000

_STATUS = {
    Step.APPROVED: TransactionStatus.APPROVED,
    Step.FALLS_BACK: TransactionStatus.DECLINED,
    Step.REFUSED: TransactionStatus.DECLINED,
    Step.NOT_SENT: TransactionStatus.NOT_SENT,
    Step.LOST: TransactionStatus.ABANDONED,
}


@click.command()
@click.option("--orders", default=1_000_000, show_default=True)
@click.option("--stored", default=200_000, show_default=True, help="Of them in the database.")
@click.option("--smoke", is_flag=True, help="Small: only to see that it runs.")
def main(*, orders: int, stored: int, smoke: bool) -> None:
    if smoke:
        orders, stored = 20_000, 3_000
    click.echo(f"machine: {machine()}\n")
    log = log_of(World(), BY_WEIGHT, orders, np.random.default_rng(1))
    figures = list(_in_memory(log))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'replay.sqlite3'}"
        with open_database(url) as database:
            figures += _from_database(database, log[:stored])
    click.echo(table(figures))


def _in_memory(log: list[LoggedOrder]) -> list[Figure]:
    traffic, counted = _timed(lambda: traffic_of(log))
    replayer, fitted = _timed(lambda: Replayer(traffic, most=MOST))
    _, replayed = _timed(lambda: replayer.replay(DRAFT, shares={}, fees={}))
    _, again = _timed(lambda: replayer.replay(ordered("gamma", "beta"), shares={}, fees={}))
    n = f"{len(log):,} orders"
    return [
        Figure("", f"{n}: counted together, s", f"{counted:.2f}", ""),
        Figure("", f"{n}: the model fitted, s", f"{fitted:.2f}", ""),
        Figure("P15", f"{n}: a draft replayed, ms", f"{replayed * 1000:.0f}", "<= 100 / 15"),
        Figure("P15", f"{n}: the next draft, ms", f"{again * 1000:.0f}", "<= 100 / 15"),
    ]


def _from_database(database: Database, log: list[LoggedOrder]) -> list[Figure]:
    Schema(database.engine, paths.MIGRATIONS).upgrade()
    shop = Shop(
        database, sandbox_url="http://127.0.0.1:9", methods=[a_method(code) for code in PROVIDERS]
    )
    _write(database, log)
    services = shop.services
    history = SqlAlchemyReplayHistory(
        database,
        policies=services.policies,
        configuration=services.registry.configuration,
        decline_policy=services.decline_policy,
        decline_settings=services.decline_policy.settings,
    )
    window = MetricsWindow(START, START + WINDOW)
    read, reading = _timed(lambda: sum(order is not None for order in history.orders(window)))
    if read != len(log):
        raise click.ClickException(f"{read} of {len(log)} orders were read.")
    _, counting = _timed(lambda: _count(database))
    n = f"{len(log):,} orders"
    return [
        Figure("", f"{n}: read from SQLite, s", f"{reading:.2f}", ""),
        Figure("", f"{n}: counted in SQL, s", f"{counting:.2f}", ""),
        Figure("", "read / counted in SQL", f"{reading / counting:.1f}", ""),
    ]


def _count(database: Database) -> None:
    statement = select(TransactionRow.provider_code, TransactionRow.status, func.count()).group_by(
        TransactionRow.provider_code, TransactionRow.status
    )
    with database.read() as connection:
        connection.execute(statement).all()


def _write(database: Database, log: list[LoggedOrder]) -> None:
    for start in range(0, len(log), AT_ONCE):
        orders, submissions, transactions = [], [], []
        for number, order in enumerate(log[start : start + AT_ONCE], start=start + 1):
            orders.append(_order(number, order))
            submissions.append(_submission(number, order))
            transactions += _transactions(number, order)
        with database.tx() as connection:
            connection.execute(insert(OrderRow), orders)
            connection.execute(insert(SubmissionRow), submissions)
            connection.execute(insert(TransactionRow), transactions)


def _order(number: int, order: LoggedOrder) -> dict[str, object]:
    return {
        "id": number,
        "public_id": f"po_{number}",
        "token_hash": str(number),
        "amount_minor": order.amount_minor,
        "currency": order.shape.currency,
        "description": "A book",
        "country": order.shape.country,
        "customer_fields": {},
        "order_metadata": {},
        # Whether it was paid is read from its attempts.
        "status": "failed",
        "created_at": order.at,
        "updated_at": order.at,
        "expires_at": order.at + timedelta(days=1),
    }


def _submission(number: int, order: LoggedOrder) -> dict[str, object]:
    return {
        "id": number,
        "order_id": number,
        "number": 1,
        "idempotency_key": str(number),
        "request_hash": "",
        "policy_version": 1,
        "candidates": [
            {"provider": code, "because": "weight_in_tier", "propensity": chance}
            for code, chance in order.decision.first_chances
        ],
        "left_out": [],
        "created_at": order.at,
    }


def _transactions(number: int, order: LoggedOrder) -> list[dict[str, object]]:
    return [
        {
            "public_id": f"pa_{number}_{place}",
            "order_id": number,
            "submission_id": number,
            "sequence": place,
            "attempt_number": place,
            "provider_code": code,
            "chosen_because": "weight_in_tier",
            "status": _STATUS[step],
            "lease_until": order.at,
            "amount_minor": order.amount_minor,
            "currency": order.shape.currency,
            "latency_ms": latency_ms,
            "started_at": order.at,
            "changed_at": order.at,
        }
        for place, ((code, step), latency_ms) in enumerate(
            zip(order.path, order.latencies_ms, strict=True), start=1
        )
    ]


def _timed(work):
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


if __name__ == "__main__":
    main()
