"""Entries from before the chain are chained by the migration, and survive the way back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from payorch import paths
from payorch.application.verify_journal import VerifyJournalUseCase
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.persistence.journal_reader import SqlAlchemyJournalReader
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.system_clock import SystemClock
from tests.journalled import journal_entry

BEFORE = "0015"
INSERT = text(
    "INSERT INTO journal (id, created_at, actor, action, subject, reason, before, after) VALUES"
    " (:id, :at, 'olga@example.org', 'old', 'order:po_1', 'Größe', :before, NULL)"
)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/old.sqlite3"
    else:
        url = request.getfixturevalue("postgresql").empty_database_url()
    opened = create_engine(url)
    prepare_engine(opened)
    yield opened
    opened.dispose()


def verify(engine):
    transactions = LedgerTransactions(Database(engine), SystemClock())
    return VerifyJournalUseCase(SqlAlchemyJournalReader(transactions)).execute()


def write_old(engine, numbers):
    is_sqlite = engine.dialect.name == "sqlite"
    rows = []
    for number in numbers:
        at = START + timedelta(microseconds=number)
        rows.append(
            {
                "id": number,
                # As UtcDateTime stores it there.
                "at": f"{at:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite else at,
                "before": '{"b": 1.50, "a": "\\u00e4"}' if number % 2 else None,
            }
        )
    with engine.begin() as connection:
        connection.execute(INSERT, rows)


def facts(engine):
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT id, created_at, reason, CAST(before AS text) FROM journal ORDER BY id")
        ).all()


def test_old_entries_are_chained_with_their_gaps_and_new_ones_follow(engine):
    schema = Schema(engine, paths.MIGRATIONS)
    schema.upgrade(BEFORE)
    # More than a page of the migration, and numbers that a rolled-back change has taken.
    write_old(engine, [*range(3, 2500), 2600, 2601])
    old = facts(engine)

    schema.upgrade()

    assert facts(engine) == old
    assert schema.drift() == []
    found = verify(engine)
    assert (found.broken, found.sound) == (None, 2499)
    assert (found.head.entries, found.head.last_id) == (2499, 2601)
    with Database(engine).tx() as connection:
        journal_entry(connection, "new", "order:po_1")
    assert verify(engine).head.last_id == 2602


def test_the_way_back_keeps_the_entries_and_lets_new_ones_in(engine):
    schema = Schema(engine, paths.MIGRATIONS)
    schema.upgrade(BEFORE)
    write_old(engine, range(1, 4))
    old = facts(engine)
    schema.upgrade()

    schema.downgrade(BEFORE)

    assert facts(engine) == old
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO journal (created_at, actor, action, subject, reason)"
                " VALUES ('2026-03-02 00:00:00.000000', 'a', 'old', 'order:po_2', 'x')"
            )
        )
    schema.upgrade()
    assert (verify(engine).broken, verify(engine).sound) == (None, 4)


def test_lost_triggers_are_drift(engine):
    schema = Schema(engine, paths.MIGRATIONS)
    schema.upgrade()
    with engine.begin() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        on = "" if is_sqlite else " ON journal"
        connection.execute(text(f"DROP TRIGGER journal_entry_stays{on}"))

    assert schema.drift() == [
        "The trigger journal_entry_stays is missing: the journal can be changed."
    ]
