"""The application without its pages, for commands that run use cases."""

from collections.abc import Iterator
from contextlib import contextmanager

from payorch.cli.environment import open_database, require_migrated
from payorch.config import Settings
from payorch.infrastructure.observability import structured_logging
from payorch.wiring import Wired, wire


@contextmanager
def wired_application(settings: Settings) -> Iterator[Wired]:
    """Everything wiring.py makes, on a migrated database; connections are closed at the end."""
    require_migrated(settings)
    structured_logging.configure(settings.log_level)
    database = open_database(settings)
    try:
        yield wire(settings, database.engine)
    finally:
        database.engine.dispose()
