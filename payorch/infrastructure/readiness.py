"""Whether this process may be sent payments: the database answers, writes and is migrated."""

import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.job_counters import count_up
from payorch.infrastructure.persistence.schema import Schema

PROBES = "readiness_probes"


class DatabaseReadiness:
    """`answer_holds_s`: for so long an answer is given again, so that asking often is cheap."""

    def __init__(
        self, database: Database, migrations: Path, *, answer_holds_s: float = 0.0
    ) -> None:
        self._database = database
        self._answer_holds_s = answer_holds_s
        self._answer: tuple[float, list[str]] | None = None
        self._schema = Schema(database.engine, migrations)
        self._head = self._schema.head_revision()

    def problems(self) -> list[str]:
        """Short codes; empty when ready."""
        now = time.monotonic()
        if self._answer is None or now - self._answer[0] >= self._answer_holds_s:
            self._answer = (now, self._look())
        return self._answer[1]

    def _look(self) -> list[str]:
        try:
            if self._schema.current_revision() != self._head:
                return ["schema_not_migrated"]
            with self._database.tx() as connection:
                # Only a changed value reaches the disk: SQLite skips one that is as it was.
                count_up(connection, PROBES, by=1)
        except SQLAlchemyError:
            return ["database_unavailable"]
        return []

    def is_safe_mode(self) -> bool:
        """Whether payments are paused on purpose. Asked only when there are no problems."""
        with self._database.look_up() as connection:
            return connection.execute(text("SELECT mode FROM configuration")).scalar() == "safe"
