"""The application without its pages, for commands that run use cases."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from payorch.cli.environment import open_database, require_migrated
from payorch.config import InvalidSettings, Settings
from payorch.infrastructure.observability import structured_logging
from payorch.wiring import Wired, wire


@contextmanager
def wired_application(settings: Settings) -> Iterator[Wired]:
    """Everything wiring.py makes, on a migrated database; connections are closed at the end."""
    require_migrated(settings)
    structured_logging.configure(settings.log_level)
    database = open_database(settings)
    try:
        try:
            wired = wire(settings, database.engine)
        except InvalidSettings as error:
            raise click.ClickException(str(error)) from None
        yield wired
    finally:
        database.engine.dispose()
