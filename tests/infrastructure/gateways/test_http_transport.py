"""Answers that only a socket can give: what HTTP libraries read differently from each other."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from payorch.domain.outcome import NotSentReason
from payorch.infrastructure.gateways.connector import HttpRequest
from payorch.infrastructure.gateways.http_transport import (
    AnswerLost,
    PooledTransport,
    RequestNotSent,
)

FINAL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class RawProvider:
    """Answers each connection's first request with the next of `answers`, whatever was asked."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = iter(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.connections = 0
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._is_closing:
                    return
                raise
            self.connections += 1
            self._open.append(connection)
            connection.recv(65_536)
            connection.sendall(answer)

    def close(self) -> None:
        self._is_closing = True
        # Closing alone does not wake a thread that waits in accept; it would go on with a port
        # that belongs to somebody else by then.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)
        for connection in [*self._open, self._socket]:
            connection.close()


@contextmanager
def raw_provider(*answers: bytes) -> Iterator[RawProvider]:
    provider = RawProvider(list(answers))
    try:
        yield provider
    finally:
        provider.close()


def test_an_interim_answer_does_not_leave_the_real_one_to_the_next_payment():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    transport = PooledTransport()
    with raw_provider(hints, FINAL) as provider:
        with pytest.raises(AnswerLost):
            transport.exchange(HttpRequest("POST", provider.url, {}, b"{}"), timeout_s=3)
        answer = transport.exchange(HttpRequest("POST", provider.url, {}, b"{}"), timeout_s=3)

    assert (answer.status, provider.connections) == (200, 2)


def test_100_continue_is_no_answer():
    with raw_provider(b"HTTP/1.1 100 Continue\r\n\r\n" + FINAL) as provider:
        request = HttpRequest("POST", provider.url, {}, b"{}")
        answer = PooledTransport().exchange(request, timeout_s=3)

    assert (answer.status, answer.body) == (200, b"{}")


def test_a_redirect_is_not_followed():
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with raw_provider(moved, FINAL) as provider:
        request = HttpRequest("POST", provider.url, {}, b"{}")
        answer = PooledTransport().exchange(request, timeout_s=3)

    assert (answer.status, provider.connections) == (307, 1)


def test_a_handshake_that_fails_is_proof_that_nothing_was_sent():
    with raw_provider(b"HTTP/1.1 400 Bad Request\r\n\r\n") as provider:
        request = HttpRequest("POST", provider.url.replace("http:", "https:"), {}, b"{}")
        with pytest.raises(RequestNotSent) as proof:
            PooledTransport().exchange(request, timeout_s=3)

    assert proof.value.reason is NotSentReason.TLS_FAILED


def test_a_port_without_a_listener_is_refused_also_with_tls():
    with raw_provider() as provider:
        url = provider.url.replace("http:", "https:")
    with pytest.raises(RequestNotSent) as proof:
        PooledTransport().exchange(HttpRequest("POST", url, {}, b"{}"), timeout_s=3)

    assert proof.value.reason is NotSentReason.CONNECTION_REFUSED
