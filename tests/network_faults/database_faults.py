"""Cuts between payorch and PostgreSQL, at any message of the conversation.

A cut ends the connection with a RST, either before the message is passed on, or after the server
has answered it: then the work is done and only the reply is lost, as in a failover right after
a commit (reliability.md, F8).
"""

import threading
from selectors import EVENT_READ, DefaultSelector

from tests.network_faults.tcp_proxy import Wire

INTENT = b"WITH claimed AS"
OUTCOME = b"WITH finished AS"
"""How the statements begin that write these, each a transaction of its own."""

_CHUNK = 65_536


class Conversation:
    """Passes everything on and counts what payorch sends, over all connections of the proxy.

    `cut_at` is the number of the message (from 1), of those with `only` in them, at which the
    connection is cut, once. `has_cut` says that it came to that. `stalls`: instead of being cut
    it falls silent for ever, while the kernel goes on acknowledging what comes.
    """

    def __init__(
        self,
        cut_at: int | None = None,
        *,
        only: bytes = b"",
        after_reply: bool = False,
        stalls: bool = False,
    ) -> None:
        self._stalls = stalls
        self._cut_at = cut_at
        self._only = only
        self._after_reply = after_reply
        self._lock = threading.Lock()
        self.messages = 0
        self.has_cut = False

    def __call__(self, wire: Wire) -> None:
        with DefaultSelector() as selector:
            selector.register(wire.client, EVENT_READ)
            selector.register(wire.server, EVENT_READ)
            while True:
                for key, _ in selector.select():
                    is_from_client = key.fileobj is wire.client
                    data = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]  # a socket
                    if not data:
                        return
                    if not is_from_client:
                        wire.client.sendall(data)
                    elif self._is_the_one(data):
                        self._cut(wire, data)
                        return
                    else:
                        wire.server.sendall(data)

    def _is_the_one(self, data: bytes) -> bool:
        with self._lock:
            if self._only not in data:
                return False
            self.messages += 1
            return self.messages == self._cut_at

    def _cut(self, wire: Wire, data: bytes) -> None:
        if self._after_reply:
            wire.server.sendall(data)
            wire.server.recv(_CHUNK)
        self.has_cut = True
        if self._stalls:
            wire.hang()
        else:
            wire.reset()


class CutsEvery:
    """Each connection is cut at its message number `at_message`; `number` counts the cuts."""

    def __init__(self, at_message: int) -> None:
        self._at_message = at_message
        self._cut: list[Conversation] = []

    @property
    def number(self) -> int:
        return sum(conversation.has_cut for conversation in self._cut)

    def __call__(self, wire: Wire) -> None:
        conversation = Conversation(self._at_message)
        self._cut.append(conversation)
        conversation(wire)
