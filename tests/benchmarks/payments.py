"""How fast payorch takes payments, against what its database could do alone.

    python -m tests.benchmarks.payments --help

Starts what it needs: gunicorn with 2 workers of 8 threads, a provider that answers at once,
SQLite, and a PostgreSQL server that waits for the disk. Bare database and payorch take turns,
so that both meet the same machine; the figures are medians of the rounds (P1, P2, P5, P6 and
P13 of the performance goals).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from payorch.config import Settings
from tests.benchmarks import bare_payments
from tests.benchmarks.figures import Figure, machine, spread, table
from tests.benchmarks.measured_shop import Cost, MeasuredShop, measured_shop
from tests.databases import PostgresServer, SqliteFiles, postgres_server

ROLLUP_INTERVAL_S = Settings().rollup_interval_s

SLOW_FLUSH_US = 2000
"""A commit that waits this much longer, as on a disk that is not a fast local one."""


@dataclass(frozen=True, slots=True)
class Plan:
    folder: Path
    rounds: int
    seconds: int
    clients: int
    provider: str
    with_api_key: bool


@dataclass(frozen=True, slots=True)
class Rounds:
    bare_per_s: list[float]
    costs: list[Cost]

    @property
    def per_s(self) -> list[float]:
        return [cost.load.per_second for cost in self.costs]

    @property
    def ratio(self) -> float:
        return median(ours / bare for ours, bare in zip(self.per_s, self.bare_per_s, strict=True))

    def middle(self, name: str) -> float:
        return median(getattr(cost, name) for cost in self.costs)

    def percentile_ms(self, share: float) -> float:
        return median(cost.load.percentile_ms(share) for cost in self.costs)


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=4, type=click.IntRange(1))
@click.option("--seconds", default=4, type=click.IntRange(1), help="Length of each measurement.")
@click.option("--clients", default=16, type=click.IntRange(1))
@click.option(
    "--provider",
    default="prompt",
    type=click.Choice(["prompt", "practice"]),
    help="prompt approves at once, lean; practice is the full practice provider, 0 ms, no fsync.",
)
@click.option("--database", "only", type=click.Choice(["sqlite", "postgresql"]), default=None)
@click.option(
    "--api-key", "with_api_key", is_flag=True, help="Call with a key, not with the token."
)
@click.option("--smoke", is_flag=True, help="One short round of everything: does it still run?")
def main(
    *,
    rounds: int,
    seconds: int,
    clients: int,
    provider: str,
    only: str | None,
    with_api_key: bool,
    smoke: bool,
) -> None:
    """Payments per second, CPU per payment and payorch's own latency, on both databases."""
    if smoke:
        rounds, seconds = 1, 1
    click.echo(f"machine: {machine()}")
    click.echo(
        f"settings: gunicorn gthread 2x8, {clients} clients, {rounds} rounds of {seconds} s, "
        f"provider: {provider}, durable commits on both databases\n"
    )
    with tempfile.TemporaryDirectory(prefix="payorch-benchmark-") as folder:
        plan = Plan(Path(folder), rounds, seconds, clients, provider, with_api_key)
        figures: list[Figure] = []
        if only != "postgresql":
            figures += _sqlite_figures(plan)
        if only != "sqlite":
            figures += _postgresql_figures(plan)
    click.echo(table(figures))


def _sqlite_figures(plan: Plan) -> list[Figure]:
    files = SqliteFiles(plan.folder)
    bare = files.new_database_url().removeprefix("sqlite:///")
    with _shop(plan, files.new_database_url()) as shop:
        rounds = _take_turns(
            plan,
            shop,
            lambda: bare_payments.sqlite_per_second(
                bare, clients=plan.clients, seconds=plan.seconds
            ),
        )
    p50, p99 = rounds.percentile_ms(0.5), rounds.percentile_ms(0.99)
    return [
        Figure("P13", "SQLite: payments/s", _rate(rounds), ">= 400 / 800"),
        Figure(
            "P13", "SQLite: p99 / p50", f"{p99 / p50:.1f} ({p99:.0f} / {p50:.0f} ms)", "<= 10 / 4"
        ),
        Figure("", "SQLite: of the bare limit", _share(rounds), ""),
        Figure("", "SQLite: CPU ms per payment, web", f"{rounds.middle('web_ms'):.2f}", ""),
    ]


def _postgresql_figures(plan: Plan) -> list[Figure]:
    data = plan.folder / "postgresql"
    data.mkdir()
    with postgres_server(data, is_durable=True) as server:
        process_id = int((data / "data" / "postmaster.pid").read_text().split()[0])
        bare = server.new_database_url()
        with _shop(plan, server.new_database_url(), process_id) as shop:
            rounds = _take_turns(
                plan,
                shop,
                lambda: bare_payments.postgresql_per_second(
                    bare, plan.folder, clients=plan.clients, seconds=plan.seconds
                ),
            )
            alone = shop.run(clients=1, seconds=plan.seconds).load
            provider_ms = shop.provider_p50_ms(seconds=min(plan.seconds, 2))
        metrics_share = _metrics_share(plan, server)
    own = [alone.percentile_ms(share) - provider_ms for share in (0.5, 0.99)]
    return [
        Figure("P1", "PostgreSQL: payments/s", _rate(rounds), ""),
        Figure("P1", "PostgreSQL: of the bare limit", _share(rounds), ">= 0.25 / 0.40"),
        Figure("P2", "CPU ms per payment: web", f"{rounds.middle('web_ms'):.2f}", "<= 2.0 / 1.3"),
        Figure(
            "P2",
            "CPU ms per payment: PostgreSQL",
            f"{rounds.middle('database_ms'):.2f}",
            "<= 1.0 / 0.6",
        ),
        Figure("", "CPU ms per payment: provider", f"{rounds.middle('provider_ms'):.2f}", ""),
        Figure(
            "P5",
            "own overhead, 1 client: p50 / p99",
            f"{own[0]:.1f} / {own[1]:.1f} ms",
            "<= 6 / 25, aim 3 / 10",
        ),
        Figure(
            "P6",
            "payments/s with metrics / without, 2 ms flush",
            f"{metrics_share:.2f}",
            ">= 0.90 / 0.98",
        ),
    ]


def _metrics_share(plan: Plan, server: PostgresServer) -> float:
    """The rollup as it runs by default against none, in turns, one provider, slow commits."""
    server.set_parameter("commit_siblings", "0")
    server.set_parameter("commit_delay", str(SLOW_FLUSH_US))
    with (
        _shop(plan, server.new_database_url()) as counting,
        _shop(plan, server.new_database_url(), rollup_interval_s=3600) as plain,
    ):
        shares = []
        # Each turn is long enough for a rollup to fall into it.
        seconds = plan.seconds if plan.rounds == 1 else max(plan.seconds, ROLLUP_INTERVAL_S)
        for _ in range(plan.rounds):
            with_metrics = counting.run(clients=plan.clients, seconds=seconds)
            without = plain.run(clients=plan.clients, seconds=seconds)
            shares.append(with_metrics.load.per_second / without.load.per_second)
    return median(shares)


@contextmanager
def _shop(
    plan: Plan, url: str, database_pid: int | None = None, **settings: object
) -> Iterator[MeasuredShop]:
    with measured_shop(
        plan.folder,
        url,
        provider=plan.provider,
        database_pid=database_pid,
        with_api_key=plan.with_api_key,
        **settings,
    ) as shop:
        # Connections are opened and statements compiled by the first payments of each worker.
        shop.run(clients=plan.clients, seconds=1)
        yield shop


def _take_turns(plan: Plan, shop: MeasuredShop, bare) -> Rounds:
    rounds = Rounds([], [])
    for _ in range(plan.rounds):
        rounds.bare_per_s.append(bare())
        rounds.costs.append(shop.run(clients=plan.clients, seconds=plan.seconds))
    return rounds


def _rate(rounds: Rounds) -> str:
    return f"{median(rounds.per_s):,.0f} ({spread(rounds.per_s)})"


def _share(rounds: Rounds) -> str:
    return f"{rounds.ratio:.2f} of {median(rounds.bare_per_s):,.0f} ({spread(rounds.bare_per_s)})"


if __name__ == "__main__":
    main()
