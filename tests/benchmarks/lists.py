"""The back office's lists over very many orders: pages, filters, searches, and files of them.

    python -m tests.benchmarks.lists --help

Pages are whole ones, from the request to the last byte, of a member of finance who is logged in.
Compared with the same pages over a thousandth of the orders.
"""

import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from payorch.infrastructure.settled_heap import settle_heap
from tests.benchmarks.big_traffic import ATTEMPTS_PER_ORDER, tidied_up, write_traffic
from tests.benchmarks.figures import Figure, machine, median_and_p95, table, times_ms
from tests.databases import SqliteFiles, open_database, postgres_server
from tests.presentation.backoffice.office import Office

END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RANGE = timedelta(days=90)
ROUNDS = 20
GOAL = "<= 100 / 50"
DAY = "since=2026-10-01T00:00&until=2026-10-02T00:00"
A_TENTH = "since=2026-10-01T00:00&until=2026-10-10T00:00"


class BigLists:
    """One database of so many attempts over ninety days, looked at by finance."""

    def __init__(self, url: str, attempts: int, rounds: int) -> None:
        self._rounds = rounds
        with open_database(url) as database:
            write_traffic(database, attempts, start=END - RANGE, length=RANGE)
            tidied_up(database)
        self._office = Office(url, is_new=False)
        self._visitor = self._office.logged_in("finn")
        middle = int(attempts / ATTEMPTS_PER_ORDER / 2)
        orders, transactions = "/admin/orders/", "/admin/transactions/"
        self.pages = {
            "orders, the newest": orders,
            "orders, from the middle on": f"{orders}?after=po_{middle}",
            "orders, failed": f"{orders}?status=failed",
            "orders, failed in dollars of one day": f"{orders}?status=failed&currency=USD&{DAY}",
            "orders, by an id": f"{orders}?search=po_{middle}",
            "orders, by an address that nobody has": f"{orders}?search=nobody@example.org",
            "transactions, the newest": transactions,
            "transactions, from the middle on": f"{transactions}?after=pa_{2 * middle - 1}",
            "transactions, unknown": f"{transactions}?status=unknown",
            "transactions, by an id": f"{transactions}?search=pa_{2 * middle - 1}",
            "one order": f"{orders}po_{middle}",
        }

    def page_ms(self, path: str) -> list[float]:
        def read() -> None:
            response = self._visitor.client.get(path)
            if response.status_code != 200:
                raise click.ClickException(f"{path}: {response.status_code}")

        return times_ms(read, self._rounds)

    def file(self, path: str) -> tuple[int, float, float, int]:
        """Of an export: rows, seconds to the first byte and to the last, MB that memory grew."""
        before = _memory_mb()
        started, first_s, rows, peak = time.perf_counter(), 0.0, 0, before
        response = self._visitor.client.get(path, buffered=False)
        for chunk in response.response:
            first_s = first_s or time.perf_counter() - started
            rows += bytes(chunk).count(b"\n")
            peak = max(peak, _memory_mb())
        return rows - 1, first_s, time.perf_counter() - started, peak - before


def _memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 // 1_000_000


@click.command()
@click.option("--attempts", default=1_000_000, show_default=True)
@click.option("--database", "only", type=click.Choice(["sqlite", "postgresql"]), default=None)
@click.option("--smoke", is_flag=True, help="Small: only to see that it runs.")
def main(*, attempts: int, only: str | None, smoke: bool) -> None:
    rounds = ROUNDS
    if smoke:
        attempts, rounds = 20_000, 3
    logging.disable(logging.INFO)
    click.echo(f"machine: {machine()}\n")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="payorch-lists-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if only != "postgresql":
            figures += _measured("SQLite", SqliteFiles(folder).new_database_url, attempts, rounds)
        if only != "sqlite":
            with postgres_server(folder) as server:
                figures += _measured("PostgreSQL", server.new_database_url, attempts, rounds)
    click.echo("\n" + table(figures))


def _measured(name: str, new_url: Callable[[], str], attempts: int, rounds: int) -> list[Figure]:
    small = BigLists(new_url(), max(1_000, attempts // 1_000), rounds)
    big = BigLists(new_url(), attempts, rounds)
    settle_heap()
    of = f"{name}, {attempts:,}"
    figures = []
    for what, path in big.pages.items():
        times, few = big.page_ms(path), small.page_ms(small.pages[what])
        ratio = statistics.median(times) / statistics.median(few)
        figures += [
            Figure("P11", f"{of}: {what}, median / p95 ms", median_and_p95(times), GOAL),
            Figure("P12", f"{of}: {what}, against a thousandth", f"{ratio:.2f}", "<= 1.5 / 1.2"),
        ]
    for kind in ("csv", "xlsx"):
        rows, first_s, whole_s, grown_mb = big.file(f"/admin/orders/export.{kind}?{A_TENTH}")
        told = f"{first_s:.2f} / {whole_s:.1f} s, {grown_mb} MB more"
        if kind == "csv":
            told += f", {rows:,} rows"
        figures.append(Figure("", f"{of}: orders as {kind}, first / last byte", told, ""))
    return figures


if __name__ == "__main__":
    main()
