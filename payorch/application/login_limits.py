"""How many passwords may be tried: for one account, and from one network.

Every try is counted before the password is looked at, so that tries at the same moment cannot
slip through together; a right password takes its count back. Nothing here may depend on whether
an account exists: addresses without one are counted, locked and refused alike.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.ports import Clock
from payorch.application.staff_access import AccessJournal, Email
from payorch.domain.errors import TooManyLogins


@dataclass(frozen=True, slots=True)
class LoginLimit:
    """`tries` within `within` of the first; whoever used up all of them waits for `wait`."""

    tries: int
    within: timedelta
    wait: timedelta


ACCOUNT_LIMIT = LoginLimit(10, within=timedelta(minutes=30), wait=timedelta(minutes=30))
"""PCI DSS 4.0.1, 8.3.4: at most 10 tries, then at least 30 minutes."""

SENDER_LIMIT = LoginLimit(30, within=timedelta(minutes=15), wait=timedelta(minutes=15))
"""Three accounts' worth: an office shares one network, and a list of addresses is longer."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`number` of this try, from 1; one more than the limit for all that come too late."""

    number: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class LoginTry:
    """One try that was counted. Only when `is_open` may the password let anybody in."""

    account_key: str
    sender_key: str
    account: Counted
    sender: Counted

    @property
    def is_open(self) -> bool:
        return self.account.number <= ACCOUNT_LIMIT.tries


class LoginCounts(Protocol):
    """Shared by all processes; each call is atomic. All raise LedgerUnavailable."""

    def count(self, key: str, limit: LoginLimit, *, at: datetime) -> Counted:
        """Count one try of `key`, starting anew when its time is over."""

    def give_back(self, key: str, limit: LoginLimit) -> None:
        """Take one try of `key` back."""

    def clear(self, key: str, limit: LoginLimit, *, also_locked: bool) -> None:
        """Forget the tries of `key`; those of a locked one only if `also_locked`."""


class LoginKeys(Protocol):
    """Keys of counts that do not give away what was typed, nor where."""

    def of_login(self, email: str) -> str: ...

    def of_sender(self, address: str) -> str: ...


class LimitLoginsUseCase:
    """`begin` before the password is checked, then `failed` or `came_in`."""

    def __init__(
        self, counts: LoginCounts, keys: LoginKeys, journal: AccessJournal, clock: Clock
    ) -> None:
        self._counts = counts
        self._keys = keys
        self._journal = journal
        self._clock = clock

    def begin(self, typed: str, *, address: str) -> LoginTry:
        """Count a try with the e-mail `typed`, in the spelling in which accounts are looked up.

        Raises TooManyLogins for a network that used up its tries, and LedgerUnavailable when it
        cannot be counted: a login is refused then.
        """
        now = self._clock.now()
        sender_key = self._keys.of_sender(address)
        sender = self._counts.count(sender_key, SENDER_LIMIT, at=now)
        if sender.number > SENDER_LIMIT.tries:
            raise TooManyLogins(
                "Too many logins failed from this network.",
                retry_after_s=max(1, math.ceil((sender.ends_at - now).total_seconds())),
            )
        account_key = self._keys.of_login(typed)
        account = self._counts.count(account_key, ACCOUNT_LIMIT, at=now)
        return LoginTry(account_key, sender_key, account, sender)

    def failed(
        self, attempt: LoginTry, staff: Email | None, *, address: str, of_code: bool = False
    ) -> None:
        """Journal it, unless the account is locked: then the entry of the lock stands for all.

        `staff` None: there is no account with the address that was typed. `of_code`: the password
        was right, the code of the second factor was not.
        """
        now = self._clock.now()
        if attempt.is_open:
            self._journal.login_failed(staff, address=address, at=now, of_code=of_code)
        if attempt.account.number == ACCOUNT_LIMIT.tries:
            self._journal.login_locked(
                staff, until=attempt.account.ends_at, address=address, at=now
            )
        if attempt.sender.number == SENDER_LIMIT.tries:
            self._journal.sender_locked(address, until=attempt.sender.ends_at, at=now)

    def half_way(self, attempt: LoginTry) -> None:
        """The password was right and a second step follows: only this try is given back.

        Failed ones stay counted, else who has the password could try codes without end.
        """
        self._counts.give_back(attempt.sender_key, SENDER_LIMIT)
        self._counts.give_back(attempt.account_key, ACCOUNT_LIMIT)

    def came_in(self, attempt: LoginTry) -> None:
        """The network only gets this one try back: who has an account may still guess others'."""
        self._counts.give_back(attempt.sender_key, SENDER_LIMIT)
        # A try that was under way when others locked the account leaves it locked.
        is_last = attempt.account.number == ACCOUNT_LIMIT.tries
        self._counts.clear(attempt.account_key, ACCOUNT_LIMIT, also_locked=is_last)
