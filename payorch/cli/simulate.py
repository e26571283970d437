"""`payorch simulate`: a quiet database gets orders to look at, without a browser."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import urllib3

from payorch.cli.child_processes import ChildProcess
from payorch.cli.environment import open_database, read_settings, require_migrated
from payorch.cli.ports import free_port
from payorch.cli.practice_outages import PracticeOperator
from payorch.cli.simulation import SimulationReport, simulate_orders
from payorch.config import Settings
from payorch.infrastructure.demo_ids import RepeatableIds
from payorch.infrastructure.demo_providers import DEMO_METHODS, publish_first_policy, seed_methods
from payorch.infrastructure.observability import structured_logging
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.wiring import Seams, Wired, wire


@click.command()
@click.option("--orders", required=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=1, show_default=True, help="Same seed, same customers.")
def simulate(orders: int, seed: int) -> None:
    """Place made-up orders through the use cases, one after the other.

    Uses the practice provider of PAYORCH_SANDBOX_URL, or starts one for the time being. Adds the
    demo's providers when there are none. Placing the same orders again charges nothing.
    """
    settings = read_settings()
    require_migrated(settings)
    structured_logging.configure("ERROR")
    ids = RepeatableIds(seed)
    with ExitStack() as stack:
        url = _practice_provider(settings, seed, stack)
        wired = stack.enter_context(_wired(replace(settings, sandbox_url=url), ids))
        report = SimulationReport()
        with click.progressbar(
            simulate_orders(wired, ids, orders=orders, seed=seed), length=orders, label="Orders"
        ) as progress:
            for report in progress:  # noqa: B007 - the last one is shown below
                pass
        wired.rollup.run_once()
    click.echo(summary(report))


def summary(report: SimulationReport) -> str:
    lines = ["", "Orders"]
    lines += [f"  {kind:24} {count:6}" for kind, count in sorted(report.results.items())]
    lines += [f"  {'recovered by a fallback':24} {report.recovered:6}", "", "Attempts"]
    lines += [
        f"  {provider:12} {status:16} {count:6}"
        for (provider, status), count in sorted(report.attempts.items())
    ]
    return "\n".join(lines)


@contextmanager
def _wired(settings: Settings, ids: RepeatableIds) -> Iterator[Wired]:
    database = open_database(settings)
    try:
        now = datetime.now(UTC)
        methods = SqlAlchemyPaymentMethodRepository(database)
        if not methods.load_configuration().methods:
            seed_methods(methods, at=now)
            publish_first_policy(SqlAlchemyRoutingPolicyRepository(database), at=now)
        yield wire(settings, database.engine, Seams(ids=ids))
    finally:
        database.engine.dispose()


def _practice_provider(settings: Settings, seed: int, stack: ExitStack) -> str:
    """Address of the running practice provider, or of one that lives as long as `stack`."""
    if settings.sandbox_url is not None and _answers(settings.sandbox_url):
        return settings.sandbox_url
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="payorch-simulate-")))
    port = free_port()
    child = ChildProcess(
        "practice provider",
        [
            *("sandbox", "--port", str(port), "--seed", str(seed)),
            *("--ledger", str(folder / "ledger.sqlite3")),
        ],
        environment={k: v for k, v in os.environ.items() if not k.startswith("PAYORCH_")},
        log=folder / "practice-provider.log",
    )
    stack.callback(child.stop)
    url = f"http://127.0.0.1:{port}"
    child.wait_until_healthy(f"{url}/healthz", give_up=lambda: False)
    PracticeOperator(url).answer_at_once(sorted({method.account for method in DEMO_METHODS}))
    return url


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/healthz", timeout=2.0, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
