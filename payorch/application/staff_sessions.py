"""Sessions of the back office: opened by a login, looked at by each request, ended at any time.

The cookie only carries a key; whether it still opens anything stands in the database, so that a
copied cookie is worth nothing once its session is over. A session must never outlive its limits,
and looking at it must not make it live longer: only what its owner does counts as activity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol

from payorch.application.ports import Clock
from payorch.domain.errors import LedgerUnavailable

SEEN_EVERY = timedelta(minutes=1)
"""A page a second must not be a write a second."""

FORMER_KEY_LIVES = timedelta(seconds=10)
"""Requests that were under way with the former key when a session got another one."""

KEEP_ENDED = timedelta(days=30)
"""How long a session stays after it can be no more used: to be looked at, and to tell why."""


@unique
class SessionEnd(StrEnum):
    LOGGED_OUT = "logged_out"
    IDLE = "idle"
    TOO_OLD = "too_old"
    ENDED_BY_OWNER = "ended_by_owner"
    ENDED_BY_STAFF = "ended_by_staff"
    ACCOUNT_CLOSED = "account_closed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no password
    ROLE_REMOVED = "role_removed"
    FACTOR_CHANGED = "factor_changed"
    FACTOR_REQUIRED = "factor_required"


@dataclass(frozen=True, slots=True)
class SessionRules:
    """`idle` after the last thing its owner did, `longest` after the login."""

    idle: timedelta
    longest: timedelta
    needs_second_factor: bool = False

    @property
    def seen_every(self) -> timedelta:
        return min(SEEN_EVERY, self.idle / 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    key_hash: str
    staff: str
    address: str
    device: str
    has_second_factor: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSession:
    """`staff` is an e-mail address, `account_key` changes with the account's password.

    `verified_at` is when its owner last proved who they are. `end` None: it is open.
    """

    public_id: str
    staff: str
    account_key: str
    created_at: datetime
    last_seen_at: datetime
    verified_at: datetime
    address: str
    device: str
    has_second_factor: bool
    end: SessionEnd | None = None


class StaffSessionBook(Protocol):
    """All raise LedgerUnavailable. A session that is over stays over, and keeps its reason."""

    def open(self, session: NewSession) -> None: ...

    def by_key(self, key_hash: str, *, former_since: datetime) -> StaffSession | None:
        """Also by the key that a session had until `former_since` or later."""

    def seen(self, public_id: str, *, at: datetime) -> None: ...

    def renew(self, public_id: str, key_hash: str, *, at: datetime, with_factor: bool) -> None:
        """Another key for a session whose owner has just proved who they are."""

    def of_staff(self, staff: str) -> Sequence[StaffSession]:
        """Those that nobody ended, last used first; some may be past their limits."""

    def log_out(self, public_id: str, *, at: datetime) -> None:
        """Without a journal entry: the logout has its own."""

    def end(self, staff: str, public_id: str, why: SessionEnd, *, by: str, at: datetime) -> bool:
        """End and journal one session of `staff`; False when there is no such open one."""

    def end_all(
        self, staff: str, why: SessionEnd, *, by: str, at: datetime, keep: str | None = None
    ) -> int:
        """End and journal all open sessions of `staff` but `keep`: how many these were."""

    def purge(self, *, opened_before: datetime, limit: int) -> int: ...


class SessionKeys(Protocol):
    """256 bits that nobody can guess; only their hash is stored."""

    def new(self) -> str: ...

    def hash_of(self, key: str) -> str: ...


class StaffSessionsUseCase:
    def __init__(
        self, book: StaffSessionBook, keys: SessionKeys, clock: Clock, rules: SessionRules
    ) -> None:
        self._book = book
        self._keys = keys
        self._clock = clock
        self.rules = rules

    def new_key(self) -> str:
        return self._keys.new()

    def open(
        self, key: str, staff: str, *, address: str, device: str, has_second_factor: bool
    ) -> None:
        self._book.open(
            NewSession(
                key_hash=self._keys.hash_of(key),
                staff=staff,
                address=address,
                device=device,
                has_second_factor=has_second_factor,
                at=self._clock.now(),
            )
        )

    def look(self, key: str) -> StaffSession | None:
        """The session with its end, if it is over. None: it is unknown, or forgotten by now."""
        now = self._clock.now()
        found = self._book.by_key(self._keys.hash_of(key), former_since=now - FORMER_KEY_LIVES)
        if found is None or found.end is not None:
            return found
        return replace(found, end=self._end_by_rules(found, now))

    def note_activity(self, session: StaffSession) -> None:
        """Its owner did something just now. What cannot be noted lets it end earlier, not later."""
        now = self._clock.now()
        if now - session.last_seen_at >= self.rules.seen_every:
            try:
                self._book.seen(session.public_id, at=now)
            except LedgerUnavailable:
                # Staff have to be able to look when the disk is full.
                return

    def renew(self, session: StaffSession, *, with_factor: bool = False) -> str:
        """The session's new key, after its owner has proved who they are."""
        key = self._keys.new()
        self._book.renew(
            session.public_id,
            self._keys.hash_of(key),
            at=self._clock.now(),
            with_factor=with_factor,
        )
        return key

    def is_verified_within(self, session: StaffSession, period: timedelta) -> bool:
        """Whether its owner proved who they are in the last `period`; never in the future."""
        return timedelta(0) <= self._clock.now() - session.verified_at < period

    def open_ones(self, staff: str) -> tuple[StaffSession, ...]:
        """The sessions with which somebody could act now, last used first."""
        now = self._clock.now()
        return tuple(
            session
            for session in self._book.of_staff(staff)
            if self._end_by_rules(session, now) is None
        )

    def log_out(self, session: StaffSession) -> None:
        self._book.log_out(session.public_id, at=self._clock.now())

    def end_one(self, staff: str, public_id: str, *, by: str) -> bool:
        """`by` is whose wish it is: the owner's own, or an administrator's."""
        return self._book.end(staff, public_id, _wish_of(by, staff), by=by, at=self._clock.now())

    def end_others(self, staff: str, *, by: str, keep: str | None) -> int:
        return self._book.end_all(
            staff, _wish_of(by, staff), by=by, at=self._clock.now(), keep=keep
        )

    def purge(self, *, limit: int) -> int:
        """Forget sessions that ended long ago."""
        before = self._clock.now() - self.rules.longest - KEEP_ENDED
        return self._book.purge(opened_before=before, limit=limit)

    def _end_by_rules(self, session: StaffSession, now: datetime) -> SessionEnd | None:
        if now - session.created_at >= self.rules.longest:
            return SessionEnd.TOO_OLD
        if now - session.last_seen_at >= self.rules.idle:
            return SessionEnd.IDLE
        if self.rules.needs_second_factor and not session.has_second_factor:
            return SessionEnd.FACTOR_REQUIRED
        return None


def _wish_of(by: str, staff: str) -> SessionEnd:
    return SessionEnd.ENDED_BY_OWNER if by == staff else SessionEnd.ENDED_BY_STAFF
