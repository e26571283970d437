"""The journal on both databases: append-only, chained, and any hand at it is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from payorch.application.verify_journal import Defect, VerifyJournalUseCase
from payorch.domain.journal_chain import GENESIS, hash_of
from payorch.infrastructure.persistence.journal_reader import SqlAlchemyJournalReader
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import JournalHeadRow, JournalRow
from payorch.infrastructure.system_clock import SystemClock
from tests.databases import open_database
from tests.journalled import begin_anew, hand_at_the_journal, journal_entry

ODD = {"ä": ["1", 2, 3.5, None, True], "nested": {"b": "😀\u2028", "a": 10**17}, "z": -0.0}


def reader(database, **options):
    return SqlAlchemyJournalReader(LedgerTransactions(database, SystemClock()), **options)


def verify(database, **options):
    return VerifyJournalUseCase(reader(database, page_size=3)).execute(**options)


def journal(database, count=8):
    """`count` entries, each in a transaction of its own; gives their hashes."""
    for number in range(count):
        with database.tx() as connection:
            state = ODD | {"number": number}
            journal_entry(connection, f"action_{number}", "order:po_1", before=state, after=None)
    return hashes(database)


def hashes(database):
    with database.read() as connection:
        return list(connection.scalars(select(JournalRow.hash).order_by(JournalRow.id)))


def test_what_is_written_is_chained_and_holds(database):
    written = journal(database)

    found = verify(database)

    assert found.broken is None
    assert found.sound == 8
    assert (found.head.entries, found.head.last_id, found.head.hash) == (8, 8, written[-1])


def test_a_journal_without_entries_holds(database):
    found = verify(database)

    assert (found.broken, found.sound, found.head.hash) == (None, 0, GENESIS)


def test_entries_of_a_rolled_back_change_leave_no_gap(database):
    def fail():
        with database.tx() as connection:
            journal_entry(connection, "never", "order:po_1")
            raise KeyError

    journal(database, 2)
    with pytest.raises(KeyError):
        fail()
    with database.tx() as connection:
        journal_entry(connection, "twice", "order:po_1", after={"tuple": (1, 2), 3: "key"})
        journal_entry(connection, "in one", "order:po_1")

    assert verify(database).broken is None
    assert [entry.id for entry in reader(database).page_after(0)] == [1, 2, 3, 4]


def test_the_journal_is_written_within_tx_only(database):
    with (
        database.engine.begin() as connection,
        pytest.raises(RuntimeError, match=r"Database\.tx"),
    ):
        journal_entry(connection, "lost", "order:po_1")


REFUSED = (
    "UPDATE journal SET reason = 'another'",
    "UPDATE journal SET reason = 'another' WHERE id = 999",
    "DELETE FROM journal WHERE id = 2",
    "DELETE FROM journal_head",
    "UPDATE journal_head SET entries = 1, last_id = 1",
    "UPDATE journal_head SET hash = 'x'",
)
IN_SQLITE = (
    """INSERT OR REPLACE INTO journal SELECT id, created_at, actor, action, subject, 'another',
    before, after, previous_hash, hash FROM journal WHERE id = 2""",
    "REPLACE INTO journal_head SELECT id, 9, 9, hash FROM journal_head",
)
IN_POSTGRESQL = (
    "TRUNCATE journal",
    "TRUNCATE journal_head",
    "TRUNCATE journal CASCADE",
    """INSERT INTO journal SELECT * FROM journal WHERE id = 2
    ON CONFLICT (id) DO UPDATE SET reason = 'another'""",
)


def test_no_statement_changes_or_removes_an_entry(database):
    """SQLite looks at rows, not at statements: what changes nothing is let pass there."""
    before = journal(database, 3)
    refused = [*REFUSED, *(IN_SQLITE if database.is_sqlite else IN_POSTGRESQL)]
    if database.is_sqlite:
        refused.remove("UPDATE journal SET reason = 'another' WHERE id = 999")

    for statement in refused:
        with pytest.raises(IntegrityError, match="journal"), database.tx() as connection:
            connection.execute(text(statement))

    assert hashes(database) == before
    assert verify(database).broken is None


def test_a_replica_s_session_does_not_get_around_the_triggers(database):
    if database.is_sqlite:
        pytest.skip("SQLite has no such sessions.")
    journal(database, 2)

    def delete_as_replica():
        with database.tx() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text("DELETE FROM journal"))

    with pytest.raises(IntegrityError, match="append-only"):
        delete_as_replica()


def test_the_chain_cannot_branch(database):
    written = journal(database, 3)
    other = entry(id=40, previous_hash=written[0])

    with pytest.raises(IntegrityError), database.tx() as connection:
        connection.execute(insert(JournalRow).values(**other))


def entry(**fields):
    values = {
        "created_at": datetime(2026, 11, 27, tzinfo=UTC),
        "actor": "mallory@example.org",
        "action": "forged",
        "subject": "order:po_1",
        "reason": "as asked",
        "hash": "f" * 64,
        "previous_hash": "e" * 64,
    }
    return values | fields


EDITS = {
    "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    "actor": "somebody else",
    "action": "another",
    "subject": "order:po_2",
    "reason": "",
    "before": {"number": -1},
    "after": {},
    "previous_hash": "1" * 64,
    "hash": "2" * 64,
}
COUNT = 7

hands = st.one_of(
    st.tuples(st.just("edit"), st.integers(1, COUNT), st.sampled_from(sorted(EDITS))),
    st.tuples(st.just("delete"), st.integers(1, COUNT), st.integers(1, 3)),
    st.tuples(st.just("insert"), st.integers(COUNT + 1, COUNT + 5), st.booleans()),
    st.tuples(st.just("swap"), st.integers(1, COUNT), st.integers(1, COUNT)),
    st.tuples(st.just("move"), st.integers(1, COUNT), st.integers(COUNT + 1, COUNT + 5)),
)
EXPECTED = {
    "edit": {Defect.CHANGED},
    "delete": {Defect.MISSING},
    "insert": {Defect.UNLINKED},
    "swap": {Defect.REORDERED},
    "move": {Defect.MISSING, Defect.REORDERED},
}


def lay_hand(connection, database, kind, place, other):
    """Does it, and gives the number of the first entry that is not as it was written."""
    by_id = update(JournalRow).where
    match kind:
        case "edit":
            connection.execute(by_id(JournalRow.id == place).values({other: EDITS[other]}))
        case "delete":
            connection.execute(
                JournalRow.__table__.delete().where(
                    JournalRow.id >= place, JournalRow.id < place + other
                )
            )
        case "insert":
            forged = entry(id=place)
            if other:
                # As good as a forger gets it who does not touch the head.
                last = reader(database).page_after(COUNT - 1)[0]
                forged["previous_hash"] = last.hash
            connection.execute(insert(JournalRow).values(**forged))
        case "swap":
            for old, new in ((place, -1), (other, place), (-1, other)):
                connection.execute(by_id(JournalRow.id == old).values(id=new))
            return min(place, other)
        case _:
            connection.execute(by_id(JournalRow.id == place).values(id=other))
    return place


@pytest.mark.breaks_the_books
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(hand=hands)
def test_any_hand_at_the_journal_is_named(database, hand):
    kind, place, other = hand
    with hand_at_the_journal(database) as connection:
        begin_anew(connection, keep="nothing")
    journal(database, COUNT)
    if kind == "swap" and place == other:
        return

    with hand_at_the_journal(database) as connection:
        first_broken = lay_hand(connection, database, *hand)
    found = verify(database)

    assert found.broken is not None
    assert found.broken.entry_id == first_broken
    assert found.broken.defect in EXPECTED[kind]
    assert found.sound == min(first_broken - 1, COUNT)


@pytest.mark.breaks_the_books
def test_a_chain_written_anew_is_found_by_a_noted_hash_only(database):
    """Whoever may do everything may write everything anew; that is why a hash is noted outside."""
    noted = journal(database, 6)
    with hand_at_the_journal(database) as connection:
        connection.execute(JournalRow.__table__.delete().where(JournalRow.id > 3))
        connection.execute(update(JournalHeadRow).values(entries=3, last_id=3, hash=noted[2]))
    journal(database, 3)

    assert verify(database).broken is None
    assert verify(database, expected=noted[:3]).broken is None
    found = verify(database, expected=[noted[1], noted[4]])

    assert found.broken.defect is Defect.REWRITTEN
    assert noted[4] in found.broken.says
    assert "Up to entry 2" in found.broken.says
    assert found.sound == 6


@pytest.mark.breaks_the_books
def test_a_check_may_begin_where_the_last_one_ended(database):
    noted = journal(database, 6)

    assert verify(database, since_hash=noted[3]).sound == 2
    assert verify(database, since_hash=noted[5]).sound == 0
    assert verify(database, since_hash=GENESIS).sound == 6
    assert verify(database, since_hash="0" * 63 + "1").broken.defect is Defect.REWRITTEN
    with hand_at_the_journal(database) as connection:
        connection.execute(update(JournalRow).where(JournalRow.id == 2).values(actor="x"))

    assert verify(database, since_hash=noted[3]).broken is None
    assert verify(database).broken.entry_id == 2


@pytest.mark.breaks_the_books
def test_a_head_that_is_gone_is_said(database):
    journal(database, 2)
    with hand_at_the_journal(database) as connection:
        connection.execute(text("DELETE FROM journal_head"))

    found = verify(database)

    assert found.broken.defect is Defect.MISSING
    assert "journal_head" in found.broken.says


SPOILED = {
    "before": "'no json'",
    "after": "'{\"a\": '",
    "created_at": "'yesterday'",
    "actor": "x'ff00'",
    "reason": "CAST(x'ff' AS TEXT)",
    "hash": "x'00'",
    "previous_hash": "x'00'",
}


@pytest.mark.breaks_the_books
@pytest.mark.parametrize("column", SPOILED)
def test_bytes_that_nobody_can_read_do_not_stop_the_check(sqlite_files, column):
    """PostgreSQL refuses them; SQLite takes anything anywhere."""
    with open_database(sqlite_files.new_database_url()) as database:
        journal(database, 4)
        with hand_at_the_journal(database) as connection:
            connection.exec_driver_sql(
                f"UPDATE journal SET {column} = {SPOILED[column]} WHERE id = 3"
            )

        found = verify(database)

        assert (found.broken.defect, found.broken.entry_id) == (Defect.CHANGED, 3)
        assert found.sound == 2
        assert found.broken.action == "action_2"


@pytest.mark.breaks_the_books
def test_an_entry_cannot_hide_below_zero(database):
    journal(database, 3)
    with database.tx() as connection:
        connection.execute(insert(JournalRow).values(**entry(id=-5)))

    found = verify(database)

    assert (found.broken.defect, found.broken.entry_id) == (Defect.UNLINKED, -5)


def test_both_databases_give_an_entry_the_same_hash(database):
    """Pinned: an auditor's own program has to come to the same, years from now."""
    at = datetime(2026, 11, 27, 14, 41, 25, 42, tzinfo=UTC)
    with database.tx() as connection:
        journal_entry(connection, "note", "order:po_1", after=ODD, at=at, reason='Größe \\ "5"')

    (stored,) = reader(database).page_after(0)

    assert stored.hash == hash_of(stored)
    assert stored.hash == PINNED


PINNED = "b1c1faaa3a5b02c4feb1be145c4fd615bafef724d5c930c03390b867ef823575"
