"""How often somebody may do what costs us something: check out, look up orders, call the API.

Requests are counted in the process, and every so many of them together in the database, so that
a limit holds for all processes and an ordinary customer costs no statement more. What cannot be
counted is let through: a limit must never be the reason why nobody can pay.
"""

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from threading import Lock
from typing import Protocol

from payorch.application.ports import Clock
from payorch.domain.errors import LedgerUnavailable, TooManyRequests

BOOKED_SHARE = 10
"""A process writes down a tenth of a limit at once: it may let pass that much too many."""

MAX_REMEMBERED = 20_000
"""Keys that a process counts at a time. Beyond that those whose time is over are forgotten, and
if none is, all: a flood from everywhere must not take the memory as well.
"""


@unique
class Limited(StrEnum):
    CHECKOUT_ADDRESS = "checkout address"
    CHECKOUT_EMAIL = "checkout e-mail"
    LOOKUP_ADDRESS = "lookup address"
    API_KEY = "api key"
    EXPORT_STAFF = "export staff"


OF_ADDRESSES = frozenset({Limited.CHECKOUT_ADDRESS, Limited.LOOKUP_ADDRESS})


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """At most `most` within `window` of the first; 0 is no limit."""

    most: int
    window: timedelta

    @property
    def batch(self) -> int:
        return max(1, self.most // BOOKED_SHARE)


@dataclass(frozen=True, slots=True)
class CountedRequests:
    """How many there were, of all processes, until `ends_at` when the count starts anew."""

    number: int
    ends_at: datetime


class RequestCounts(Protocol):
    """Shared by all processes. Atomic."""

    def add(self, key: str, number: int, *, window: timedelta, at: datetime) -> CountedRequests:
        """Raises LedgerUnavailable."""


class RequestKeys(Protocol):
    def of_request(self, kind: str, whose: str) -> str:
        """A key that does not give away whose requests are counted."""

    def of_request_sender(self, kind: str, address: str) -> str:
        """The same for the network that `address` belongs to."""


@dataclass(slots=True)
class _Kept:
    """What this process knows of one key."""

    ends_at: datetime
    not_booked: int = 0
    is_over: bool = False


class LimitRequestsUseCase:
    """Thread-safe."""

    def __init__(
        self,
        counts: RequestCounts,
        keys: RequestKeys,
        clock: Clock,
        limits: Mapping[Limited, RequestLimit],
    ) -> None:
        self._counts = counts
        self._keys = keys
        self._clock = clock
        self._limits = limits
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def count(self, kind: Limited, whose: str) -> None:
        """One more. Raises TooManyRequests when there were too many."""
        key = self._key(kind, whose)
        if key is None:
            return
        limit, now = self._limits[kind], self._clock.now()
        booked = self._taken_along(key, limit, now)
        if booked:
            self._book(key, booked, limit, now)

    def refuse_if_over(self, kind: Limited, whose: str) -> None:
        """Counts nothing and asks nobody. Raises TooManyRequests as soon as this process knows."""
        key = self._key(kind, whose)
        kept = None if key is None else self._kept.get(key)
        now = self._clock.now()
        if kept is not None and kept.is_over and kept.ends_at > now:
            raise _too_many(kept.ends_at, now)

    def _key(self, kind: Limited, whose: str) -> str | None:
        """None where nothing is counted."""
        if not self._limits[kind].most:
            return None
        if kind not in OF_ADDRESSES:
            return self._keys.of_request(kind, whose)
        return None if _is_this_machine(whose) else self._keys.of_request_sender(kind, whose)

    def _taken_along(self, key: str, limit: RequestLimit, now: datetime) -> int:
        """How many are to be written down with this one; 0 while they can wait."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.ends_at <= now:
                self._make_room(now)
                kept = self._kept[key] = _Kept(now + limit.window)
            if kept.is_over:
                raise _too_many(kept.ends_at, now)
            kept.not_booked += 1
            if kept.not_booked < limit.batch:
                return 0
            taken, kept.not_booked = kept.not_booked, 0
            return taken

    def _book(self, key: str, number: int, limit: RequestLimit, now: datetime) -> None:
        try:
            counted = self._counts.add(key, number, window=limit.window, at=now)
        except LedgerUnavailable:
            return
        with self._lock:
            self._kept[key] = _Kept(counted.ends_at, is_over=counted.number >= limit.most)
        if counted.number > limit.most:
            raise _too_many(counted.ends_at, now)

    def _make_room(self, now: datetime) -> None:
        if len(self._kept) < MAX_REMEMBERED:
            return
        self._kept = {key: kept for key, kept in self._kept.items() if kept.ends_at > now}
        if len(self._kept) >= MAX_REMEMBERED:
            self._kept.clear()


def _is_this_machine(address: str) -> bool:
    """A proxy that PAYORCH_PROXY_HOPS does not tell of: all customers would share one limit."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _too_many(ends_at: datetime, now: datetime) -> TooManyRequests:
    wait_s = max(1, math.ceil((ends_at - now).total_seconds()))
    return TooManyRequests("Too many requests. Please wait a while.", retry_after_s=wait_s)
