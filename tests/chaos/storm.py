"""Runs payorch as two web servers and two reconcilers, and kills them with -9 all the time."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.web_process import PAYORCH, REPOSITORY, WebProcess, environment, start_web

STRIKE_EVERY_S = 0.7
WHOLE_SERVER_SHARE = 0.35
"""The other strikes kill the workers only: the listening process then forks new ones at once."""


def start_reconciler(folder: Path, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
    with (folder / "reconcile.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *PAYORCH, "reconcile", "--every", "0.3", "--limit", "50"],
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
            env=environment(log_level="ERROR", **settings),
            start_new_session=True,
        )


def workers_of(process_id: int) -> list[int]:
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in children.split()]


class Storm:
    """`settings` are payorch's. `strikes` counts the kills by what was killed."""

    def __init__(
        self, folder: Path, ports: list[int], settings: dict[str, str], command: tuple[str, ...]
    ) -> None:
        self._folder = folder
        self._ports = ports
        self._settings = settings
        self._command = command
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.strikes: Counter[str] = Counter()

    @property
    def base_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def start(self) -> None:
        """Returns when all web servers have answered once; from then on they are struck."""
        first = [self._start_web(port) for port in self._ports]
        for web in first:
            web.wait_until_healthy()
        loops = [
            *(
                lambda web=web, port=port: self._strike_web(web, port)  # type: ignore[misc]  # bound now
                for web, port in zip(first, self._ports, strict=True)
            ),
            *[self._strike_reconciler] * 2,
        ]
        self._threads = [threading.Thread(target=loop) for loop in loops]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nothing of payorch runs any more when this returns."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _start_web(self, port: int) -> WebProcess:
        return start_web(
            self._folder, port=port, threads=8, command=self._command, **self._settings
        )

    def _strike_web(self, web: WebProcess, port: int) -> None:
        chance = random.Random(port)
        while not self._is_over.wait(STRIKE_EVERY_S * chance.uniform(0.7, 1.3)):
            if chance.random() < WHOLE_SERVER_SHARE:
                web.kill()
                self.strikes["web server"] += 1
                web = self._start_web(port)
                with suppress(RuntimeError):
                    web.wait_until_healthy(within_s=20)
            else:
                for worker in workers_of(web.process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
                        self.strikes["web worker"] += 1
        web.kill()

    def _strike_reconciler(self) -> None:
        chance = random.Random()
        while not self._is_over.is_set():
            reconciler = start_reconciler(self._folder, self._settings)
            # It needs a second or so to start, and must live long enough to be at work.
            self._is_over.wait(chance.uniform(2.5, 5.0))
            os.killpg(reconciler.pid, signal.SIGKILL)
            reconciler.wait()
            self.strikes["reconciler"] += 1
