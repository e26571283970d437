"""What the payment path's repositories share: short transactions, and leases by one clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from payorch.application.ports import Clock
from payorch.domain.errors import LedgerUnavailable
from payorch.infrastructure.persistence.database import Database

if TYPE_CHECKING:
    from payorch.infrastructure.persistence.personal_data import PersonalData


class LedgerTransactions:
    """`uses_database_clock` None: yes on PostgreSQL, where several hosts share the leases.

    `personal_data` is for those who write or read customers; others do without.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        uses_database_clock: bool | None = None,
        personal_data: "PersonalData | None" = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._personal_data = personal_data
        if uses_database_clock is None:
            uses_database_clock = not database.is_sqlite
        self.uses_database_clock = uses_database_clock

    @property
    def personal_data(self) -> "PersonalData":
        if self._personal_data is None:
            raise RuntimeError("These transactions were made without the keys of personal data.")
        return self._personal_data

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction. Raises LedgerUnavailable when it could not be made."""
        with _unavailable_is_said(), self._database.tx() as connection:
            yield connection

    @property
    def can_fold_writes(self) -> bool:
        """Whether one statement may write to several tables."""
        return not self._database.is_sqlite

    @contextmanager
    def write_one_statement(self) -> Iterator[Connection]:
        """For one statement, which is a transaction of its own. Raises like `write`."""
        with _unavailable_is_said(), self._database.one_statement() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For a single SELECT. Raises LedgerUnavailable like `write`."""
        with _unavailable_is_said(), self._database.look_up() as connection:
            yield connection

    def now(self) -> dict[str, Any]:
        """Parameters of LeaseClock.now."""
        return {} if self.uses_database_clock else {"lease_now": self._clock.now()}

    def lease(self, lease_s: float) -> dict[str, Any]:
        """Parameters of LeaseClock.lease_end."""
        if self.uses_database_clock:
            return {"lease_s": lease_s}
        return {"lease_end": self._clock.now() + timedelta(seconds=lease_s)}


@contextmanager
def _unavailable_is_said() -> Iterator[None]:
    """Locked, full, gone or restarting: to the flow they are one fact."""
    try:
        yield
    except (IntegrityError, DataError):
        # The database is there and says no: trying again would not help.
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise LedgerUnavailable("The database did not answer or took too long.") from error
