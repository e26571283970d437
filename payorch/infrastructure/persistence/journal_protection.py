"""Whether the triggers that keep the journal append-only are there and switched on.

Migrations make them. A backup tool, or a migration that copies a table on SQLite, may lose them.
"""

from sqlalchemy import Connection, text

_SQLITE = {
    "journal_entry_is_not_changed",
    "journal_entry_is_not_replaced",
    "journal_entry_stays",
    "journal_head_is_not_replaced",
    "journal_head_moves_on",
    "journal_head_stays",
}
_POSTGRESQL = {"journal_entry_stays", "journal_head_moves_on", "journal_head_stays"}

_IN_SQLITE = text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
_IN_POSTGRESQL = text("SELECT tgname FROM pg_trigger WHERE tgenabled = 'A'")


def missing_triggers(connection: Connection) -> list[str]:
    """The names of those that should be there and are not, sorted."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = connection.scalars(_IN_SQLITE if is_sqlite else _IN_POSTGRESQL)
    return sorted((_SQLITE if is_sqlite else _POSTGRESQL) - set(found))
