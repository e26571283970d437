"""Questions to the database that may be large: they end by themselves after a while.

A person who looks at a list must not be able to keep the database busy for minutes, and a
payment must not wait for somebody's totals.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

_SQLITE_STEPS = 20_000
"""Virtual machine steps between two looks at the clock: well below a millisecond."""


class TooMuchWork(Exception):
    """The database was stopped: it did not answer in time."""


@contextmanager
def answered_within(session: Any, seconds: float) -> Iterator[None]:
    """What `session` is asked in here. Raises TooMuchWork; the session can be used afterwards."""
    stop_after = _stop_sqlite if session.get_bind().dialect.name == "sqlite" else _stop_postgresql
    try:
        with stop_after(session, seconds):
            yield
    except OperationalError as error:
        # Whatever had been read before is read again by who needs it.
        session.rollback()
        if _was_stopped(error):
            raise TooMuchWork from error
        raise
    except BaseException:
        # Or the rest of the transaction would have as little time.
        session.rollback()
        raise


@contextmanager
def _stop_postgresql(session: Any, seconds: float) -> Iterator[None]:
    session.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))
    yield
    session.execute(text("SET LOCAL statement_timeout = DEFAULT"))


@contextmanager
def _stop_sqlite(session: Any, seconds: float) -> Iterator[None]:
    connection = session.connection().connection.driver_connection
    latest = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > latest, _SQLITE_STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _was_stopped(error: OperationalError) -> bool:
    """57014 is PostgreSQL's query_canceled; SQLite has a code of its own from Python 3.11 on."""
    original: Any = error.orig
    return (
        getattr(original, "sqlstate", None) == "57014"
        or getattr(original, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
    )
