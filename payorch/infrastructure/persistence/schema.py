"""The schema's version: upgrade, downgrade, and whether models and migrations agree."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from payorch.infrastructure.persistence import tables  # noqa: F401 - registers every table
from payorch.infrastructure.persistence.database import Base
from payorch.infrastructure.persistence.journal_protection import missing_triggers


class Schema:
    """Migrations of one database, from the scripts in `migrations`."""

    def __init__(self, engine: Engine, migrations: Path) -> None:
        self._engine = engine
        self._migrations = migrations

    def upgrade(self, revision: str = "head") -> None:
        with self._engine.begin() as connection:
            command.upgrade(self._config(connection), revision)

    def downgrade(self, revision: str) -> None:
        with self._engine.begin() as connection:
            command.downgrade(self._config(connection), revision)

    def current_revision(self) -> str | None:
        with self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def head_revision(self) -> str | None:
        return _head_revision(self._migrations)

    def drift(self) -> list[str]:
        """Differences between the migrated database and the models; empty when they agree."""
        with self._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = [str(it) for it in compare_metadata(context, Base.metadata)]
            return differences + [
                f"The trigger {name} is missing: the journal can be changed."
                for name in missing_triggers(connection)
            ]

    def _config(self, connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self._migrations).replace("%", "%%"))
        config.attributes["connection"] = connection
        return config


@cache
def _head_revision(migrations: Path) -> str | None:
    """Alembic compiles every script for it, and no script changes while a process lives."""
    return ScriptDirectory(str(migrations)).get_current_head()
