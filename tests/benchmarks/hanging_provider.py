"""What one hanging provider costs the customers of the others.

    python -m tests.benchmarks.hanging_provider --help

gunicorn with 2 workers of 8 threads, payments that arrive at a steady rate whatever becomes of
those before (as customers do), a fifth of them for a provider that answers nothing until it is
cut off. Its bulkhead keeps its calls from taking all threads; its breaker, shared by both workers,
soon leaves it out. The healthy provider's p95 is compared with a run of the same payments in
which both are well (T15 of the reliability goals: at most 1.5 x).
"""

import json
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click

from tests.benchmarks.closed_loop import Connection
from tests.benchmarks.figures import Figure, machine, table
from tests.databases import SqliteFiles, open_database, postgres_server
from tests.sandbox_process import SandboxProcess, sandbox_process
from tests.shop import a_method, seed
from tests.web_process import WebProcess, a_payment_body, web_process

HANGING, HEALTHY = "alpha", "beta"
HANGS_FOR_MS = 30_000
PROVIDER_MS = 20
CLIENT_THREADS = 96
EVERY_NTH_HANGS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    seconds: int
    per_second: int
    timeout_s: float
    places: int


@dataclass(slots=True)
class Seen:
    """Latencies of the payments that chose the healthy provider; other answers by status."""

    healthy_ms: list[float] = field(default_factory=list)
    other_ms: list[float] = field(default_factory=list)
    unpaid: int = 0

    def p95(self) -> float:
        return _percentile(self.healthy_ms, 0.95)


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=4, type=click.IntRange(1))
@click.option("--seconds", default=30, type=click.IntRange(2), help="Length of each measurement.")
@click.option("--per-second", default=10, type=click.IntRange(1), help="Payments that arrive.")
@click.option("--timeout", "timeout_s", default=5.0, help="Seconds until a call is cut off.")
@click.option("--places", default=2, type=click.IntRange(1), help="The bulkhead, per worker.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="postgresql")
@click.option("--smoke", is_flag=True, help="One short round: does it still run?")
def main(*, database: str, smoke: bool, **options: float) -> None:
    """The healthy provider's p95 with and without a hanging one beside it, and their ratio."""
    plan = Plan(**options)  # type: ignore[arg-type]
    if smoke:
        plan = Plan(1, 6, plan.per_second, 1.0, plan.places)
    click.echo(f"machine: {machine()}")
    click.echo(
        f"settings: {database}, gunicorn gthread 2x8, {plan.per_second} payments/s, every "
        f"{EVERY_NTH_HANGS}th for the hanging provider (cut off after {plan.timeout_s:g} s, "
        f"{plan.places} places per worker), {plan.rounds} rounds of {plan.seconds} s\n"
    )
    with (
        tempfile.TemporaryDirectory(prefix="payorch-benchmark-") as folder,
        _shop(Path(folder), database, plan) as (web, sandbox),
    ):
        calm, hanging = _take_turns(plan, web, sandbox)
    click.echo(table(_figures(calm, hanging)))


def _take_turns(
    plan: Plan, web: WebProcess, sandbox: SandboxProcess
) -> tuple[list[Seen], list[Seen]]:
    calm, hanging = [], []
    _run(web, plan, seconds=1)
    for _ in range(plan.rounds):
        calm.append(_run(web, plan, seconds=plan.seconds))
        sandbox.patch_profile(HANGING, latency=_latency(HANGS_FOR_MS))
        hanging.append(_run(web, plan, seconds=plan.seconds))
        sandbox.patch_profile(HANGING, latency=_latency(PROVIDER_MS))
        _wait_until_closed(web)
    return calm, hanging


def _figures(calm: list[Seen], hanging: list[Seen]) -> list[Figure]:
    ratios = [bad.p95() / good.p95() for good, bad in zip(calm, hanging, strict=True)]
    return [
        Figure("T15", "healthy p95, one hanging / none", f"{median(ratios):.2f}", "<= 1.5"),
        Figure("", "healthy p50 / p95, none hanging", _both(calm, "healthy_ms"), ""),
        Figure("", "healthy p50 / p95, one hanging", _both(hanging, "healthy_ms"), ""),
        Figure("", "p50 / p95 of those that chose the hanging one", _both(hanging, "other_ms"), ""),
        Figure("", "not paid at once, one hanging", str(sum(s.unpaid for s in hanging)), ""),
    ]


def _both(runs: list[Seen], name: str) -> str:
    p50, p95 = (
        median(_percentile(getattr(run, name), share) for run in runs) for share in (0.5, 0.95)
    )
    return f"{p50:.0f} / {p95:.0f} ms"


def _run(web: WebProcess, plan: Plan, *, seconds: int) -> Seen:
    """Payments at their times, each on a thread that waits for its answer."""
    seen, lock = Seen(), threading.Lock()
    port = int(web.base_url.rpartition(":")[2])
    began = time.perf_counter() + 0.1

    def pay(number: int) -> None:
        due = began + number / plan.per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        is_for_hanging = number % EVERY_NTH_HANGS == 0
        connection = Connection(port)
        answer = connection.exchange(_request(HANGING if is_for_hanging else HEALTHY))
        connection.close()
        # From when it was due: a client that could not even send yet has waited as well.
        took_ms = (time.perf_counter() - due) * 1000
        with lock:
            (seen.other_ms if is_for_hanging else seen.healthy_ms).append(took_ms)
            seen.unpaid += b'"paid"' not in answer

    with ThreadPoolExecutor(CLIENT_THREADS) as pool:
        list(pool.map(pay, range(seconds * plan.per_second)))
    return seen


def _request(provider: str) -> bytes:
    body = json.dumps(a_payment_body(provider=provider)).encode()
    return (
        b"POST /api/v1/payments HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n"
        b"Idempotency-Key: %s\r\n\r\n%b" % (len(body), secrets.token_hex(12).encode(), body)
    )


def _wait_until_closed(web: WebProcess) -> None:
    """The breaker takes the provider back by its own probes, made of these payments."""
    port = int(web.base_url.rpartition(":")[2])
    give_up_at = time.monotonic() + 180
    good = 0
    while good < 6:
        if time.monotonic() > give_up_at:
            raise RuntimeError("The circuit did not close again.")
        connection = Connection(port)
        answer = connection.exchange(_request(HANGING))
        connection.close()
        good = good + 1 if b'"provider":"alpha"' in answer.replace(b" ", b"") else 0
        if not good:
            time.sleep(0.5)


@contextmanager
def _shop(folder: Path, database: str, plan: Plan) -> Iterator[tuple[WebProcess, SandboxProcess]]:
    with _database_url(folder, database) as url, sandbox_process(folder) as sandbox:
        with open_database(url) as opened:
            seed(
                opened,
                [
                    a_method(HEALTHY, timeout_s=plan.timeout_s, max_concurrency=8),
                    a_method(HANGING, timeout_s=plan.timeout_s, max_concurrency=plan.places),
                ],
            )
        for account in (HANGING, HEALTHY):
            sandbox.patch_profile(account, latency=_latency(PROVIDER_MS))
        with web_process(
            folder, workers=2, threads=8, database_url=url, sandbox_url=sandbox.base_url
        ) as web:
            yield web, sandbox


@contextmanager
def _database_url(folder: Path, database: str) -> Iterator[str]:
    if database == "sqlite":
        yield SqliteFiles(folder).new_database_url()
        return
    with postgres_server(folder, is_durable=True) as server:
        yield server.new_database_url()


def _latency(milliseconds: int) -> dict[str, int]:
    return {"p50_ms": milliseconds, "p95_ms": milliseconds}


def _percentile(values: list[float], share: float) -> float:
    """Nearest rank, so the result is a latency that was really measured."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


if __name__ == "__main__":
    main()
