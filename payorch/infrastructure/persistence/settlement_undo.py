"""SettlementUndo on SQL: every batch locks the import's row, so that two workers take turns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from payorch.application.jobs import UNDO_SETTLEMENT, NewJob
from payorch.application.settlement_reports import DifferenceState, ImportState
from payorch.domain.errors import SettlementImportChanged
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.missing_settlements import (
    BY_ITSELF,
    MAX_REPORTS_LOOKED_AT,
    came_in,
)
from payorch.infrastructure.persistence.tables import (
    SettlementBadLineRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
)

_Import, _Line = SettlementImportRow, SettlementLineRow
_Bad, _Difference = SettlementBadLineRow, SettlementDifferenceRow


class SqlAlchemySettlementUndo:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def start(self, import_id: int, *, actor: str, reason: str, at: datetime) -> None:
        try:
            with self._transactions.write() as connection:
                found = _locked(connection, import_id)
                if found is None or found.state != ImportState.DONE:
                    raise SettlementImportChanged("Only an imported report can be taken back.")
                # First: the index of running imports keeps others out until the commit.
                connection.execute(
                    update(_Import)
                    .where(_Import.id == import_id)
                    .values(
                        state=ImportState.UNDOING.value,
                        progressed_at=at,
                        undone_by=actor,
                        undo_reason=reason,
                    )
                )
                _require_nothing_rests_on(connection, found)
                _journal(
                    connection, "settlement_undo_started", found, actor=actor, reason=reason, at=at
                )
                insert_jobs(connection, [_job(import_id, "0")], at=at)
        except IntegrityError:
            raise SettlementImportChanged(
                "Another report of this provider is being read. Take this one back after it."
            ) from None

    def drop_lines(self, import_id: int, *, limit: int, at: datetime) -> int:
        with self._transactions.write() as connection:
            if not _is_undoing(connection, import_id):
                return 0
            rows = connection.execute(
                select(_Line.id, _Line.transaction_id)
                .where(_Line.import_id == import_id)
                .order_by(_Line.id)
                .limit(limit)
            ).all()
            if not rows:
                return 0
            keys = [row.id for row in rows]
            about = {row.transaction_id for row in rows if row.transaction_id is not None}
            _open_again(connection, import_id, about, at)
            connection.execute(delete(_Difference).where(_Difference.line_id.in_(keys)))
            connection.execute(delete(_Line).where(_Line.id.in_(keys)))
            connection.execute(
                update(_Import)
                .where(_Import.id == import_id)
                .values(lines_undone=_Import.lines_undone + len(keys), progressed_at=at)
            )
        return len(keys)

    def drop_rest(self, import_id: int, *, limit: int, at: datetime) -> int:
        dropped = 0
        with self._transactions.write() as connection:
            if not _is_undoing(connection, import_id):
                return 0
            for table in (_Difference, _Bad):
                keys = list(
                    connection.scalars(
                        select(table.id).where(table.import_id == import_id).limit(limit)
                    )
                )
                if keys:
                    connection.execute(delete(table).where(table.id.in_(keys)))
                    dropped += len(keys)
            if dropped:
                connection.execute(
                    update(_Import).where(_Import.id == import_id).values(progressed_at=at)
                )
        return dropped

    def later_reports(self, import_id: int) -> Sequence[int]:
        with self._transactions.read() as connection:
            found = connection.execute(
                select(_Import.__table__).where(_Import.id == import_id)
            ).one()
            return list(connection.scalars(_later(found).limit(MAX_REPORTS_LOOKED_AT)))

    def end(self, import_id: int, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            found = _locked(connection, import_id)
            if found is None or found.state != ImportState.UNDOING:
                return
            connection.execute(
                update(_Import)
                .where(_Import.id == import_id)
                .values(state=ImportState.UNDONE.value, progressed_at=at, finished_at=at)
            )
            _journal(
                connection,
                "settlement_import_undone",
                found,
                actor=str(found.undone_by),
                reason=str(found.undo_reason),
                at=at,
            )

    def continue_later(self, import_id: int, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            found = _locked(connection, import_id)
            if found is not None:
                insert_jobs(connection, [_job(import_id, at.isoformat())], at=at)


def _require_nothing_rests_on(connection: Connection, found: Any) -> None:
    """Raises SettlementImportChanged, saying what does and what to do first."""
    resolved = connection.scalar(
        select(func.count()).where(
            _Difference.import_id == found.id,
            _Difference.state == DifferenceState.RESOLVED.value,
            _Difference.resolved_by != BY_ITSELF,
        )
    )
    if resolved:
        raise SettlementImportChanged(
            f"Staff have resolved differences of this report ({resolved}). Take them up again "
            "first: what was found of them would be lost."
        )
    later = _later(found).limit(1)
    seen = exists().where(_Line.import_id == found.id, _Line.seen_in != found.id)
    report = connection.scalar(later.where(_Import.lines_known > 0, seen))
    if report is not None:
        raise SettlementImportChanged(
            f"Settlement report {report} has lines of this one too, and has not booked them again. "
            "Take that one back first."
        )
    report = connection.scalar(later.where(_settled_again(found.id)))
    if report is not None:
        raise SettlementImportChanged(
            f"Settlement report {report} was found to settle again what this one has settled. "
            "Take that one back first."
        )


def _later(found: Any) -> Select[Any]:
    """Reports of the account that were imported after it, the last one first.

    One is read at a time, so their ends are in the order of their beginnings.
    """
    return (
        select(_Import.id)
        .where(
            _Import.provider_code == found.provider_code,
            _Import.id != found.id,
            _Import.state == ImportState.DONE.value,
            _Import.finished_at >= found.finished_at,
        )
        .order_by(_Import.finished_at.desc(), _Import.id.desc())
    )


def _settled_again(import_id: int) -> ColumnElement[bool]:
    """An open "settled twice" of the report of the statement around it, about the same thing."""
    is_same = or_(
        _Line.refund_id == _Difference.refund_id,
        and_(_Line.refund_id.is_(None), _Difference.refund_id.is_(None)),
    )
    first_line = exists().where(
        _Line.import_id == import_id, _Line.transaction_id == _Difference.transaction_id, is_same
    )
    return exists().where(
        _Difference.import_id == _Import.id,
        _Difference.kind == DifferenceKind.SETTLED_TWICE.value,
        _Difference.state == DifferenceState.OPEN.value,
        first_line,
    )


def _open_again(connection: Connection, import_id: int, about: set[int], at: datetime) -> None:
    """What was missing in an earlier report, and had come in this one, is missing again; unless
    another report has it, too.
    """
    if not about:
        return
    other = aliased(_Line)
    is_elsewhere = exists().where(
        other.transaction_id == _Difference.transaction_id,
        other.import_id != import_id,
        or_(
            other.refund_id == _Difference.refund_id,
            and_(other.refund_id.is_(None), _Difference.refund_id.is_(None)),
        ),
    )
    statement = (
        update(_Difference)
        .where(
            _Difference.transaction_id.in_(about),
            _Difference.import_id != import_id,
            _Difference.kind == DifferenceKind.MISSING_THERE.value,
            _Difference.state == DifferenceState.RESOLVED.value,
            _Difference.resolved_by == BY_ITSELF,
            _Difference.reason == came_in(import_id),
            ~is_elsewhere,
        )
        .values(state=DifferenceState.OPEN.value, resolved_at=None, resolved_by=None, reason=None)
        .returning(_Difference.id)
    )
    for key in sorted(connection.scalars(statement)):
        insert_entry(
            connection,
            actor=BY_ITSELF,
            action="settlement_difference_reopened",
            subject=f"settlement_difference:{key}",
            reason=f"Settlement report {import_id} was taken back.",
            before={"state": DifferenceState.RESOLVED.value},
            after={"state": DifferenceState.OPEN.value},
            at=at,
        )


def _locked(connection: Connection, import_id: int) -> Any:
    table = _Import.__table__
    return connection.execute(
        select(table).where(_Import.id == import_id).with_for_update()
    ).first()


def _is_undoing(connection: Connection, import_id: int) -> bool:
    found = _locked(connection, import_id)
    return found is not None and found.state == ImportState.UNDOING


def _job(import_id: int, part: str) -> NewJob:
    key = f"settlement-undo:{import_id}:{part}"
    return NewJob(UNDO_SETTLEMENT, {"import": import_id}, dedup_key=key)


def _journal(
    connection: Connection, action: str, found: Any, *, actor: str, reason: str, at: datetime
) -> None:
    insert_entry(
        connection,
        actor=actor,
        action=action,
        subject=f"settlement_import:{found.id}",
        reason=reason,
        before=None,
        after={
            "provider": found.provider_code,
            "sha256": found.file_hash,
            "lines": found.lines_new,
            "differences": found.differences,
        },
        at=at,
    )
