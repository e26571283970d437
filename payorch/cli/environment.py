"""What every command needs first: the settings, and the database they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from payorch import paths
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
    """The database of `settings`; the folder of a new SQLite file is made on the way."""
    engine = create_engine(settings.database_url)
    if settings.is_sqlite and engine.url.database:
        Path(engine.url.database).resolve().parent.mkdir(parents=True, exist_ok=True)
    prepare_engine(engine)
    return Database(engine)


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
    """Ends the command when the database is not at the newest revision of this release."""
    with schema_of_settings(settings) as schema:
        if schema.current_revision() != schema.head_revision():
            raise click.ClickException(
                "The database is not migrated to this release. Run: payorch db upgrade"
            )
