"""The practice provider as the tests use it: a real process on a free port, over real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from payorch.sandbox_provider.settings import DEFAULT_ADMIN_KEY, SHIPPED_PROFILES

# Every account answers at once and never fails by itself, so that a test sees what it asked for.
CALM = {"latency": None, "faults": None, "approval_rate": 1, "challenge_share": 0, "hold_s": 10}


class SandboxProcess:
    """One running process: `base_url`, the merchant's calls, and the operator's."""

    def __init__(self, base_url: str, process: "subprocess.Popen[bytes]") -> None:
        self.base_url = base_url
        self.process = process
        self._http = urllib3.PoolManager(maxsize=64, retries=False)

    def kill(self) -> None:
        """As kill -9 of everything: the server's worker would outlive its parent for a second."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        address = self.base_url.rpartition(":")
        until = time.monotonic() + 30
        with suppress(OSError):
            while time.monotonic() < until:
                socket.create_connection(("127.0.0.1", int(address[2])), timeout=5).close()

    def api_key(self, account: str) -> str:
        return f"practice_key_{account}"

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = 15,
    ) -> tuple[int, Any]:
        """Status and decoded JSON; raises urllib3's errors for answers that break."""
        response = self._http.request(
            method,
            self.base_url + path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json", **(headers or {})},
            timeout=timeout_s,
        )
        return response.status, json.loads(response.data)

    def call(
        self,
        account: str,
        method: str,
        path: str,
        *,
        body: object = None,
        key: str | None = None,
        timeout_s: float = 15,
    ) -> tuple[int, Any]:
        """A merchant's call; `path` follows /{account}/v1."""
        headers = {"Authorization": f"Bearer {self.api_key(account)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.send(
            method, f"/{account}/v1{path}", body=body, headers=headers, timeout_s=timeout_s
        )

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """An operator's call; `path` follows /admin. Fails the test when it is refused."""
        status, answer = self.send(
            method, f"/admin{path}", body=body, headers={"X-Sandbox-Admin": DEFAULT_ADMIN_KEY}
        )
        assert status < 300, answer
        return answer

    def patch_profile(self, account: str, **fields: object) -> Any:
        return self.admin("PATCH", f"/profiles/{account}", fields)

    def start_outage(self, account: str, fault: str, **fields: object) -> Any:
        return self.admin("POST", "/outages", {"account": account, "fault": fault, **fields})

    def end_outages(self) -> None:
        self.admin("DELETE", "/outages")

    def land_late_arrivals(self) -> int:
        return int(self.admin("POST", "/late-arrivals/land")["landed"])

    def settle_now(self) -> int:
        """Ends what is pending; how many payments and refunds that were."""
        return int(self.admin("POST", "/settlements/settle")["settled"])

    def events(self, **wanted: str) -> list[dict[str, Any]]:
        """Events with their deliveries, oldest first; by `account`, `payment` or `type`."""
        query = "?" + urlencode(wanted) if wanted else ""
        return list(self.admin("GET", f"/events{query}")["data"])

    def redeliver(self, event_id: str, kind: str = "plain") -> None:
        self.admin("POST", f"/events/{event_id}/redeliver", {"kind": kind})

    def send_event(self, payment_id: str, **fields: object) -> str:
        """Sends one now and gives its id; `kind` forged (default), duplicate, stale or plain."""
        return str(self.admin("POST", "/events", {"payment": payment_id, **fields})["id"])

    def ledger(self, account: str | None = None) -> dict[str, list[dict[str, Any]]]:
        return self.admin("GET", "/ledger" + (f"?account={account}" if account else ""))

    def payments_of(self, reference: str) -> list[dict[str, Any]]:
        return [item for item in self.ledger()["payments"] if item["reference"] == reference]

    def reset(self, *, calm: bool = True) -> None:
        """An empty ledger, no outages, and the profiles as at the start."""
        self.admin("POST", "/reset")
        if calm:
            self.calm_down()

    def calm_down(self) -> None:
        for profile in self.admin("GET", "/profiles")["data"]:
            self.patch_profile(profile["account"], **CALM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(base_url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    # urllib3 spaces its tries out itself, so nothing here has to sleep.
    patience = urllib3.Retry(total=8, connect=8, backoff_factor=0.05)
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib3.request("GET", f"{base_url}/healthz", retries=patience, timeout=5)
        except urllib3.exceptions.HTTPError:
            continue
        return
    raise RuntimeError(f"The practice provider did not start: {log.read_text()[-2000:]}")


@contextmanager
def sandbox_process(
    folder: Path,
    *,
    port: int | None = None,
    calm: bool = True,
    seed: int = 1,
    threads: int = 64,
    sync: bool = False,
    profiles: Path = SHIPPED_PROFILES,
    webhook_base_url: str | None = None,
) -> Iterator[SandboxProcess]:
    """Starts the process with its ledger and log in `folder`; ends it when the block is left.

    The ledger's fsync is off by default: tests end processes, not the power supply. With
    `webhook_base_url` each account posts its events to {webhook_base_url}/{account}.
    """
    port = port or free_port()
    base_url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "payorch.sandbox_provider", "--port", str(port)),
        *("--ledger", str(folder / "practice-provider.sqlite3"), "--profiles", str(profiles)),
        *("--seed", str(seed), "--threads", str(threads), "--sync" if sync else "--no-sync"),
        *(() if webhook_base_url is None else ("--webhook-base-url", webhook_base_url)),
    ]
    log = folder / "practice-provider.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[1],
            # A group of its own, so that `kill` reaches the worker too.
            start_new_session=True,
        )
    try:
        _wait_until_healthy(base_url, process, log)
        sandbox = SandboxProcess(base_url, process)
        if calm:
            sandbox.calm_down()
        yield sandbox
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
