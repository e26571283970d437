"""Connections: dead ones are replaced, reading leaves nothing behind, and writers take turns."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as TookTooLong

from payorch.infrastructure.persistence import database as database_module
from payorch.infrastructure.persistence.database import Database, prepare_engine
from tests.databases import SQLITE_SYNCHRONOUS_AS_SHIPPED, open_database

FULL = 2
"""What SQLite calls it."""

OWN_BACKEND = text("SELECT pg_backend_pid()")


@pytest.fixture
def on_postgresql(postgresql):
    engine = create_engine(postgresql.new_database_url(), pool_size=1, max_overflow=0)
    prepare_engine(engine)
    yield Database(engine)
    engine.dispose()


def end_backend(database: Database) -> int:
    """Ends the server's side of the pooled connection, as a restart would."""
    with database.read() as connection:
        backend = connection.execute(OWN_BACKEND).scalar_one()
    other = create_engine(database.engine.url)
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    other.dispose()
    return backend


def test_a_commit_on_sqlite_outlives_a_power_cut(sqlite_files, monkeypatch):
    """Only tests do without, to be quicker."""
    monkeypatch.setattr(database_module, "SQLITE_SYNCHRONOUS", SQLITE_SYNCHRONOUS_AS_SHIPPED)
    with (
        open_database(sqlite_files.new_database_url()) as database,
        database.read() as connection,
    ):
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == FULL


@pytest.mark.parametrize("way", ["read", "look_up", "tx"])
def test_a_connection_that_died_while_idle_is_replaced_unseen(on_postgresql, monkeypatch, way):
    monkeypatch.setattr(database_module, "ASK_AFTER_IDLE_S", 0.0)
    dead = end_backend(on_postgresql)

    with getattr(on_postgresql, way)() as connection:
        assert connection.execute(OWN_BACKEND).scalar_one() != dead


def test_a_connection_that_died_in_use_fails_once_and_is_replaced(on_postgresql):
    end_backend(on_postgresql)

    with pytest.raises(OperationalError), on_postgresql.read() as connection:
        connection.execute(OWN_BACKEND)
    with on_postgresql.read() as connection:
        assert connection.execute(OWN_BACKEND).scalar_one()


def test_writing_after_looking_up_on_the_same_connection_is_a_transaction_again(on_postgresql):
    with on_postgresql.look_up() as connection:
        connection.execute(text("SELECT 1"))

    def write_and_break():
        with on_postgresql.tx() as connection:
            connection.execute(text("INSERT INTO configuration VALUES (1, 7, 0)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_break()

    with on_postgresql.look_up() as connection:
        assert connection.execute(text("SELECT count(*) FROM configuration")).scalar() == 0


@pytest.fixture
def two_processes(sqlite_files):
    """Two engines on one SQLite file: neither knows of the other's threads."""
    url = sqlite_files.new_database_url()
    with open_database(url) as first, open_database(url) as second:
        yield first, second


WRITE = text("UPDATE configuration SET revision = revision + 1")


def write_once(database):
    with database.tx() as connection:
        connection.execute(WRITE)


def test_a_writer_of_another_process_is_waited_for(two_processes):
    first, second = two_processes
    is_writing, may_end = Event(), Event()

    def hold_the_lock():
        with first.tx() as connection:
            connection.execute(WRITE)
            is_writing.set()
            may_end.wait(10)

    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(hold_the_lock)
        is_writing.wait(10)
        waiting = pool.submit(write_once, second)
        assert not waiting.done()
        may_end.set()
        held.result(10)
        waiting.result(10)


def test_a_writer_gives_up_in_words_that_the_ledger_knows(two_processes, monkeypatch):
    first, second = two_processes
    monkeypatch.setattr(database_module, "SQLITE_BUSY_TIMEOUT_MS", 50)

    with first.tx() as connection:
        connection.execute(WRITE)
        other_process = pytest.raises(OperationalError, match="locked")
        with other_process, second.tx():
            pytest.fail("Two writers at once.")

    with second.tx() as connection:
        connection.execute(WRITE)


def test_a_thread_gives_up_behind_a_writer_of_its_own_process(two_processes, monkeypatch):
    first, _ = two_processes
    monkeypatch.setattr(database_module, "SQLITE_BUSY_TIMEOUT_MS", 50)

    with first.tx(), pytest.raises(TookTooLong), first.tx():
        pytest.fail("Two writers at once.")


def test_32_threads_of_two_processes_lose_no_update(two_processes):
    with two_processes[0].tx() as connection:
        connection.execute(
            text("INSERT INTO configuration (id, revision, policy_version) VALUES (1, 0, 0)")
        )

    def add_one(database):
        for _ in range(10):
            with database.tx() as connection:
                connection.execute(WRITE)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(add_one, two_processes * 16))

    with two_processes[1].read() as connection:
        assert connection.execute(text("SELECT revision FROM configuration")).scalar() == 320


def test_a_database_that_takes_no_writes_is_refused_without_waiting(sqlite_files, monkeypatch):
    waited = []
    monkeypatch.setattr(database_module.time, "sleep", waited.append)
    with open_database(sqlite_files.new_database_url()) as database:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")

        with pytest.raises(OperationalError), database.tx() as connection:
            connection.execute(text("UPDATE configuration SET revision = revision"))

    assert waited == []
