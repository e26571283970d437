"""payorch served over HTTP with its embedded worker, and a practice provider that posts to it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from flask import Flask

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.jobs.embedded import start_embedded_worker
from tests.browser.live_server import serving
from tests.sandbox_process import SandboxProcess, free_port
from tests.shop import a_method, seed
from tests.web_process import a_payment_body

PATIENCE_S = 45.0
ACCOUNTS = ("alpha", "beta")


class LiveShop:
    """A shop and its customers. Redirects are not followed: a customer decides herself."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app = app
        self.url = url
        self.wired = wired(app)
        self.database = self.wired.database
        self._http = urllib3.PoolManager(maxsize=32, retries=False)

    def pay(self, number: str, **fields: object) -> dict[str, Any]:
        """The API's answer to a payment with this card."""
        answer = self._http.request(
            "POST",
            f"{self.url}/api/v1/payments",
            json=a_payment_body(number, **fields),
            headers={"Idempotency-Key": f"live-{time.monotonic_ns()}"},
            timeout=60,
        )
        body: dict[str, Any] = answer.json()
        assert answer.status < 300, body
        return body

    def get(self, url: str) -> tuple[int, str]:
        """Status, and the text of the page or the address of a redirect."""
        answer = self._http.request("GET", url, redirect=False, timeout=30)
        return answer.status, answer.headers.get("Location") or answer.data.decode()

    def post_event(self, provider: str, headers: dict[str, str], body: bytes) -> int:
        url = f"{self.url}/webhooks/{provider}"
        return self._http.request("POST", url, body=body, headers=headers, timeout=30).status

    def order_status(self, order_id: str) -> str:
        view = self.wired.services.orders.by_id(order_id)
        return view.order.status.value

    def wait_for_status(self, order_id: str, *wanted: str) -> None:
        wait_until(
            lambda: self.order_status(order_id) in wanted,
            lambda: f"{order_id} is {self.order_status(order_id)}, not {wanted}",
        )


def wait_until(is_so: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until, what()
        time.sleep(0.05)


@contextmanager
def live_shop(
    database_url: str, sandbox: SandboxProcess, *, with_events: bool = True, **settings: Any
) -> Iterator[LiveShop]:
    """`with_events`: the provider tells this shop what happens. Without, nobody but the ladder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = create_app(
        Settings(
            database_url=database_url,
            sandbox_url=sandbox.base_url,
            base_url=url,
            **{"log_level": "ERROR"} | settings,
        )
    )
    application = wired(app)
    seed(application.database, [a_method(account, timeout_s=10.0) for account in ACCOUNTS])
    worker = start_embedded_worker(application.background, places={"webhooks": 2})
    try:
        with serving(app, port):
            for account in ACCOUNTS if with_events else ():
                sandbox.patch_profile(account, webhook_url=f"{url}/webhooks/{account}")
            yield LiveShop(app, url)
    finally:
        for account in ACCOUNTS:
            sandbox.patch_profile(account, webhook_url="")
        worker.stop()
        application.database.engine.dispose()
