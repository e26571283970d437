"""The file in which this provider keeps what it charged. What it says is the truth for tests."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL,
    method TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    captured_amount INTEGER NOT NULL CHECK (captured_amount BETWEEN 0 AND amount),
    refunded_amount INTEGER NOT NULL CHECK (refunded_amount BETWEEN 0 AND captured_amount),
    status TEXT NOT NULL,
    ends_as TEXT NOT NULL,
    decline_scheme TEXT,
    decline_code TEXT,
    decline_advice TEXT,
    settle_at REAL,
    challenge_token TEXT,
    return_url TEXT,
    description TEXT NOT NULL,
    card_brand TEXT,
    card_bin TEXT,
    card_last4 TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (account, idempotency_key)
);
CREATE INDEX IF NOT EXISTS payments_by_reference ON payments (account, reference);
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payments (id),
    reference TEXT NOT NULL,
    idempotency_key TEXT,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (account, idempotency_key)
);
CREATE INDEX IF NOT EXISTS refunds_by_reference ON refunds (account, reference);
CREATE TABLE IF NOT EXISTS tombstones (
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (account, reference)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS strikes (
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (account, reference)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrivals (
    number INTEGER PRIMARY KEY,
    due_at REAL NOT NULL,
    payment TEXT NOT NULL
);
"""

_TABLES = ("refunds", "payments", "tombstones", "strikes", "arrivals")


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
        self._connection.executescript(_SCHEMA)

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

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def clear(self) -> None:
        with self.transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
