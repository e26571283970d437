"""A TCP proxy that can be made ill: each connection is handled by the fault of the moment.

A fault is a function of one `Wire`: it reads what the client sends, passes on as much of it as it
likes, and ends the connection in its own way. Connections that are open when the fault changes
are closed, so that the next request meets the new one.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector

Dial = Callable[[], socket.socket]
_CHUNK = 65_536


class Wire:
    """One connection: `client` is payorch's end, `server` is dialled when it is first needed."""

    def __init__(self, client: socket.socket, dial: Dial) -> None:
        self.client = client
        self.closing = threading.Event()
        self._dial = dial
        self._server: socket.socket | None = None

    @property
    def server(self) -> socket.socket:
        if self._server is None:
            self._server = self._dial()
            if self.closing.is_set():
                raise ConnectionAbortedError("The proxy ended this connection.")
        return self._server

    def wait_for_request(self) -> bytes:
        """The first bytes of a request, left unread. Empty when the client has gone."""
        return self.client.recv(1, socket.MSG_PEEK)

    def request(self) -> bytes:
        """One whole HTTP request. Empty when the client has gone."""
        return _message(self.client)

    def answer_to(self, request: bytes) -> bytes:
        """One whole HTTP answer to `request`, from the server."""
        self.server.sendall(request)
        return _message(self.server)

    def pass_on(self) -> None:
        """Everything both ways, until both have ended."""
        pairs = {self.client: self.server, self.server: self.client}
        with DefaultSelector() as selector:
            for end in pairs:
                selector.register(end, EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    end: socket.socket = key.fileobj  # type: ignore[assignment]  # what was registered
                    if data := end.recv(_CHUNK):
                        pairs[end].sendall(data)
                    else:
                        selector.unregister(end)
                        pairs[end].shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """RST to the client instead of an orderly end: what it had not read yet is lost."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()

    def hang(self) -> None:
        """Nothing happens any more, until the proxy ends this connection."""
        self.closing.wait()

    def wake(self) -> None:
        """Ends whatever the fault waits for. Its own thread closes: a socket that is closed under
        a thread that waits for it never wakes it.
        """
        self.closing.set()
        for end in (self.client, self._server):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in (self.client, self._server):
            if end is not None:
                end.close()


Fault = Callable[[Wire], None]


class TcpProxy:
    """Listens on `port` of 127.0.0.1. `accepted` counts the connections since it was made."""

    def __init__(self, dial: Dial) -> None:
        self.accepted = 0
        self._dial = dial
        self._fault: Fault = Wire.pass_on
        self._lock = threading.Lock()
        self._wires: set[Wire] = set()
        self._threads: list[threading.Thread] = []
        self._fillers: list[socket.socket] = []
        self._open(port=0)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def suffer(self, fault: Fault) -> None:
        """`fault` handles every connection from now on; those before are ended."""
        self._fault = fault
        self._end_wires()

    def heal(self) -> None:
        if self._listener.fileno() == -1 or self._fillers:
            self._close_listener()
            self._open(self.port)
        self.suffer(Wire.pass_on)

    def refuse(self) -> None:
        """Nobody listens: the kernel answers each connection attempt with a RST."""
        self._close_listener()
        self._end_wires()

    def swallow_connections(self) -> None:
        """The accept queue is full and nobody empties it: the kernel drops every SYN."""
        self._close_listener()
        self._listener = _listen(self.port, backlog=0)
        self._end_wires()
        while True:
            filler = socket.socket()
            self._fillers.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return

    def close(self) -> None:
        self._close_listener()
        self._end_wires()
        for thread in self._threads:
            thread.join(10)

    def _open(self, port: int) -> None:
        self._listener = _listen(port, backlog=128)
        self._start(self._accept, self._listener)

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._fillers):
            one.close()
        self._fillers.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            wire = Wire(client, self._dial)
            with self._lock:
                self.accepted += 1
                self._wires.add(wire)
                fault = self._fault
            self._start(self._carry, wire, fault)

    def _carry(self, wire: Wire, fault: Fault) -> None:
        # Either side may vanish at any moment: that ends the connection, as it should.
        with suppress(OSError):
            fault(wire)
        with self._lock:
            self._wires.discard(wire)
        wire.close()

    def _end_wires(self) -> None:
        with self._lock:
            for wire in self._wires:
                wire.wake()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextmanager
def tcp_proxy(dial: Dial) -> Iterator[TcpProxy]:
    proxy = TcpProxy(dial)
    try:
        yield proxy
    finally:
        proxy.close()


def _listen(port: int, *, backlog: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(backlog)
    return listener


def _message(end: socket.socket) -> bytes:
    """One HTTP message with a Content-Length or none; empty when the other side has ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = end.recv(_CHUNK)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line[15:])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        chunk = end.recv(_CHUNK)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body
