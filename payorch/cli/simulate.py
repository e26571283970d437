"""`payorch simulate`: a quiet database gets orders to look at, without a browser."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from payorch.application.payment_result import ResultKind
from payorch.cli.child_processes import ChildProcess
from payorch.cli.environment import open_database, read_settings, require_migrated
from payorch.cli.ports import free_port
from payorch.cli.practice_outages import PracticeOperator
from payorch.cli.simulation import SimulationReport, simulate_orders
from payorch.config import Settings
from payorch.domain.payment_status import TransactionStatus
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

RESULTS: Mapping[ResultKind, str] = {
    ResultKind.PAID: "paid",
    ResultKind.DECLINED: "declined",
    ResultKind.NOT_CHARGED: "not charged: no provider could take it",
    ResultKind.NOT_PAID: "not paid: a charge for it is given back, or finance looks at it",
    ResultKind.ACTION_REQUIRED: "waiting for the customer to confirm",
    ResultKind.CONFIRMING: "being confirmed",
}
ATTEMPTS: Mapping[TransactionStatus, str] = {
    TransactionStatus.STARTED: "under way",
    TransactionStatus.REQUIRES_ACTION: "waiting for the customer to confirm",
    TransactionStatus.PENDING: "settles later",
    TransactionStatus.UNKNOWN: "not known yet",
    TransactionStatus.APPROVED: "approved",
    TransactionStatus.DECLINED: "declined",
    TransactionStatus.NOT_SENT: "not sent",
    TransactionStatus.ABANDONED: "abandoned by the customer",
    TransactionStatus.VOIDED: "approved, then voided",
}


@click.command()
@click.option("--orders", required=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=1, show_default=True, help="Same seed, same customers.")
def simulate(orders: int, seed: int) -> None:
    """Place made-up orders through the use cases, one after the other.

    A practice provider of its own answers, and ends with it: one that serves a running demo would
    hold charges which that demo knows nothing of. Adds the demo's providers when there are none.
    Placing the same orders again charges nothing.
    """
    settings = read_settings()
    if settings.is_production:
        raise click.ClickException("Made-up orders do not belong into the books of production.")
    require_migrated(settings)
    structured_logging.configure("ERROR")
    ids = RepeatableIds(seed)
    with ExitStack() as stack:
        url = _practice_provider(seed, stack)
        wired = stack.enter_context(_wired(simulation_settings(settings, url), ids))
        report = SimulationReport()
        with click.progressbar(
            simulate_orders(wired, ids, orders=orders, seed=seed), length=orders, label="Orders"
        ) as progress:
            for report in progress:  # noqa: B007 - the last one is shown below
                pass
        wired.rollup.run_once()
        methods = wired.services.registry.configuration().methods
    click.echo(summary(report, {method.code: method.display_name for method in methods}))


def simulation_settings(settings: Settings, practice_provider: str) -> Settings:
    """Like a demo's: two practice cards pay for everybody, which no scheme would allow."""
    return replace(
        settings,
        sandbox_url=practice_provider,
        sandbox_api_key=Settings().sandbox_api_key,
        scheme_retry_caps=False,
    )


def summary(report: SimulationReport, names: Mapping[str, str]) -> str:
    """`names` are the providers' display names by code."""
    lines = ["", "Orders"]
    lines += [_line(RESULTS[kind], count) for kind, count in report.results.most_common()]
    lines += [_line(f"refused: {why}", count) for why, count in report.refusals.most_common()]
    lines += [_line("of the paid ones, by a fallback", report.recovered), "", "Attempts"]
    lines += [
        _line(f"{names.get(provider, provider)}: {ATTEMPTS[status]}", count)
        for (provider, status), count in sorted(report.attempts.items())
    ]
    return "\n".join(lines)


def _line(text: str, count: int) -> str:
    return f"  {text:48} {count:6}"


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


def _practice_provider(seed: int, stack: ExitStack) -> str:
    """Address of a practice provider that lives as long as `stack`."""
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
