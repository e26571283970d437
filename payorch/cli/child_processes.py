"""Processes that a command starts and that must not outlive it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import urllib3

PATIENCE_AT_START_S = 60.0
PATIENCE_AT_END_S = 8.0
_PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal a process gets when the one that started it dies."""


class ChildProcess:
    """One child in a session of its own, so that Ctrl-C reaches only its parent, who then stops
    the children in order.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [sys.executable, "-m", "payorch.cli", *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - runs before any thread is started
            )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait_until_healthy(self, url: str, give_up: Callable[[], bool]) -> None:
        """Until `url` answers 200. Ends the command, with the log's last lines, when it fails."""
        until = time.monotonic() + PATIENCE_AT_START_S
        while time.monotonic() < until and not self.has_ended and not give_up():
            try:
                answer = urllib3.request("GET", url, timeout=2.0, retries=False)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
                continue
            if answer.status == 200:
                return
            time.sleep(0.1)
        if not give_up():
            raise click.ClickException(f"The {self.name} did not start:\n{self.last_lines()}")

    def last_lines(self, count: int = 15) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line[:300]}" for line in lines[-count:])

    def stop(self) -> None:
        """Ask it to end, then insist; whatever it started itself ends with it."""
        if not self.has_ended:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE_AT_END_S)
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """What the child does first: ask the kernel for SIGTERM when its parent is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask
