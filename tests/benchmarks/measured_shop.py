"""payorch under gunicorn with a prompt provider, and what one run of clients costs it."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from payorch.domain.api_key import Scope
from tests.api_keys import a_key
from tests.benchmarks.closed_loop import Load, run_clients
from tests.benchmarks.processor_time import cpu_ms
from tests.databases import open_database
from tests.sandbox_process import free_port, sandbox_process
from tests.shop import a_method, seed
from tests.web_process import REPOSITORY, WebProcess, a_payment_body, web_process

CARD = "4242424242424242"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU per payment, in milliseconds, of each party on the machine."""

    load: Load
    web_ms: float
    database_ms: float
    provider_ms: float


@dataclass(frozen=True, slots=True)
class MeasuredShop:
    web: WebProcess
    provider_pid: int
    provider_port: int
    database_pid: int | None
    bearer: str

    def run(self, *, clients: int, seconds: float) -> Cost:
        """Each request pays an order of its own. Raises when one was not paid."""
        before = self._cpu()
        load = run_clients(
            int(self.web.base_url.rpartition(":")[2]),
            _payment_requests(self.bearer),
            expect=_is_paid,
            clients=clients,
            seconds=seconds,
        )
        if load.failures:
            raise RuntimeError(f"{len(load.failures)} payments failed: {load.failures[0]}")
        paid = len(load.latencies_ms)
        web, database, provider = (
            (now - then) / paid for now, then in zip(self._cpu(), before, strict=True)
        )
        return Cost(load, web, database, provider)

    def provider_p50_ms(self, *, seconds: float) -> float:
        """What the provider's own answer takes, over a kept-alive connection."""
        load = run_clients(
            self.provider_port,
            _charge_requests(),
            expect=lambda answer: b" 201 " in answer[:20],
            clients=1,
            seconds=seconds,
        )
        return load.percentile_ms(0.5)

    def _cpu(self) -> tuple[float, float, float]:
        return (
            cpu_ms(self.web.process.pid),
            cpu_ms(self.database_pid) if self.database_pid else 0.0,
            cpu_ms(self.provider_pid),
        )


@contextmanager
def measured_shop(
    folder: Path,
    database_url: str,
    *,
    provider: str,
    database_pid: int | None = None,
    with_api_key: bool = False,
    **settings: object,
) -> Iterator[MeasuredShop]:
    """One method, so that every payment goes to the same provider.

    `with_api_key`: the clients call with an API key, which is looked up each time, instead of
    with the configured token.
    """
    bearer = secrets.token_hex(20)
    with open_database(database_url) as database:
        seed(database, [a_method("alpha", timeout_s=10.0, max_concurrency=64)])
        if with_api_key:
            bearer = a_key(database, scopes=[Scope.WRITE_PAYMENTS]).text
        else:
            settings["api_token"] = bearer
    with (
        running_provider(folder, provider) as (process_id, port),
        web_process(
            folder,
            workers=2,
            threads=8,
            database_url=database_url,
            sandbox_url=f"http://127.0.0.1:{port}",
            # As in production: one line for each request, and a process of its own for what waits
            # in the outbox. A payment is measured up to its outbox, not the letter that follows.
            **{"log_level": "INFO", "embedded_worker": 0, **settings},
        ) as web,
    ):
        yield MeasuredShop(web, process_id, port, database_pid, bearer)


@contextmanager
def running_provider(folder: Path, provider: str) -> Iterator[tuple[int, int]]:
    """(process id, port) of the practice provider ("practice") or of the prompt one."""
    if provider == "practice":
        ledger = folder / secrets.token_hex(4)
        ledger.mkdir()
        with sandbox_process(ledger) as sandbox:
            yield sandbox.process.pid, int(sandbox.base_url.rpartition(":")[2])
        return
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.prompt_provider", str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        patience = urllib3.Retry(total=8, connect=8, backoff_factor=0.05)
        urllib3.request("GET", f"http://127.0.0.1:{port}/", retries=patience, timeout=5)
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def _payment_requests(bearer: str):
    """Each payment is another customer's, as in a shop: the limits on declines look at theirs."""
    customer = {"name": "Ana Diaz", "email": "%b@example.com"}
    template = json.dumps(a_payment_body(CARD, customer=customer)).encode()
    run = secrets.token_hex(6)

    def request_for(client: int, number: int) -> bytes:
        key = f"{run}-{client}-{number}".encode()
        body = template % key
        return (
            b"POST /api/v1/payments HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n"
            b"Authorization: Bearer %b\r\n"
            b"Idempotency-Key: %b\r\n\r\n%b" % (len(body), bearer.encode(), key, body)
        )

    return request_for


def _charge_requests():
    """What payorch sends to its provider for such a payment."""
    ordered = a_payment_body(CARD)
    run = secrets.token_hex(6)

    def request_for(_client: int, number: int) -> bytes:
        reference = f"pa_{run}{number}"
        body = json.dumps(
            {
                "reference": reference,
                "amount": ordered["amount_minor"],
                "method": "card",
                **{
                    name: ordered[name]
                    for name in ("currency", "card", "description", "country", "customer")
                },
                "return_url": "http://localhost:4321/orders/x/return",
            }
        ).encode()
        return (
            b"POST /alpha/v1/payments HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer practice_key_alpha\r\nContent-Type: application/json\r\n"
            b"Idempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%b"
            % (reference.encode(), len(body), body)
        )

    return request_for


def _is_paid(answer: bytes) -> bool:
    return b" 201 " in answer[:20] and b'"result":"paid"' in answer
