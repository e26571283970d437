"""Answers that break on the wire. They reach under WSGI: to the connection itself.

Gunicorn hands the socket to the application. An OSError that leaves the application with the
errno of a vanished client ends the connection without a word; nothing else is sent on it.
"""

import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_DRIP_INTERVAL_S = 0.5


class HoldingRoom:
    """Bounds how many requests may hang at once, so that hanging cannot exhaust the threads."""

    def __init__(self, capacity: int) -> None:
        self._places = threading.BoundedSemaphore(capacity)
        self._lock = threading.Lock()
        self.held = 0

    def wait(self, connection: socket.socket | None, seconds: float) -> None:
        """Until the client leaves or `seconds` have passed; not at all when the room is full."""
        if connection is None or not self._places.acquire(blocking=False):
            return
        with self._lock:
            self.held += 1
        try:
            # A client in the middle of waiting sends nothing: readable means that it is gone.
            select.select([connection], [], [], seconds)
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self.held -= 1
            self._places.release()


def _connection_of(environ: "WSGIEnvironment") -> socket.socket | None:
    connection = environ.get("gunicorn.socket")
    return connection if isinstance(connection, socket.socket) else None


def _drop(connection: socket.socket | None, *, is_reset: bool) -> OSError:
    """Ends the connection, with a reset if asked; returns what tells gunicorn to forget it."""
    if connection is not None:
        # Closing here and not in gunicorn's main loop, which would say a polite goodbye first
        # (so that there was no reset) and wait for the client's (so that everybody waited).
        with suppress(OSError):
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                connection.shutdown(socket.SHUT_RDWR)
        connection.close()
    return OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


class NoAnswer(Response):
    """The connection ends without an answer: after a while, at once, or with a reset."""

    def __init__(
        self, *, room: HoldingRoom | None = None, hold_s: float = 0, is_reset: bool = False
    ) -> None:
        super().__init__(status=500)
        self._room, self._hold_s, self._is_reset = room, hold_s, is_reset

    def __call__(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",  # noqa: ARG002 - there is no response to start
    ) -> Iterable[bytes]:
        connection = _connection_of(environ)
        if self._room is not None:
            self._room.wait(connection, self._hold_s)
        raise _drop(connection, is_reset=self._is_reset)


class TruncatedAnswer(Response):
    """Announces the whole body, sends the first half of it and hangs up."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = self.get_data()
        self.headers["Content-Length"] = str(len(body))
        self.response = [body[: len(body) // 2]]
        chunks = super().__call__(environ, start_response)
        return _then_drop(chunks, _connection_of(environ))


def _then_drop(chunks: Iterable[bytes], connection: socket.socket | None) -> Iterator[bytes]:
    yield from chunks
    raise _drop(connection, is_reset=False)


class DrippingAnswer(Response):
    """Sends its body one byte at a time, for `hold_s` at most, then hangs up."""

    def __init__(self, answer: Response, *, hold_s: float) -> None:
        super().__init__(answer.get_data(), answer.status_code, mimetype=answer.mimetype)
        self._hold_s = hold_s

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        whole = b"".join(super().__call__(environ, start_response))
        return self._drip(whole, _connection_of(environ))

    def _drip(self, body: bytes, connection: socket.socket | None) -> Iterator[bytes]:
        until = time.monotonic() + self._hold_s
        for at in range(len(body)):
            if time.monotonic() > until:
                raise _drop(connection, is_reset=False)
            yield body[at : at + 1]
            if connection is not None:
                time.sleep(_DRIP_INTERVAL_S)
