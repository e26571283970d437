"""The one row that tells every process that methods or policy changed.

It is created by the first change, so that an empty database needs no seed. Every function runs
inside the caller's transaction: the change and its stamp are one commit.
"""

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from payorch.infrastructure.persistence.tables import ConfigurationRow

_ROW = {"id": 1, "revision": 1, "policy_version": 0}


def bump_revision(connection: Connection, *, by: int = 1) -> None:
    """Make every process load the configuration again at its next order."""
    _create_if_missing(connection)
    connection.execute(
        update(ConfigurationRow)
        .where(ConfigurationRow.id == 1)
        .values(revision=ConfigurationRow.revision + by)
    )


def swap_policy_version(connection: Connection, *, base: int, new: int) -> bool:
    """Put policy `new` in force if `base` still is; False when another one was faster.

    A single UPDATE decides, so two publishers cannot both win: on PostgreSQL the second one
    waits for the row and then no longer matches, on SQLite writers queue.
    """
    _create_if_missing(connection)
    swapped = connection.execute(
        update(ConfigurationRow)
        .where(ConfigurationRow.id == 1, ConfigurationRow.policy_version == base)
        .values(policy_version=new, revision=ConfigurationRow.revision + 1)
    )
    return swapped.rowcount == 1


def policy_version_in_force(connection: Connection) -> int:
    version = connection.scalar(
        select(ConfigurationRow.policy_version).where(ConfigurationRow.id == 1)
    )
    return version or 0


def _create_if_missing(connection: Connection) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(ConfigurationRow).values(_ROW).on_conflict_do_nothing())
