"""A merchant who listens to events: a small server that keeps what it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Generous: the machine may be busy. Nothing waits that long unless the test is about to fail.
PATIENCE_S = 60


@dataclass(frozen=True)
class Delivery:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        return int(self.headers["webhook-timestamp"])

    @property
    def type(self) -> str:
        return self.body["type"]


class ListeningMerchant:
    """`answers` are the statuses of the next deliveries, then `then` for all others."""

    def __init__(self) -> None:
        self.base_url = ""
        self.deliveries: list[Delivery] = []
        self.answers: list[int] = []
        self.then = 204
        self._changed = threading.Condition()

    def take(self, delivery: Delivery) -> int:
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else self.then

    def wait_for(self, is_there: Callable[[list[Delivery]], bool]) -> list[Delivery]:
        """All deliveries, as soon as they are what the test waits for."""
        with self._changed:
            if not self._changed.wait_for(lambda: is_there(self.deliveries), PATIENCE_S):
                raise AssertionError([(item.type, item.id) for item in self.deliveries])
            return list(self.deliveries)

    def wait_for_types(self, *types: str) -> list[Delivery]:
        return self.wait_for(lambda heard: {item.type for item in heard} >= set(types))

    def wait_for_number(self, number: int) -> list[Delivery]:
        return self.wait_for(lambda heard: len(heard) >= number)


@contextmanager
def listening_merchant() -> Iterator[ListeningMerchant]:
    merchant = ListeningMerchant()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = merchant.take(Delivery(self.path, headers, raw))
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", f"{merchant.base_url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    merchant.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield merchant
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)
