"""The dashboard's numbers over very many attempts: read from the rollup, and how it is kept.

    python -m tests.benchmarks.dashboard --help

Compared, on the same database, with the same figures as one SQL statement over the attempts
themselves, and with a database of a tenth of the attempts.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import func, select, text

from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.metrics_window import MetricsWindow
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.provider_figures import MetricsQuery
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.tables import (
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    TransactionRow,
)
from payorch.infrastructure.settled_heap import settle_heap
from tests.benchmarks.big_traffic import tidied_up, write_traffic
from tests.benchmarks.figures import Figure, machine, median_and_p95, table, times_ms
from tests.databases import SqliteFiles, open_database, postgres_server
from tests.metrics_history import FrozenClock

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = 30 * DAY
RANGE = 90 * DAY
ROUNDS = 20
SHARES = (0.5, 0.95, 0.99)

_NAIVE = {
    "postgresql": (
        "SELECT provider_code, attempt_number = 1, date_trunc('hour', started_at), count(*),"
        " count(*) FILTER (WHERE status = 'approved'),"
        " percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms)"
        " FROM transactions WHERE started_at >= :start AND started_at < :end GROUP BY 1, 2, 3"
    ),
    # SQLite has no percentiles: this is less than what the dashboard shows.
    "sqlite": (
        "SELECT provider_code, attempt_number = 1, substr(started_at, 1, 13), count(*),"
        " sum(status = 'approved') FROM transactions"
        " WHERE started_at >= :start AND started_at < :end GROUP BY 1, 2, 3"
    ),
}


class BigDashboard:
    """One database of `attempts` attempts over ninety days, rolled up."""

    def __init__(self, database: Database, attempts: int) -> None:
        self._database = database
        self._name = "SQLite" if database.is_sqlite else "PostgreSQL"
        self._clock = FrozenClock(NOW)
        self._repository = SqlAlchemyProviderMetricsRepository(database)
        self._rollup = MetricsRollup(self._repository, self._clock)
        self._service = PaymentMetricsService(self._repository, self._clock, min_sample=30)
        with self._said(f"{attempts:,} attempts written"):
            write_traffic(database, attempts, start=NOW - RANGE, length=RANGE)
        with self._said("rolled up"):
            started = time.perf_counter()
            self._rollup.rebuild()
            self.rebuilding_s = time.perf_counter() - started
        tidied_up(database)
        # What is read after the rollup, as it is in a shop: the last minute's attempts.
        self._clock.sleep(1)

    def read_ms(self, length: timedelta, **filters: object) -> list[float]:
        query = MetricsQuery(window=MetricsWindow.until(NOW, length), compare=True, **filters)
        return times_ms(lambda: self._service.dashboard(query), ROUNDS)

    def naive_ms(self, length: timedelta, rounds: int = 3) -> float:
        window = MetricsWindow.until(NOW, length)
        statement = text(_NAIVE["sqlite" if self._database.is_sqlite else "postgresql"])

        def run() -> None:
            with self._database.read() as connection:
                connection.execute(statement, {"start": window.start, "end": window.end}).all()

        return statistics.median(times_ms(run, rounds))

    def run_ms(self) -> list[float]:
        return times_ms(self._rollup.run_once, ROUNDS)

    def rows(self) -> str:
        with self._database.read() as connection:
            counts = [
                connection.scalar(select(func.count()).select_from(table))
                for table in (ProviderMinuteRow, ProviderHourRow, ProviderHourSpreadRow)
            ]
        return " + ".join(f"{count:,}" for count in counts)

    def percentile_errors(self) -> list[float]:
        """Relative, per provider and share, against the exact percentiles of 30 days."""
        window = MetricsWindow.until(NOW, MONTH)
        figures = self._service.dashboard(MetricsQuery(window=window)).providers
        counted = self._repository.counts(
            window, providers=frozenset(), currency=None, by_bucket=False
        )
        errors = []
        with self._database.read() as connection:
            for one in figures:
                latencies = sorted(
                    connection.scalars(
                        select(TransactionRow.latency_ms).where(
                            TransactionRow.provider_code == one.provider_code,
                            TransactionRow.started_at >= window.start,
                            TransactionRow.started_at < window.end,
                        )
                    )
                )
                histogram = counted.latencies[one.provider_code]
                if histogram.n != len(latencies):
                    raise click.ClickException("The rollup and the attempts differ.")
                for share in SHARES:
                    exact = latencies[max(1, -int(-share * len(latencies) // 1)) - 1]
                    errors.append(abs(histogram.percentile(share) - exact) / exact)
        return errors

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        click.echo(f"{self._name}: {what} in {time.perf_counter() - started:.1f} s")


@click.command()
@click.option("--attempts", default=1_000_000, show_default=True)
@click.option("--database", "only", type=click.Choice(["sqlite", "postgresql"]), default=None)
@click.option("--smoke", is_flag=True, help="Small: only to see that it runs.")
def main(*, attempts: int, only: str | None, smoke: bool) -> None:
    if smoke:
        attempts = 20_000
    click.echo(f"machine: {machine()}\n")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(
        prefix="payorch-dashboard-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        if only != "postgresql":
            files = SqliteFiles(folder)
            figures += _measured("SQLite", files.new_database_url, attempts)
        if only != "sqlite":
            with postgres_server(folder) as server:
                figures += _measured("PostgreSQL", server.new_database_url, attempts)
    click.echo("\n" + table(figures))


def _measured(name: str, new_url: Callable[[], str], attempts: int) -> list[Figure]:
    with open_database(new_url()) as database:
        small = BigDashboard(database, attempts // 10).read_ms(MONTH)
    with open_database(new_url()) as database:
        big = BigDashboard(database, attempts)
        # As a web process does when it stands.
        settle_heap()
        month = big.read_ms(MONTH)
        naive = big.naive_ms(MONTH)
        of = f"{name}, {attempts:,}"
        return [
            Figure("", f"{of}: rows of minutes + hours + spreads", big.rows(), ""),
            Figure("", f"{of}: counted anew, s", f"{big.rebuilding_s:.0f}", ""),
            *(
                Figure(
                    "P7", f"{of}: {days} d, median / p95 ms", median_and_p95(times), "<= 100 / 50"
                )
                for days, times in (
                    (1, big.read_ms(DAY)),
                    (30, month),
                    (90, big.read_ms(RANGE)),
                )
            ),
            Figure(
                "P7",
                f"{of}: 30 d of one provider and currency, ms",
                median_and_p95(big.read_ms(MONTH, providers=frozenset({"beta"}), currency="EUR")),
                "<= 100 / 50",
            ),
            Figure(
                "P8",
                f"{of} / a tenth of them, 30 d",
                f"{statistics.median(month) / statistics.median(small):.2f}",
                "<= 1.5 / 1.1",
            ),
            Figure(
                "P8",
                f"{of}: over the attempts themselves / ours, 30 d",
                f"{naive / statistics.median(month):.1f}",
                ">= 100 / 250 at 10M",
            ),
            Figure(
                "P9",
                f"{of}: largest error of a percentile, %",
                f"{max(big.percentile_errors()) * 100:.2f}",
                "<= 2 / 1",
            ),
            Figure("P10", f"{of}: one run, ms", median_and_p95(big.run_ms()), ""),
        ]


if __name__ == "__main__":
    main()
