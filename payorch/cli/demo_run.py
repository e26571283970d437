"""A running demo: its processes, its customers, and an outage now and then."""

import os
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import click

from payorch.cli.child_processes import ChildProcess
from payorch.cli.demo_folder import DemoFolder
from payorch.cli.practice_outages import PracticeOperator
from payorch.cli.traffic import Traffic
from payorch.config import Settings

FIRST_OUTAGE_AFTER_S = 40.0
OUTAGE_EVERY_S = 240.0
OUTAGE_LASTS_S = 40.0
OUTAGE_ACCOUNT = "alpha"
# Documented as "nothing was processed", so that the next provider may be tried.
OUTAGE_FAULT = "not_processed_503"
OUTAGE_SHARE = 0.9

STATUS_EVERY_S = 2.0
STATUS_EVERY_S_IN_A_FILE = 30.0
_LINE_ON_A_TERMINAL = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    host: str
    port: int
    sandbox_port: int
    rate: float
    with_outages: bool

    @property
    def web_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://localhost:{self.sandbox_port}"


def demo_environment(folder: DemoFolder, options: DemoOptions) -> dict[str, str]:
    """Environment of the demo's processes: this one's, with none of its own payorch settings."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("PAYORCH_")}
    return inherited | {
        "PAYORCH_ENV": "development",
        "PAYORCH_SECRET_KEY": folder.secret("secret_key"),
        "PAYORCH_DATABASE_URL": folder.database_url,
        "PAYORCH_BASE_URL": options.web_url,
        "PAYORCH_SANDBOX_URL": f"http://127.0.0.1:{options.sandbox_port}",
        "PAYORCH_SANDBOX_PUBLIC_URL": options.sandbox_url,
        # Practice cards are tried again and again; the schemes would not like it.
        "PAYORCH_SCHEME_RETRY_CAPS": "0",
        # The made-up past is in no provider's books.
        "PAYORCH_COMPARE_PROVIDERS_EVERY_H": "0",
        "PYTHONUNBUFFERED": "1",
    }


def demo_settings(folder: DemoFolder, options: DemoOptions) -> Settings:
    return Settings.from_env(demo_environment(folder, options))


class DemoRun:
    def __init__(self, folder: DemoFolder, options: DemoOptions, stop: threading.Event) -> None:
        self._folder = folder
        self._options = options
        self._stop = stop
        self._environment = demo_environment(folder, options)
        self._children: list[ChildProcess] = []
        self._outage_ends_at = 0.0

    def start(self, stack: ExitStack) -> None:
        """Start every process; `stack` stops them, the web process first."""
        options = self._options
        sandbox = self._child(
            stack,
            "practice provider",
            *("sandbox", "--host", options.host, "--port", str(options.sandbox_port)),
            *("--ledger", str(self._folder.ledger), "--public-url", options.sandbox_url),
            *("--webhook-base-url", f"http://127.0.0.1:{options.port}/webhooks"),
        )
        sandbox.wait_until_healthy(
            f"http://127.0.0.1:{options.sandbox_port}/healthz", self._stop.is_set
        )
        web = self._child(
            stack,
            "web server",
            *("serve", "--host", options.host, "--port", str(options.port)),
            *("--workers", "1", "--threads", "24"),
        )
        web.wait_until_healthy(f"http://127.0.0.1:{options.port}/readyz", self._stop.is_set)

    def run(self) -> None:
        """Until told to stop, or until a process ends by itself."""
        options = self._options
        traffic = Traffic(options.web_url, rate=options.rate, seed=os.getpid())
        customers = threading.Thread(target=traffic.run, args=(self._stop,), daemon=True)
        if options.rate > 0:
            customers.start()
        next_outage_at = time.monotonic() + FIRST_OUTAGE_AFTER_S
        is_terminal = sys.stdout.isatty()
        pause_s = STATUS_EVERY_S if is_terminal else STATUS_EVERY_S_IN_A_FILE
        next_status_at = 0.0
        while not self._stop.wait(0.5):
            now = time.monotonic()
            if options.with_outages and now >= next_outage_at:
                self._start_outage(now)
                next_outage_at = now + OUTAGE_EVERY_S
            if now >= next_status_at:
                self._show_status(traffic.counts, now, is_terminal=is_terminal)
                next_status_at = now + pause_s
            self._require_children()

    def _child(self, stack: ExitStack, name: str, *arguments: str) -> ChildProcess:
        log = self._folder.log(name.replace(" ", "-"))
        child = ChildProcess(name, arguments, environment=self._environment, log=log)
        stack.callback(child.stop)
        self._children.append(child)
        return child

    def _start_outage(self, now: float) -> None:
        operator = PracticeOperator(f"http://127.0.0.1:{self._options.sandbox_port}")
        if operator.start_outage(
            OUTAGE_ACCOUNT, OUTAGE_FAULT, share=OUTAGE_SHARE, lasts_s=OUTAGE_LASTS_S
        ):
            self._outage_ends_at = now + OUTAGE_LASTS_S

    def _show_status(self, counts: Counter[str], now: float, *, is_terminal: bool) -> None:
        line = status_line(counts)
        if now < self._outage_ends_at:
            line += f"  | Alpha Pay is failing for {self._outage_ends_at - now:.0f} s more"
        click.echo(f"{_LINE_ON_A_TERMINAL}{line}" if is_terminal else line, nl=not is_terminal)

    def _require_children(self) -> None:
        for child in self._children:
            if child.has_ended and not self._stop.is_set():
                raise click.ClickException(
                    f"The {child.name} has ended by itself:\n{child.last_lines()}"
                )


def status_line(counts: Counter[str]) -> str:
    """Like "120 orders: 101 paid, 15 declined, 4 confirming"."""
    kinds = ", ".join(
        f"{number} {kind}" for kind, number in counts.most_common() if kind != "orders"
    )
    return f"{counts['orders']} orders: {kinds}" if counts["orders"] else "waiting for customers"
