"""What the checkout's pages cost in CPU, without a payment (P14 of the performance goals).

    python -m tests.benchmarks.checkout --help

The real application on a SQLite database with the demo's methods, called as a WSGI server would
in one process. Only paying is replaced by a ready answer: its cost is P2's.
"""

import io
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from urllib.parse import urlencode

import click
from flask import Flask
from sqlalchemy import make_url

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.config import Settings
from payorch.domain.payment_order import OrderId
from payorch.factory import create_app
from payorch.infrastructure.demo_providers import DEMO_METHODS
from payorch.presentation.services import init_app, services
from tests.benchmarks.figures import Figure, machine, table
from tests.databases import SqliteFiles, open_database
from tests.shop import seed

_HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>")
FORM = {
    "amount": "12.50",
    "currency": "EUR",
    "description": "Invoice 7",
    "country": "DE",
    "provider": "",
    "name": "Ana Lopez",
    "email": "ana@example.com",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "09/34",
    "card_cvc": "123",
    "card_holder": "",
}


class Browser:
    """One visitor: sends requests as WSGI calls and keeps the session's cookie."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._cookie = ""

    def send(self, method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
        heads: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self._cookie,
            "HTTP_ACCEPT_LANGUAGE": "en",
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        answer = self._app(environ, lambda status, head, *_: heads.append((status, head)))
        content = b"".join(answer)
        answer.close()  # type: ignore[attr-defined]  # Werkzeug's iterables have it
        status, head = heads[0]
        for name, value in head:
            if name == "Set-Cookie":
                self._cookie = value.partition(";")[0]
        return status, content

    def filled_form(self) -> bytes:
        """A form as this visitor would send it, with the page's hidden fields."""
        _, page = self.send("GET", "/checkout")
        hidden = {}
        for tag in _HIDDEN.findall(page.decode()):
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and value:
                hidden[name[1]] = value[1]
        return urlencode({**hidden, **FORM}).encode()


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=4, type=click.IntRange(1))
@click.option("--requests", default=200, type=click.IntRange(1), help="Of each kind in a round.")
@click.option("--smoke", is_flag=True, help="One short round: does it still run?")
def main(*, rounds: int, requests: int, smoke: bool) -> None:
    """CPU per page of the checkout, in milliseconds; the medians of the rounds."""
    if smoke:
        rounds, requests = 1, 20
    with tempfile.TemporaryDirectory(prefix="payorch-benchmark-") as folder:
        app = _app(Path(folder))
        browser = Browser(app)
        form = browser.filled_form()
        pages: dict[str, Callable[[], tuple[str, bytes]]] = {
            "200": lambda: browser.send("GET", "/checkout"),
            "303": lambda: browser.send("POST", "/checkout", form),
        }
        costs: dict[str, list[float]] = {status: [] for status in pages}
        for _ in range(rounds):
            for status, send in pages.items():
                costs[status].append(_cpu_ms(send, status, requests))
    click.echo(f"machine: {machine()}")
    click.echo(f"settings: one process, {rounds} rounds of {requests} requests of each kind\n")
    click.echo(
        table(
            [
                Figure("P14", "GET /checkout, CPU ms", f"{median(costs['200']):.2f}", "<= 2 / 0.8"),
                Figure(
                    "P14",
                    "valid POST without payment, CPU ms",
                    f"{median(costs['303']):.2f}",
                    "<= 1 / 0.6",
                ),
            ]
        )
    )


def _app(folder: Path) -> Flask:
    url = SqliteFiles(folder).new_database_url()
    with open_database(url) as database:
        seed(database, list(DEMO_METHODS))
    settings = replace(
        Settings(),
        database_url=make_url(url).render_as_string(),
        log_level="ERROR",
        max_checkouts_per_email=0,
    )
    app = create_app(settings)
    paid = PaymentResult(OrderId("po_benchmark"), ResultKind.PAID, attempts=1)
    with app.app_context():
        without_paying = replace(services(), pay_order=SimpleNamespace(execute=lambda _: paid))
    init_app(app, without_paying, settings)
    return app


def _cpu_ms(send: Callable[[], tuple[str, bytes]], expected: str, requests: int) -> float:
    """Mean CPU time of one request. Raises when the answer is not the expected one."""
    began = time.process_time()
    for _ in range(requests):
        status, content = send()
        if not status.startswith(expected):
            raise RuntimeError(f"{status}: {content[:2000].decode()}")
    return (time.process_time() - began) * 1000 / requests


if __name__ == "__main__":
    main()
