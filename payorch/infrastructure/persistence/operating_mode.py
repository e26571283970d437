"""The mode in the configuration's row: who enters or leaves SAFE mode is journalled with it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from payorch.application.configuration import ModeInForce, OperatingMode
from payorch.infrastructure.persistence.configuration_revision import bump_revision
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import ConfigurationRow

BEYOND_ANY_COPY = 1_000_000
"""A restored database counts its revisions from the past, while processes may still hold a copy
of a later one: the mode's revision is one that nobody can have seen."""

_MODE = select(ConfigurationRow.mode, ConfigurationRow.mode_since).where(ConfigurationRow.id == 1)


class SqlAlchemyOperatingModes:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def in_force(self) -> ModeInForce:
        with self._transactions.read() as connection:
            return _in_force(connection)

    def change(self, mode: OperatingMode, *, actor: str, reason: str, at: datetime) -> bool:
        with self._transactions.write() as connection:
            # First, so that the row exists, and is locked against another change.
            bump_revision(connection, by=BEYOND_ANY_COPY)
            before = _in_force(connection)
            if before.mode is mode:
                connection.rollback()
                return False
            connection.execute(
                update(ConfigurationRow)
                .where(ConfigurationRow.id == 1)
                .values(mode=mode.value, mode_since=at)
            )
            insert_entry(
                connection,
                actor=actor,
                action=f"enter_{mode.value}_mode",
                subject="operating_mode",
                reason=reason,
                before={"mode": before.mode.value},
                after={"mode": mode.value},
                at=at,
            )
        return True


def _in_force(connection: Connection) -> ModeInForce:
    row = connection.execute(_MODE).one_or_none()
    if row is None:
        return ModeInForce(OperatingMode.NORMAL, None)
    return ModeInForce(OperatingMode(row.mode), row.mode_since)
