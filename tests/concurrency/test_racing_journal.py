"""Many people act at once: the journal's chain stays one chain, and nobody waits for ever."""

import threading

import pytest
from sqlalchemy import select, text, update

from payorch.application.verify_journal import VerifyJournalUseCase
from payorch.infrastructure.persistence.journal_reader import SqlAlchemyJournalReader
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import ConfigurationRow, JournalRow
from payorch.infrastructure.system_clock import SystemClock
from tests.databases import open_database
from tests.journalled import journal_entry

WRITERS, EACH = 8, 25


def verify(database):
    reader = SqlAlchemyJournalReader(LedgerTransactions(database, SystemClock()), page_size=7)
    return VerifyJournalUseCase(reader).execute()


def run_all(works):
    errors = []

    def guarded(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)


def test_many_writers_make_one_chain_while_it_is_checked(database, database_url):
    is_over = threading.Event()
    left = threading.Semaphore(0)
    breaks = []

    def write(number):
        # Each with connections of its own, as processes have.
        with open_database(database_url) as own:
            for turn in range(EACH):
                with own.tx() as connection:
                    journal_entry(connection, "turn", f"order:po_{number}", after={"turn": turn})
                    if turn % 5 == 4:
                        journal_entry(connection, "second", f"order:po_{number}")
        left.release()

    def check():
        while not is_over.is_set():
            breaks.append(verify(database).broken)

    def wait():
        for _ in range(WRITERS):
            left.acquire(timeout=50)
        is_over.set()

    run_all([*(lambda n=n: write(n) for n in range(WRITERS)), check, wait])

    found = verify(database)
    assert found.broken is None
    assert found.sound == WRITERS * EACH * 6 // 5
    assert breaks
    assert set(breaks) == {None}
    with database.read() as connection:
        ids = list(connection.scalars(select(JournalRow.id).order_by(JournalRow.id)))
    assert ids == list(range(1, found.sound + 1))


def test_who_journals_first_and_works_on_holds_nobody_up(database):
    """The entry comes last: else the second would wait for the first one's remaining work."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time, whatever is written.")
    with database.tx() as slow:
        journal_entry(slow, "slow", "order:po_1")
        slow.execute(text("SELECT 1"))
        with database.tx() as quick:
            quick.execute(text("SET LOCAL lock_timeout = '2s'"))
            journal_entry(quick, "quick", "order:po_2")

    with database.read() as connection:
        actions = list(connection.scalars(select(JournalRow.action).order_by(JournalRow.id)))
    assert actions == ["quick", "slow"]
    assert verify(database).broken is None


def test_two_that_need_the_same_row_and_the_journal_do_not_deadlock(database, database_url):
    """One journals before it takes the row, the other after: the head is the last for both."""
    row = update(ConfigurationRow).values(revision=ConfigurationRow.revision + 1)

    def act(journals_first):
        with open_database(database_url) as own:
            for _ in range(EACH):
                with own.tx() as connection:
                    if journals_first:
                        journal_entry(connection, "first", "order:po_1")
                    connection.execute(row)
                    if not journals_first:
                        journal_entry(connection, "last", "order:po_1")

    run_all([lambda: act(journals_first=True), lambda: act(journals_first=False)])

    assert verify(database).sound == 2 * EACH
