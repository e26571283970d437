"""Clients that send the next request when the last one was answered, as lean as Python allows.

They share the machine's cores with what they measure, so each request is a ready-made string on
a kept-alive socket and of the answer only the status, the length and a word are looked at.
"""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients of one run saw. `failures` are answers that were not as expected."""

    latencies_ms: list[float] = field(repr=False)
    seconds: float
    failures: list[str]

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Nearest rank, so the result is a latency that was really measured."""
        ranked = sorted(self.latencies_ms)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Connection:
    """One kept-alive HTTP/1.1 connection; opens itself again when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes) -> bytes:
        """The whole answer, head and body."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = self._socket.recv(65_536)
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive()
        head = answer[:end].lower()
        length_at = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[length_at:].split(b"\r\n", 1)[0])
        while len(answer) < end + 4 + length:
            answer += self._receive()
        if b"connection: close" in head:
            self.close()
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self) -> bytes:
        assert self._socket is not None
        if not (data := self._socket.recv(65_536)):
            raise ConnectionError("The server closed the connection within an answer.")
        return data


def run_clients(
    port: int,
    request_for: Callable[[int, int], bytes],
    *,
    expect: Callable[[bytes], bool],
    clients: int,
    seconds: float,
) -> Load:
    """`clients` threads for `seconds`; `request_for(client, number)` makes each request."""
    latencies: list[list[float]] = [[] for _ in range(clients)]
    failures: list[str] = []
    start = threading.Barrier(clients + 1)
    stop_at = [0.0]

    def work(client: int) -> None:
        connection, mine, number = Connection(port), latencies[client], 0
        start.wait()
        while (began := time.perf_counter()) < stop_at[0]:
            answer = connection.exchange(request_for(client, number))
            mine.append((time.perf_counter() - began) * 1000)
            number += 1
            if not expect(answer):
                failures.append(answer[:400].decode(errors="replace"))
        connection.close()

    threads = [threading.Thread(target=work, args=[client]) for client in range(clients)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    stop_at[0] = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    return Load([latency for mine in latencies for latency in mine], took, failures)
