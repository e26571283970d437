"""HTTP to providers with one total deadline, and errors that say whether anything was sent.

Retries and redirects are off: a library that quietly sends a charge again is how customers get
charged twice. Socket timeouts count per read, so a provider that drips bytes would never time
out; a watchman cuts the connection when the call's whole time is over.
"""

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.retry_after import retry_after_s

MAX_ANSWER_BYTES = 256 * 1024
CONNECT_TIMEOUT_S = 3.0


class RequestNotSent(Exception):
    """Proof that the provider cannot have seen the request."""

    def __init__(self, reason: NotSentReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class AnswerLost(Exception):
    """The request may have arrived; what became of it is not known."""

    def __init__(self, reason: UnknownReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class ProviderTransport(Protocol):
    def exchange(self, request: HttpRequest, *, timeout_s: float) -> HttpAnswer:
        """The complete answer within `timeout_s`. Raises RequestNotSent or AnswerLost."""


class PooledTransport:
    """One pool of keep-alive connections for all providers. Thread-safe."""

    def __init__(self, *, max_connections_per_host: int = 64) -> None:
        self._pool = urllib3.PoolManager(
            num_pools=32, maxsize=max_connections_per_host, retries=False
        )
        self._pool.pool_classes_by_scheme = {"http": _WatchedHttpPool, "https": _WatchedHttpsPool}
        self._watchman = Watchman()

    def exchange(self, request: HttpRequest, *, timeout_s: float) -> HttpAnswer:
        deadline = time.monotonic() + timeout_s
        timeout = urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s, total=timeout_s
        )
        with _errors_told_apart(deadline), self._watchman.cutting_at(deadline):
            response = self._pool.urlopen(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                body = _read_all(response, deadline)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        return HttpAnswer(
            response.status,
            response.headers.get("Content-Type", ""),
            body,
            retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC)),
        )


def _read_all(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    if response.status < 200:
        # The real answer is still to come, and on this connection the next payment would take it
        # for its own.
        raise AnswerLost(UnknownReason.UNREADABLE_ANSWER)
    chunks = []
    size = 0
    while chunk := response.read1(65_536):
        size += len(chunk)
        chunks.append(chunk)
        if size > MAX_ANSWER_BYTES:
            raise AnswerLost(UnknownReason.UNREADABLE_ANSWER)
        if time.monotonic() > deadline:
            raise AnswerLost(UnknownReason.READ_TIMEOUT)
    expected = response.headers.get("Content-Length")
    if expected is not None and expected.isdigit() and int(expected) != size:
        raise AnswerLost(UnknownReason.UNREADABLE_ANSWER)
    return b"".join(chunks)


@contextmanager
def _errors_told_apart(deadline: float) -> Iterator[None]:
    """Only what happens before the first byte is proof of "not sent"; the rest is unknown.

    The order matters: NameResolutionError is a NewConnectionError, and that a ConnectTimeoutError.
    """
    try:
        yield
    except NameResolutionError:
        raise RequestNotSent(NotSentReason.DNS_FAILED) from None
    except NewConnectionError:
        raise RequestNotSent(NotSentReason.CONNECTION_REFUSED) from None
    except ConnectTimeoutError:
        raise RequestNotSent(NotSentReason.CONNECT_TIMEOUT) from None
    except SSLError:
        # Raised while reading: the deadline's cut or a broken stream is the cause. A failed
        # handshake is told apart where it happens.
        raise AnswerLost(UnknownReason.CONNECTION_LOST) from None
    except ReadTimeoutError:
        raise AnswerLost(UnknownReason.READ_TIMEOUT) from None
    except (HTTPError, OSError):
        reason = UnknownReason.CONNECTION_LOST
        if time.monotonic() >= deadline:
            reason = UnknownReason.READ_TIMEOUT
        raise AnswerLost(reason) from None


class _Watch:
    """One call under watch: knows the connection to cut."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None
        self._is_over = False
        self._lock = threading.Lock()

    def guard(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connection = connection

    def end(self) -> None:
        """The connection may serve another call from now on."""
        with self._lock:
            self._is_over = True
            self._connection = None

    def cut(self) -> None:
        """Shut the socket down, so that the thread that reads from it wakes up."""
        with self._lock:
            sock = self._connection.sock if self._connection is not None else None
            if not self._is_over and sock is not None:
                with _ignoring_closed_sockets():
                    sock.shutdown(socket.SHUT_RDWR)


_current = threading.local()
"""The watch of the call that this thread makes; the connection reports to it."""


class _ReportsToWatch(HTTPConnection):
    """Says which connection carries the call before it sends: also headers may drip."""

    def request(self, *arguments: Any, **options: Any) -> None:
        watch: _Watch | None = getattr(_current, "watch", None)
        if watch is not None:
            watch.guard(self)
        super().request(*arguments, **options)


class _WatchedHttp(_ReportsToWatch):
    pass


class _WatchedHttps(_ReportsToWatch, HTTPSConnection):
    def connect(self) -> None:
        """Connects and shakes hands: until both are done nothing of a request can be sent."""
        try:
            super().connect()
        except (OSError, SSLError):
            raise RequestNotSent(NotSentReason.TLS_FAILED) from None


class _WatchedHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _WatchedHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


@contextmanager
def _ignoring_closed_sockets() -> Iterator[None]:
    try:
        yield
    except OSError:
        return


class Watchman:
    """One thread that cuts calls whose time is over. It starts with the first call, so that a
    process which forks before has none to lose.
    """

    def __init__(self) -> None:
        self._due: list[tuple[float, int, _Watch]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def cutting_at(self, deadline: float) -> Iterator[None]:
        watch = _Watch()
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="provider-deadlines", daemon=True
                )
                self._thread.start()
            is_next = not self._due or deadline < self._due[0][0]
            heapq.heappush(self._due, (deadline, next(self._numbers), watch))
            if is_next:
                self._changed.notify()
        _current.watch = watch
        try:
            yield
        finally:
            _current.watch = None
            watch.end()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    wait_s = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(wait_s)
                _, _, watch = heapq.heappop(self._due)
            watch.cut()
