"""Runs payorch as two web servers and two workers, and kills all of it with -9 all the time: the
processes of payorch, those of the providers, and the database server where there is one.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.chaos.chaos_database import ChaosDatabase
from tests.chaos.provider_processes import Providers
from tests.web_process import REPOSITORY, WebProcess, environment

STRIKE_EVERY_S = 1.2
"""Of each web server: with two of them, and the workers, something dies every half second."""

WHOLE_SERVER_SHARE = 0.2
"""The other strikes kill the workers only: the listening process then forks new ones at once."""

WORKER_LIVES_S = (2.5, 5.0)
"""It needs a second or two to start, and must live long enough to be at work."""

STAFF_LIVES_S = (3.0, 6.0)
"""From the moment on which they are at work."""

PROVIDER_LIVES_S = (4.0, 9.0)
DATABASE_LIVES_S = (6.0, 12.0)

_FOR_ALL = {"log_level": "ERROR", "max_api_calls_per_min": 0}
"""The storm's shoppers share one key."""


@dataclass(frozen=True, slots=True)
class Payorch:
    """How payorch is started: the arguments for Python, and the settings of all its processes."""

    folder: Path
    command: tuple[str, ...]
    settings: dict[str, str]
    environment: dict[str, str]

    def start_web(self, port: int) -> WebProcess:
        process = self.start("serve", "--port", str(port), "--workers", "3", "--threads", "4")
        return WebProcess(f"http://127.0.0.1:{port}", process, self.folder / "serve.log")

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """A process that leads a group of its own; its log bears the subcommand's name."""
        return self._spawn(arguments[0], *self.command, *arguments)

    def start_staff(self) -> "subprocess.Popen[bytes]":
        """Returns when they are at work, or could not begin."""
        ready = self.folder / "staff.ready"
        ready.unlink(missing_ok=True)
        process = self._spawn("staff", "-m", "tests.chaos.refunding_staff", str(ready))
        while not ready.exists() and process.poll() is None:
            time.sleep(0.05)
        return process

    def start_reviewers(self, at_providers: list[str]) -> "subprocess.Popen[bytes]":
        """`at_providers`: our references of the refunds that the providers' books have."""
        arguments = ("-m", "tests.chaos.reviewing_staff", json.dumps(at_providers))
        return self._spawn("reviewers", *arguments)

    def run(self, *arguments: str) -> str:
        """What the command prints, however it ends."""
        return subprocess.run(
            [sys.executable, *self.command, *arguments],
            capture_output=True,
            check=False,
            cwd=REPOSITORY,
            env=environment(**_FOR_ALL, **self.settings) | self.environment,
            text=True,
            timeout=120,
        ).stdout

    def _spawn(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env=environment(**_FOR_ALL, **self.settings) | self.environment,
                start_new_session=True,
            )


def workers_of(process_id: int) -> list[int]:
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in children.split()]


class Storm:
    """`strikes` counts the kills by what was killed. A strike that fails ends up in `failures`."""

    def __init__(
        self,
        payorch: Payorch,
        ports: list[int],
        providers: Providers,
        database: ChaosDatabase,
        seed: int,
    ) -> None:
        self._payorch = payorch
        self._ports = ports
        self._providers = providers
        self._database = database
        self._seed = seed
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.strikes: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    @property
    def base_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def start(self) -> None:
        """Returns when all web servers have answered once; from then on they are struck."""
        first = [self._payorch.start_web(port) for port in self._ports]
        for web in first:
            web.wait_until_healthy(within_s=60)
        loops: list[Callable[[random.Random], None]] = [
            *(
                partial(self._strike_web, web, port)
                for web, port in zip(first, self._ports, strict=True)
            ),
            *[self._strike_worker] * 2,
            self._strike_staff,
            *(partial(self._strike_provider, process) for process in self._providers.processes),
        ]
        if self._database.crash is not None:
            loops.append(partial(self._strike_database, self._database.crash))
        self._threads = [
            threading.Thread(target=self._run, args=[loop, random.Random(self._seed + number)])
            for number, loop in enumerate(loops)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nothing of payorch runs any more when this returns; providers and database do."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _run(self, loop: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            loop(chance)
        except BaseException as failure:  # noqa: BLE001 - it has to reach the thread that waits
            self.failures.append(failure)

    def _strike_web(self, web: WebProcess, port: int, chance: random.Random) -> None:
        try:
            while not self._is_over.wait(STRIKE_EVERY_S * chance.uniform(0.7, 1.3)):
                if chance.random() < WHOLE_SERVER_SHARE:
                    web.kill()
                    self.strikes["web server"] += 1
                    web = self._payorch.start_web(port)
                    with suppress(RuntimeError):
                        web.wait_until_healthy(within_s=20)
                else:
                    self._strike_workers_of(web, chance)
        finally:
            web.kill()

    def _strike_workers_of(self, web: WebProcess, chance: random.Random) -> None:
        """One of them or all."""
        workers = workers_of(web.process.pid)
        if workers and chance.random() < 0.7:
            workers = [chance.choice(workers)]
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                self.strikes["web worker"] += 1

    def _strike_worker(self, chance: random.Random) -> None:
        def start() -> "subprocess.Popen[bytes]":
            return self._payorch.start("worker")

        self._strike_again("background worker", start, lambda: chance.uniform(*WORKER_LIVES_S))

    def _strike_staff(self, chance: random.Random) -> None:
        self._strike_again(
            "refunding staff", self._payorch.start_staff, lambda: chance.uniform(*STAFF_LIVES_S)
        )

    def _strike_again(
        self, name: str, start: Callable[[], "subprocess.Popen[bytes]"], life_s: Callable[[], float]
    ) -> None:
        while not self._is_over.is_set():
            process = start()
            self._is_over.wait(life_s())
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.strikes[name] += 1

    def _strike_provider(self, process, chance: random.Random) -> None:
        while not self._is_over.wait(chance.uniform(*PROVIDER_LIVES_S)):
            process.strike()
            self.strikes["provider"] += 1

    def _strike_database(self, crash: Callable[[], None], chance: random.Random) -> None:
        while not self._is_over.wait(chance.uniform(*DATABASE_LIVES_S)):
            crash()
            self.strikes["database"] += 1
