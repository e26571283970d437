"""Provider processes that are killed like everything else, and come back with their ledger."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import urllib3

from tests.chaos.bad_providers import CHARGED_BUT_NOT_SAID
from tests.sandbox_process import SandboxProcess, free_port
from tests.web_process import REPOSITORY, environment

START_WITHIN_S = 30.0

Profiles = Mapping[str, Mapping[str, Any]]
"""By account: how it fails."""


class ProviderProcess:
    """One provider: some accounts, one ledger, one address; `lost_answers` over all its lives."""

    def __init__(self, folder: Path, profiles: Profiles, webhook_base_url: str) -> None:
        folder.mkdir()
        self._folder = folder
        self._webhook_base_url = webhook_base_url
        self._port = free_port()
        self._lives = 0
        self._lost_before = 0
        self.accounts = tuple(profiles)
        (folder / "profiles.toml").write_text(_as_toml(profiles))
        self._process = self._start()
        self.client = SandboxProcess(self.base_url, self._process)
        self.wait_until_healthy()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def lost_answers(self) -> int:
        """How often money moved, or was about to, without payorch being told."""
        return self._lost_before + self._lost_in_this_life()

    def strike(self) -> None:
        """kill -9, and a new process on the same address and ledger."""
        with suppress(urllib3.exceptions.HTTPError):
            self._lost_before += self._lost_in_this_life()
        self.end()
        self._process = self._start()
        self.wait_until_healthy()

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait_until_healthy(self) -> None:
        give_up_at = time.monotonic() + START_WITHIN_S
        patience = urllib3.Retry(total=8, connect=8, backoff_factor=0.05)
        while time.monotonic() < give_up_at and self._process.poll() is None:
            with suppress(urllib3.exceptions.HTTPError):
                urllib3.request("GET", f"{self.base_url}/healthz", retries=patience, timeout=5)
                return
        log = (self._folder / "log").read_text()[-2000:]
        raise RuntimeError(f"A provider did not come back: {log}")

    def _lost_in_this_life(self) -> int:
        events = self.client.admin("GET", "/stats")["events"]
        return sum(
            number
            for account in events.values()
            for name, number in account.items()
            if name in CHARGED_BUT_NOT_SAID
        )

    def _start(self) -> "subprocess.Popen[bytes]":
        self._lives += 1
        command = [
            *(sys.executable, "-m", "payorch.sandbox_provider", "--port", str(self._port)),
            *("--ledger", str(self._folder / "ledger.sqlite3"), "--no-sync"),
            *("--profiles", str(self._folder / "profiles.toml"), "--threads", "48"),
            *("--webhook-base-url", self._webhook_base_url),
            # With the same seed in each life the same faults would strike first each time.
            *("--seed", str(self._lives)),
        ]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env=environment(),
                start_new_session=True,
            )


class Providers:
    """All provider processes of a run, and their ledgers as one."""

    def __init__(self, processes: list[ProviderProcess]) -> None:
        self.processes = processes

    @property
    def addresses(self) -> dict[str, str]:
        """The base URL of each account."""
        return {code: process.base_url for process in self.processes for code in process.accounts}

    @property
    def lost_answers(self) -> int:
        return sum(process.lost_answers for process in self.processes)

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        ledgers = [process.client.ledger() for process in self.processes]
        return {
            name: [entry for ledger in ledgers for entry in ledger[name]]
            for name in ("payments", "refunds")
        }

    def land_late_arrivals(self) -> None:
        for process in self.processes:
            process.client.land_late_arrivals()

    def calm_down(self) -> None:
        for process in self.processes:
            for account in process.accounts:
                process.client.patch_profile(account, webhook_faults={})
            process.client.calm_down()

    def end(self) -> None:
        for process in self.processes:
            process.end()


def _as_toml(profiles: Profiles) -> str:
    lines = []
    for account, profile in profiles.items():
        lines += [f"[accounts.{account}]", f'api_key = "practice_key_{account}"']
        lines += [f"{name} = {_value(value)}" for name, value in profile.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)
