"""The database: one declarative base, the column types all tables share, engines and `tx()`.

Every write goes through `tx()`: it begins immediately on SQLite (a later upgrade of a read
lock would fail), rolls back on any exception, also KeyboardInterrupt, and gives the connection
back before it returns, so that none is ever held during a provider's call.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    event,
)
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as TookTooLong
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from payorch.infrastructure.persistence import bounded_connection

SQLITE_BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another one before the request fails before anything is sent."""

SQLITE_TRY_AGAIN_S = 0.002

SQLITE_SYNCHRONOUS = "FULL"
"""Not NORMAL: with that the last commits may vanish when the power fails, and a forgotten "payment
started" is exactly what the write-ahead row exists to prevent."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

ASK_AFTER_IDLE_S = 2.0
"""A connection that was used this recently is taken to be alive."""

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; `timestamptz` on PostgreSQL, sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("Times are aware; this one has no time zone.")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only for a column that is declared INTEGER."""

Pk = Annotated[int, mapped_column(BigKey, primary_key=True, autoincrement=True)]
PublicId = Annotated[str, mapped_column(String(40), unique=True)]
MoneyMinor = Annotated[int, mapped_column(BigInteger)]
CurrencyCode = Annotated[str, mapped_column(String(3))]
UtcTime = Annotated[datetime, mapped_column(UtcDateTime())]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


db = SQLAlchemy(model_class=Base)


def prepare_engine(engine: Engine) -> None:
    """Sets each new connection up as the ledger needs it; call once, right after creation."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _bound_connections(engine)
        _check_idle_connections(engine)


def _bound_connections(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: Dialect, _record: object, arguments: list[Any], parameters: dict[str, Any]
    ) -> Any:
        return bounded_connection.connect(arguments, parameters)


def _check_idle_connections(engine: Engine) -> None:
    """Replaces a connection that died while nobody used it, such as over a server's restart.

    Asking at every use, as the pool's own check does, would cost a payment four round trips.
    """

    @event.listens_for(engine, "checkin")
    def _note_time(_dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask_when_idle(dbapi_connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < ASK_AFTER_IDLE_S:
            return
        try:
            engine.dialect.do_ping(dbapi_connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("The idle connection is dead.") from error


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _open_durably(dbapi_connection: Any, _record: object) -> None:
        # The driver's own implicit BEGIN is deferred; we say BEGIN ourselves, below.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={SQLITE_SYNCHRONOUS}",
            f"busy_timeout={SQLITE_BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("payorch_write", False):
            _begin_writing(connection)
        elif not options.get("payorch_look_up", False):
            connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """BEGIN IMMEDIATE, tried again every 2 ms while another process writes.

    SQLite's own waiting sleeps longer after each try, up to 100 ms: a process that is busy all
    the time then leaves another one waiting for seconds.
    """
    driver: Any = connection.connection.driver_connection
    give_up_at = time.monotonic() + SQLITE_BUSY_TIMEOUT_MS / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < give_up_at:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _BUSY:
                    # Read-only, full, gone: waiting would only keep the other writers waiting.
                    break
                time.sleep(SQLITE_TRY_AGAIN_S)
            else:
                return
        # Once more, so that the failure is told in SQLAlchemy's words.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")


Work = Callable[[Connection], None]

_LAST = "payorch_last"


def do_last(connection: Connection, work: Work) -> None:
    """Does `work` right before the transaction of `Database.tx` commits, after all else.

    For a row that many transactions need: the shorter each holds it, the better. Raises
    RuntimeError outside of such a transaction, where the work would be lost without a word.
    """
    last: list[Work] | None = connection.get_execution_options().get(_LAST)
    if last is None:
        raise RuntimeError("Only a transaction of Database.tx() does something last.")
    last.append(work)


class Database:
    """Short transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(payorch_write=True)
        self._turn = Lock() if self.is_sqlite else None
        if self.is_sqlite:
            self._looking_up = engine.execution_options(payorch_look_up=True)
        else:
            self._looking_up = engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def tx(self) -> Iterator[Connection]:
        """One write transaction: commits at the end, rolls back on anything else."""
        with self._turn_to_write(), self._writing.connect() as connection:
            last: list[Work] = []
            connection.execution_options(**{_LAST: last})
            with connection.begin():
                yield connection
                for work in last:
                    work(connection)

    @contextmanager
    def one_statement(self) -> Iterator[Connection]:
        """One writing statement without the round trips of BEGIN and COMMIT; PostgreSQL only.

        A second statement within it would be a transaction of its own.
        """
        with self._looking_up.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read-only transaction, rolled back at the end."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """SQLite takes one writer at a time, and who finds it busy sleeps and tries again, while
        others overtake. So the threads of this process queue here, where the next one is woken
        at once; only processes meet in SQLite's own waiting room.
        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=SQLITE_BUSY_TIMEOUT_MS / 1000):
            raise TookTooLong("Other writers of this process took too long.")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def look_up(self) -> Iterator[Connection]:
        """For a single SELECT, without BEGIN: on PostgreSQL each is a round trip."""
        with self._looking_up.connect() as connection:
            yield connection
