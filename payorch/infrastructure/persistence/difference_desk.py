"""Work of finance at the differences: each piece is one transaction with its journal entry."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from payorch.application.settlement_reports import DifferenceState, ImportState
from payorch.domain.errors import DifferenceChanged
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import (
    SettlementDifferenceRow,
    SettlementImportRow,
)

_Difference, _Import = SettlementDifferenceRow, SettlementImportRow


class SqlAlchemyDifferenceDesk:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def resolve(self, difference_id: int, *, actor: str, reason: str, at: datetime) -> None:
        values = {
            "state": DifferenceState.RESOLVED,
            "resolved_at": at,
            "resolved_by": actor,
            "reason": reason,
        }
        statement = (
            update(_Difference)
            .where(_Difference.id == difference_id, _Difference.state == DifferenceState.OPEN)
            .values(values)
            .returning(_Difference.kind)
        )
        with self._transactions.write() as connection:
            _require_that_it_stays(connection, difference_id)
            kind = connection.scalar(statement)
            if kind is None:
                raise DifferenceChanged("It is resolved already: look at it again.")
            insert_entry(
                connection,
                actor=actor,
                action="settlement_difference_resolved",
                subject=f"settlement_difference:{difference_id}",
                reason=reason,
                before={"state": DifferenceState.OPEN.value, "kind": kind},
                after={"state": DifferenceState.RESOLVED.value, "kind": kind},
                at=at,
            )

    def reopen(self, difference_id: int, *, actor: str, reason: str, at: datetime) -> None:
        values = {
            "state": DifferenceState.OPEN,
            "resolved_at": None,
            "resolved_by": None,
            "reason": None,
        }
        statement = (
            update(_Difference)
            .where(_Difference.id == difference_id, _Difference.state == DifferenceState.RESOLVED)
            .values(values)
            .returning(_Difference.kind)
        )
        with self._transactions.write() as connection:
            _require_that_it_stays(connection, difference_id)
            kind = connection.scalar(statement)
            if kind is None:
                raise DifferenceChanged("It is open already: look at it again.")
            insert_entry(
                connection,
                actor=actor,
                action="settlement_difference_reopened",
                subject=f"settlement_difference:{difference_id}",
                reason=reason,
                before={"state": DifferenceState.RESOLVED.value, "kind": kind},
                after={"state": DifferenceState.OPEN.value, "kind": kind},
                at=at,
            )


def _require_that_it_stays(connection: Connection, difference_id: int) -> None:
    """Under the lock of its report, which whoever takes the report back holds as well: what staff
    found would go with it. Raises DifferenceChanged.
    """
    state = connection.scalar(
        select(_Import.state)
        .join(_Difference, _Difference.import_id == _Import.id)
        .where(_Difference.id == difference_id)
        .with_for_update(of=_Import)
    )
    if state == ImportState.UNDOING:
        raise DifferenceChanged("The report is being taken back, and this goes with it.")
