"""The lines of settlement reports, booked batch by batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from payorch.application.jobs import IMPORT_SETTLEMENT, NewJob
from payorch.application.settlement_reports import (
    Batch,
    DifferenceState,
    ImportState,
    JudgedLine,
)
from payorch.domain.settlement_line import MATCHED_KINDS, LineKind
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.missing_settlements import (
    MissingSettlements,
    came_in,
    resolve_by_itself,
)
from payorch.infrastructure.persistence.settlement_files import drop_pieces
from payorch.infrastructure.persistence.settlement_lookup import SettlementLookUp
from payorch.infrastructure.persistence.tables import (
    SettlementBadLineRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
)

MAX_BAD_REASON = 300

_Import, _Line = SettlementImportRow, SettlementLineRow
_Bad, _Difference = SettlementBadLineRow, SettlementDifferenceRow


class SqlAlchemySettlementBook(MissingSettlements, SettlementLookUp):
    def record(self, batch: Batch, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            if not _is_moved_on(connection, batch, at):
                return False
            _mark_seen(connection, batch)
            keys = _insert_lines(connection, batch)
            _insert_differences(connection, batch, keys, at)
            if batch.bad:
                connection.execute(
                    insert(_Bad),
                    [
                        {
                            "import_id": batch.import_id,
                            "line_number": bad.number,
                            "reason": bad.reason[:MAX_BAD_REASON],
                        }
                        for bad in batch.bad
                    ],
                )
            _settle_late(connection, batch, at)
            insert_jobs(connection, batch.jobs, at=at)
        return True

    def end_reading(self, import_id: int, *, rows_read: int, at: datetime) -> bool:
        statement = (
            update(_Import)
            .where(
                _Import.id == import_id,
                _Import.state == ImportState.READING,
                _Import.rows_read == rows_read,
            )
            .values(state=ImportState.COMPARING, bytes_read=_Import.size_bytes, progressed_at=at)
        )
        with self._transactions.write() as connection:
            return connection.execute(statement).rowcount > 0

    def unknown_here(self, import_id: int) -> int:
        statement = (
            select(func.count())
            .select_from(_Difference)
            .where(
                _Difference.import_id == import_id,
                _Difference.kind == DifferenceKind.MISSING_HERE,
                _Difference.state == DifferenceState.OPEN,
            )
        )
        with self._transactions.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def end(self, import_id: int, *, jobs: Sequence[NewJob], at: datetime) -> None:
        drop_pieces(self._transactions, import_id)
        with self._transactions.write() as connection:
            ended = connection.execute(
                update(_Import)
                .where(_Import.id == import_id, _Import.state == ImportState.COMPARING)
                .values(state=ImportState.DONE, progressed_at=at, finished_at=at)
            )
            if ended.rowcount:
                insert_jobs(connection, jobs, at=at)

    def continue_later(self, import_id: int, *, part: str, at: datetime) -> None:
        key = f"settlement:{import_id}:{part}"
        job = NewJob(IMPORT_SETTLEMENT, {"import": import_id}, dedup_key=key)
        with self._transactions.write() as connection:
            insert_jobs(connection, [job], at=at)


def _is_moved_on(connection: Connection, batch: Batch, at: datetime) -> bool:
    """The import is at the batch's first row, and from now on behind its last one."""
    row = connection.execute(
        select(_Import.currencies, _Import.period_start, _Import.period_end)
        .where(
            _Import.id == batch.import_id,
            _Import.state == ImportState.READING,
            _Import.rows_read == batch.first_row,
        )
        .with_for_update()
    ).first()
    if row is None:
        return False
    days = [day for day in (row.period_start, row.period_end) if day is not None]
    days += batch.period or ()
    matched = [it for it in batch.lines if it.line.kind in MATCHED_KINDS and not it.kinds]
    connection.execute(
        update(_Import)
        .where(_Import.id == batch.import_id)
        .values(
            rows_read=batch.first_row + batch.rows,
            bytes_read=batch.bytes_read,
            lines_new=_Import.lines_new + len(batch.lines),
            lines_known=_Import.lines_known + batch.known,
            lines_bad=_Import.lines_bad + len(batch.bad),
            lines_matched=_Import.lines_matched + len(matched),
            differences=_Import.differences + sum(len(it.kinds) for it in batch.lines),
            period_start=min(days, default=None),
            period_end=max(days, default=None),
            currencies=sorted({*row.currencies, *batch.currencies}),
            progressed_at=at,
        )
    )
    return True


def _mark_seen(connection: Connection, batch: Batch) -> None:
    if batch.seen:
        connection.execute(
            update(_Line).where(_Line.id.in_(batch.seen)).values(seen_in=batch.import_id)
        )


def _insert_lines(connection: Connection, batch: Batch) -> dict[tuple[str, int], int]:
    """Keys of the new lines by identity and occurrence."""
    if not batch.lines:
        return {}
    rows = connection.execute(
        insert(_Line).returning(_Line.id, _Line.identity, _Line.occurrence),
        [_line_values(it, batch) for it in batch.lines],
    )
    return {(row.identity, row.occurrence): row.id for row in rows}


def _line_values(judged: JudgedLine, batch: Batch) -> dict[str, Any]:
    line, thing = judged.line, judged.thing
    # A second charge for the same attempt is not what settles the attempt.
    is_about = thing is not None and DifferenceKind.MISSING_HERE not in judged.kinds
    return {
        "import_id": batch.import_id,
        "seen_in": batch.import_id,
        "line_number": line.number,
        "provider_code": batch.provider_code,
        "identity": line.identity,
        "occurrence": judged.occurrence,
        "kind": line.kind.value,
        "reference": line.reference,
        "our_reference": line.our_reference,
        "amount_minor": line.amount_minor,
        "fee_minor": line.fee_minor,
        "net_minor": line.net_minor,
        "currency": line.currency,
        "settled_on": line.settled_on,
        "payout_id": line.payout_id,
        "order_id": thing.order_key if thing and is_about else None,
        "transaction_id": thing.transaction_key if thing and is_about else None,
        "refund_id": thing.refund_key if thing and is_about else None,
    }


def _insert_differences(
    connection: Connection, batch: Batch, keys: dict[tuple[str, int], int], at: datetime
) -> None:
    values = [
        {
            "import_id": batch.import_id,
            "line_id": keys[judged.line.identity, judged.occurrence],
            "state": DifferenceState.OPEN,
            "provider_code": batch.provider_code,
            "found_at": at,
            **_sides(judged, kind),
        }
        for judged in batch.lines
        for kind in judged.kinds
    ]
    if values:
        connection.execute(insert(_Difference), values)


def _sides(judged: JudgedLine, kind: DifferenceKind) -> dict[str, Any]:
    line, thing = judged.line, judged.thing
    there_minor: int | None = line.amount_minor
    here_minor = thing.amount_minor if thing is not None else None
    if kind is DifferenceKind.OTHER_FEE:
        there_minor, here_minor = line.fee_minor, judged.expected_fee_minor
    if kind is DifferenceKind.MISSING_HERE:
        here_minor = None
    return {
        "kind": kind.value,
        "currency": line.currency,
        "there_minor": there_minor,
        "here_minor": here_minor,
        "here_currency": thing.currency if thing is not None else None,
        "here_status": thing.status if thing is not None else None,
        "order_id": thing.order_key if thing is not None else None,
        "transaction_id": thing.transaction_key if thing is not None else None,
        "refund_id": thing.refund_key if thing is not None else None,
    }


def _settle_late(connection: Connection, batch: Batch, at: datetime) -> None:
    """What was missing in an earlier report and is in this one is no difference any more."""
    about = [it for it in batch.lines if it.thing and DifferenceKind.MISSING_HERE not in it.kinds]
    payments = {
        it.thing.transaction_key
        for it in about
        if it.thing and it.line.kind is LineKind.PAYMENT and it.thing.refund_key is None
    }
    refunds = {it.thing.refund_key for it in about if it.thing and it.line.kind is LineKind.REFUND}
    missing = _Difference.kind == DifferenceKind.MISSING_THERE
    for condition, keys in (
        (_Difference.transaction_id.in_(payments) & _Difference.refund_id.is_(None), payments),
        (_Difference.refund_id.in_(refunds), refunds),
    ):
        if keys:
            resolve_by_itself(
                connection,
                missing & condition,
                reason=came_in(batch.import_id),
                at=at,
            )
