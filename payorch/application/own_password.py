"""One's own password, changed by who knows the present one.

Whether they do is asked before, as a login asks it: counted, so that an open session is no place to
guess at. What was proved then holds for that password only: if it was changed since, nothing is
changed here. A password is in no error, no log and no journal entry.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payorch.application.hashing_places import HashingPlaces
from payorch.application.ports import Clock
from payorch.domain.password_rule import why_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """`account_key` is that of the password that was proved; `keep_session` stays open."""

    staff: str
    password_hash: str = field(repr=False)
    account_key: str = field(repr=False)
    keep_session: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged:
    """`account_key` is the new one, without which the session that stays opens nothing."""

    account_key: str = field(repr=False)
    ended_sessions: int


class OwnPasswordBook(Protocol):
    def change(self, change: PasswordChange) -> PasswordChanged | None:
        """Changed, journalled, and all other sessions ended, together.

        None: the account is closed, or its key is another one by now. Raises LedgerUnavailable.
        """


class PasswordHashes(Protocol):
    """As logins check them."""

    def hash_of(self, password: str) -> str: ...


class ChangeOwnPasswordUseCase:
    """`common` is called when a password is chosen: the list is large, and seldom needed."""

    def __init__(
        self,
        book: OwnPasswordBook,
        hashes: PasswordHashes,
        places: HashingPlaces,
        clock: Clock,
        *,
        common: Callable[[], Container[str]],
    ) -> None:
        self._book = book
        self._hashes = hashes
        self._places = places
        self._clock = clock
        self._common = common

    def why_refused(self, staff: str, password: str) -> str | None:
        """One sentence for the person who chose it; None: it may be used."""
        return why_refused(password, email=staff, common=self._common())

    def execute(
        self, staff: str, password: str, *, account_key: str, keep_session: str
    ) -> PasswordChanged | None:
        """Call it with a password that `why_refused` lets pass.

        None: the password or the account was changed meanwhile. Raises LoginBusy when too many
        passwords are being hashed, and LedgerUnavailable: nothing is changed then.
        """
        with self._places.place():
            password_hash = self._hashes.hash_of(password)
        return self._book.change(
            PasswordChange(
                staff=staff,
                password_hash=password_hash,
                account_key=account_key,
                keep_session=keep_session,
                at=self._clock.now(),
            )
        )
