"""Whether this process may be sent payments: the database answers, writes and is migrated."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.schema import Schema


class DatabaseReadiness:
    def __init__(self, database: Database, migrations: Path) -> None:
        self._database = database
        self._schema = Schema(database.engine, migrations)
        self._head = self._schema.head_revision()

    def problems(self) -> list[str]:
        """Short codes; empty when ready."""
        try:
            if self._schema.current_revision() != self._head:
                return ["schema_not_migrated"]
            with self._database.tx() as connection:
                # It changes nothing, but only its commit shows that the disk takes a write.
                connection.execute(text("UPDATE configuration SET revision = revision"))
        except SQLAlchemyError:
            return ["database_unavailable"]
        return []

    def is_safe_mode(self) -> bool:
        """Whether payments are paused on purpose. Asked only when there are no problems."""
        with self._database.look_up() as connection:
            return connection.execute(text("SELECT mode FROM configuration")).scalar() == "safe"
