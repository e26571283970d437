"""The tables of the ledger file, and what brings the file of an earlier version up to date."""

import sqlite3

_TABLES_DDL = """
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
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    type TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    refund_id TEXT,
    is_genuine INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY,
    event_number INTEGER NOT NULL REFERENCES events (number),
    payment_id TEXT NOT NULL,
    lane INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at REAL,
    attempts INTEGER NOT NULL,
    last_result TEXT,
    updated_at TEXT NOT NULL
);
"""

# Columns that a table was not born with. Every file gets them this way, a new one too, so that
# there is one way to a table and not two that may differ.
_LATER_COLUMNS = {
    "payments": {"metadata": "TEXT"},
    "refunds": {
        "ends_as": "TEXT",
        "failure_code": "TEXT",
        "settle_at": "REAL",
        "updated_at": "TEXT",
    },
}

_INDEXES_DDL = """
CREATE INDEX IF NOT EXISTS payments_by_reference ON payments (account, reference);
CREATE INDEX IF NOT EXISTS payments_settling ON payments (settle_at) WHERE settle_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS refunds_by_reference ON refunds (account, reference);
CREATE INDEX IF NOT EXISTS refunds_settling ON refunds (settle_at) WHERE settle_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_by_payment ON events (payment_id);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_number);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (lane, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_held ON deliveries (payment_id) WHERE state = 'held';
"""

# In an order in which no row is deleted before those that refer to it.
TABLES = ("deliveries", "events", "refunds", "payments", "tombstones", "strikes", "arrivals")


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Creates what is missing and keeps what is there; a new column of an old row is NULL."""
    connection.executescript(_TABLES_DDL)
    for table, columns in _LATER_COLUMNS.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column, kind in columns.items():
            if column not in present:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    connection.executescript(_INDEXES_DDL)
