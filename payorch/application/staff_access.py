"""Who came in, who was not let in, what was refused and taken away: journalled like changes.

What a visitor typed into the login is never kept unless it is an account's address: people type
passwords into the wrong field.
"""

from datetime import datetime
from typing import Protocol

from payorch.application.ports import Clock

Email = str


class AccessJournal(Protocol):
    """`address` is the network address. All raise LedgerUnavailable."""

    def logged_in(
        self, staff: Email, *, address: str, at: datetime, factor: str | None = None
    ) -> None:
        """Somebody came in with this account, by a second factor or without one."""

    def login_failed(
        self, staff: Email | None, *, address: str, at: datetime, of_code: bool = False
    ) -> None:
        """Somebody tried to; None: with an address that has no account."""

    def login_locked(
        self, staff: Email | None, *, until: datetime, address: str, at: datetime
    ) -> None:
        """One account was tried too often; None: an address that has no account."""

    def sender_locked(self, address: str, *, until: datetime, at: datetime) -> None:
        """Too many logins failed from one network."""

    def logged_out(self, staff: Email, *, address: str, at: datetime) -> None:
        """The session was ended by its owner."""

    def refused(self, staff: Email, *, method: str, page: str, address: str, at: datetime) -> None:
        """Somebody asked for what their role does not allow."""

    def figures_exported(
        self, staff: Email, *, chart: str, query: str, address: str, at: datetime
    ) -> None:
        """A chart's table was taken away as a file; `query` is what it was filtered by."""


class RecordAccessUseCase:
    def __init__(self, journal: AccessJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def logged_in(self, staff: Email, *, address: str, factor: str | None = None) -> None:
        self._journal.logged_in(staff, address=address, at=self._clock.now(), factor=factor)

    def logged_out(self, staff: Email, *, address: str) -> None:
        self._journal.logged_out(staff, address=address, at=self._clock.now())

    def refused(self, staff: Email, *, method: str, page: str, address: str) -> None:
        self._journal.refused(
            staff, method=method, page=page, address=address, at=self._clock.now()
        )

    def figures_exported(self, staff: Email, *, chart: str, query: str, address: str) -> None:
        self._journal.figures_exported(
            staff, chart=chart, query=query, address=address, at=self._clock.now()
        )
