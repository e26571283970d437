"""Counts what an engine is asked to do, and when it commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import event

COMMIT = "COMMIT"
_NOT_COUNTED = ("BEGIN", "PRAGMA")


@dataclass(slots=True)
class DatabaseWatch:
    """`log` holds the statements and commits of all connections in their order."""

    log: list[str] = field(default_factory=list)

    @property
    def statements(self) -> list[str]:
        return [entry for entry in self.log if entry != COMMIT]

    @property
    def commits(self) -> int:
        return self.log.count(COMMIT)

    @property
    def after_first_commit(self) -> list[str]:
        return self.log[self.log.index(COMMIT) + 1 :]


@contextmanager
def watching(engine) -> Iterator[DatabaseWatch]:
    watch = DatabaseWatch()

    def note_statement(_connection, _cursor, statement, _parameters, _context, _many):
        if not statement.startswith(_NOT_COUNTED):
            watch.log.append(statement)

    def note_commit(_connection):
        watch.log.append(COMMIT)

    event.listen(engine, "before_cursor_execute", note_statement)
    event.listen(engine, "commit", note_commit)
    try:
        yield watch
    finally:
        event.remove(engine, "before_cursor_execute", note_statement)
        event.remove(engine, "commit", note_commit)
