"""payorch's web process as in production: `payorch serve`, gunicorn and all, on a free port."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.sandbox_process import free_port

REPOSITORY = Path(__file__).parents[1]
_WITHOUT_LIMITS = {"scheme_retry_caps": 0, "max_api_calls_per_min": 0}
"""One client does here what many do elsewhere, and with few practice cards."""

PAYORCH = ("-c", "from payorch.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


class WebProcess:
    """One process group: the listening process and its workers."""

    def __init__(self, base_url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.base_url = base_url
        self.process = process
        self.log = log
        self._http = urllib3.PoolManager(maxsize=128, retries=False)

    def post(self, path: str, body: object, *, key: str, timeout_s: float = 60) -> Answer:
        response = self._http.request(
            "POST",
            f"{self.base_url}/api/v1{path}",
            body=json.dumps(body),
            headers={"Content-Type": "application/json", "Idempotency-Key": key},
            timeout=timeout_s,
        )
        return Answer(response.status, json.loads(response.data), dict(response.headers))

    def is_healthy(self) -> bool:
        try:
            return bool(self._http.request("GET", f"{self.base_url}/healthz", timeout=5).status)
        except urllib3.exceptions.HTTPError:
            return False

    def wait_until_healthy(self, *, within_s: float = 30) -> None:
        until = time.monotonic() + within_s
        while not self.is_healthy():
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"payorch did not start: {self.log.read_text()[-3000:]}")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def kill(self) -> None:
        """kill -9 for all processes of the group at once, as the out-of-memory killer would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with `settings` as payorch's, and no others of payorch's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYORCH_")}
    return kept | {f"PAYORCH_{name.upper()}": str(value) for name, value in settings.items()}


def start_web(
    folder: Path,
    *,
    port: int | None = None,
    workers: int = 2,
    threads: int = 16,
    command: tuple[str, ...] = PAYORCH,
    **settings: object,
) -> WebProcess:
    """Starts it without waiting. It leads a process group of its own; its log is in `folder`."""
    port = port or free_port()
    log = folder / f"web-{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, *command, "serve", "--port", str(port)),
                *("--workers", str(workers), "--threads", str(threads)),
            ],
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=environment(**{**_WITHOUT_LIMITS, "log_level": "ERROR", **settings}),
            start_new_session=True,
        )
    return WebProcess(f"http://127.0.0.1:{port}", process, log)


@contextmanager
def web_process(folder: Path, **options: Any) -> Iterator[WebProcess]:
    """A web process that answers; ended when the block is left."""
    web = start_web(folder, **options)
    try:
        web.wait_until_healthy()
        yield web
    finally:
        # Waiting for idle keep-alive connections to end would only make tests slow.
        web.kill()


def a_payment_body(number: str = "4242424242424242", **fields: object) -> dict[str, object]:
    """The JSON of POST /api/v1/payments."""
    defaults: dict[str, object] = {
        "amount_minor": 1999,
        "currency": "EUR",
        "description": "Two books",
        "country": "DE",
        "customer": {"name": "Ana Diaz", "email": "ana@example.com"},
        "card": {
            "number": number,
            "exp_month": 12,
            "exp_year": 2034,
            "cvc": "123",
            "holder": "Ana Diaz",
        },
    }
    return defaults | fields
