"""The file in which this provider keeps what it charged. What it says is the truth for tests."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from payorch.sandbox_provider.ledger_schema import TABLES, bring_up_to_date


class Ledger:
    """One connection behind one lock: SQLite has one writer anyway, and a write is short."""

    def __init__(self, path: Path, *, sync: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=15
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={'FULL' if sync else 'OFF'}")
        self._connection.execute("PRAGMA foreign_keys=ON")
        bring_up_to_date(self._connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Durable once it has left the block; rolled back by whatever leaves it otherwise."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def write(self, statement: str, values: tuple[object, ...]) -> int:
        """One statement as a durable transaction of its own; how many rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def earliest(self, statement: str, values: tuple[object, ...] = ()) -> float | None:
        """The single time (epoch seconds) that `statement` selects, or None."""
        due_at = self.rows(statement, values)[0][0]
        return due_at if isinstance(due_at, float) else None

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def named_rows(self, statement: str, values: Mapping[str, object]) -> list[tuple[object, ...]]:
        """As `rows`, with the values by their names."""
        with self._lock:
            return self._connection.execute(statement, dict(values)).fetchall()

    def clear(self) -> None:
        with self.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
