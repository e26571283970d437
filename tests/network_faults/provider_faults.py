"""What can go wrong on the way to a provider, one function each, and what payorch may conclude.

`spoils` is the fault. `status` and `reasons` are what has to stand in the books of an attempt
that met it: only what happens before the first byte of a request is proof of "not sent"
(reliability.md 2.2). `is_charged` says whether the provider charged all the same.
"""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.network_faults.tcp_proxy import TcpProxy, Wire

HANGS_TIMEOUT_S = 0.5
"""Time-out of an attempt that is meant to run into it."""

PATIENT_TIMEOUT_S = 15.0
"""Time-out of an attempt that something else has to end, also on a slow machine."""


def slow_but_in_time(wire: Wire) -> None:
    while request := wire.request():
        wire.closing.wait(0.15)
        answer = wire.answer_to(request)
        wire.closing.wait(0.15)
        wire.client.sendall(answer)


def slow_to_accept(wire: Wire) -> None:
    """The kernel shakes hands at once, but for a while nobody reads."""
    wire.closing.wait(0.3)
    wire.pass_on()


def swallow_the_request(wire: Wire) -> None:
    wire.request()
    wire.hang()


def swallow_the_answer(wire: Wire) -> None:
    wire.answer_to(wire.request())
    wire.hang()


def reset_before_any_byte(wire: Wire) -> None:
    """The client has written; whether anybody read it, it cannot know."""
    wire.wait_for_request()
    wire.reset()


def reset_mid_request(wire: Wire) -> None:
    request = wire.request()
    wire.server.sendall(request[: len(request) // 2])
    wire.reset()


def reset_instead_of_the_answer(wire: Wire) -> None:
    wire.answer_to(wire.request())
    wire.reset()


def reset_mid_body(wire: Wire) -> None:
    answer = wire.answer_to(wire.request())
    wire.client.sendall(answer[:-20])
    wire.reset()


def half_close_without_an_answer(wire: Wire) -> None:
    """The provider says that it will say nothing, and goes on listening."""
    wire.answer_to(wire.request())
    wire.client.shutdown(socket.SHUT_WR)
    wire.hang()


def truncate_the_body(wire: Wire) -> None:
    answer = wire.answer_to(wire.request())
    wire.client.sendall(answer[:-20])


def drip(wire: Wire) -> None:
    """One byte a second: no single read times out, so only a total deadline can end it."""
    for byte in wire.answer_to(wire.request()):
        wire.client.sendall(bytes([byte]))
        if wire.closing.wait(1.0):
            return


def garbage(wire: Wire) -> None:
    wire.answer_to(wire.request())
    wire.client.sendall(b"\x16\x03\x01\x00\xff\x00HTTP/9 \xff\xfe\r\n\x00" * 8)


def cut_the_handshake(wire: Wire) -> None:
    """Spoken to in TLS, it reads the greeting and ends the connection."""
    wire.client.recv(1)


def hang_in_the_handshake(wire: Wire) -> None:
    wire.client.recv(1)
    wire.hang()


class FirstOnly:
    """The first connection meets the fault, all later ones are well."""

    def __init__(self, fault: Callable[[Wire], None]) -> None:
        self._fault = fault
        self.hits = 0

    def __call__(self, wire: Wire) -> None:
        self.hits += 1
        if self.hits == 1:
            self._fault(wire)
        else:
            wire.pass_on()


class LandsLate:
    """The network keeps requests and delivers them, in full, after the client gave up."""

    def __init__(self) -> None:
        self._may_land = threading.Event()
        self._waiting = threading.Semaphore(0)

    def __call__(self, wire: Wire) -> None:
        request = wire.request()
        self._waiting.release()
        self._may_land.wait(60)
        wire.answer_to(request)

    def wait_until_kept(self, number: int) -> None:
        for _ in range(number):
            assert self._waiting.acquire(timeout=30)

    def land(self) -> None:
        self._may_land.set()


def suffering(fault: Callable[[Wire], None]) -> Callable[[TcpProxy], None]:
    return lambda proxy: proxy.suffer(fault)


@dataclass(frozen=True, slots=True)
class Case:
    spoils: Callable[[TcpProxy], None]
    status: str
    reasons: frozenset[str | None] = frozenset({None})
    is_charged: bool = True
    timeout_s: float = PATIENT_TIMEOUT_S
    is_https: bool = False


def _not_sent(spoils: Callable[[TcpProxy], None], reason: str, **fields: object) -> Case:
    return Case(spoils, "not_sent", frozenset({reason}), is_charged=False, **fields)  # type: ignore[arg-type]  # Case's own


def _unknown(spoils: Callable[[Wire], None], *reasons: str, **fields: object) -> Case:
    return Case(suffering(spoils), "unknown", frozenset(reasons), **fields)  # type: ignore[arg-type]  # Case's own


CASES = {
    "latency": Case(suffering(slow_but_in_time), "approved"),
    "slow accept": Case(suffering(slow_to_accept), "approved"),
    "connection refused": _not_sent(TcpProxy.refuse, "connection_refused"),
    "blackhole before connect": _not_sent(
        TcpProxy.swallow_connections, "connect_timeout", timeout_s=HANGS_TIMEOUT_S
    ),
    "TLS cut": _not_sent(suffering(cut_the_handshake), "tls_failed", is_https=True),
    "TLS hangs": _not_sent(
        suffering(hang_in_the_handshake),
        "tls_failed",
        is_https=True,
        timeout_s=HANGS_TIMEOUT_S,
    ),
    "blackhole after request, swallowed": _unknown(
        swallow_the_request, "read_timeout", is_charged=False, timeout_s=HANGS_TIMEOUT_S
    ),
    "blackhole after request, charged": _unknown(
        swallow_the_answer, "read_timeout", timeout_s=HANGS_TIMEOUT_S
    ),
    "reset before any byte": _unknown(reset_before_any_byte, "connection_lost", is_charged=False),
    "reset mid-request": _unknown(reset_mid_request, "connection_lost", is_charged=False),
    "reset instead of the answer": _unknown(reset_instead_of_the_answer, "connection_lost"),
    "reset mid-body": _unknown(reset_mid_body, "connection_lost"),
    "half-close": _unknown(half_close_without_an_answer, "connection_lost"),
    "truncated": _unknown(truncate_the_body, "unreadable_answer", "connection_lost"),
    "one byte a second": _unknown(drip, "read_timeout", timeout_s=1.5),
    "garbage": _unknown(garbage, "connection_lost", "unreadable_answer"),
}
