"""What every command needs first: the settings, and the database they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from payorch import paths
from payorch.cli.cannot_start import writing_to
from payorch.config import InvalidSettings, Settings
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.persistence.schema import Schema


def read_settings() -> Settings:
    """Settings of this process. Ends the command with all problems listed when there are any."""
    try:
        return Settings.from_env(os.environ)
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from None


def open_database(settings: Settings) -> Database:
    """The database of `settings`; a new SQLite file and its folder are made on the way."""
    engine = create_engine(settings.database_url)
    file = sqlite_file(settings)
    if file is not None:
        with writing_to(file, instead="another file (PAYORCH_DATABASE_URL)"):
            file.parent.mkdir(parents=True, exist_ok=True)
            # Customers' names and addresses come into it. SQLite makes its log beside it alike.
            file.touch(mode=0o600)
    prepare_engine(engine)
    return Database(engine)


def sqlite_file(settings: Settings) -> Path | None:
    """The file of an SQLite database; None for a server or one in memory."""
    name = make_url(settings.database_url).database
    if not settings.is_sqlite or not name or name == ":memory:":
        return None
    return Path(name).resolve()


def schema_of(database: Database) -> Schema:
    return Schema(database.engine, paths.MIGRATIONS)


@contextmanager
def schema_of_settings(settings: Settings) -> Iterator[Schema]:
    """The schema of the database that `settings` name, closed at the end.

    Ends the command with one sentence when the database cannot be reached.
    """
    database = open_database(settings)
    try:
        yield schema_of(database)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(f"The database cannot be used: {reason}") from None
    finally:
        database.engine.dispose()


def require_migrated(settings: Settings) -> None:
    """Ends the command when the database is not at the newest revision of this release.

    Only migrating makes a database: whoever looks for one leaves no empty file behind.
    """
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        raise click.ClickException(f"There is no database at {file}. Run: payorch db upgrade")
    with schema_of_settings(settings) as schema:
        if schema.current_revision() != schema.head_revision():
            raise click.ClickException(
                "The database is not migrated to this release. Run: payorch db upgrade"
            )
