"""What the page of one settlement report shows: progress, sums, and lines that were not booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy import func, select

from payorch.application.settlement_reports import RUNNING_STATES, DifferenceState, ImportState
from payorch.domain.settlement_line import LineKind
from payorch.infrastructure.persistence.tables.settlements import (
    SettlementBadLineRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
)
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    IMPORT_STATES,
    LINE_KINDS,
)
from payorch.presentation.money_format import format_money

BAD_LINES_SHOWN = 100
STANDS_STILL_AFTER = timedelta(minutes=2)
REFRESH_S = 3


@dataclass(frozen=True, slots=True)
class KindSum:
    kind: str
    currency: str
    lines: str
    amount: str
    fees: str


@dataclass(frozen=True, slots=True)
class ReportPage:
    """`percent` is of the file's bytes, or of the lines while they are taken back. `refresh_s`
    None: nothing changes by itself any more.
    """

    status: str
    tone: Tone
    percent: int
    refresh_s: int | None
    waits_for_columns: bool
    may_be_undone: bool
    was_undone: bool
    stands_still: bool
    open_differences: int
    sums: Sequence[KindSum]
    bad_lines: Sequence[Any]
    more_bad_after: int | None


def report_page(session: Any, report: SettlementImportRow, now: datetime) -> ReportPage:
    status, tone = IMPORT_STATES[ImportState(report.state)]
    is_running = report.state in RUNNING_STATES
    bad_lines = _bad_lines(session, report)
    has_more = len(bad_lines) > BAD_LINES_SHOWN
    last_step = report.progressed_at or report.uploaded_at
    return ReportPage(
        status=status,
        tone=tone,
        percent=_percent(report),
        refresh_s=REFRESH_S if is_running else None,
        waits_for_columns=report.state == ImportState.UPLOADED,
        may_be_undone=report.state == ImportState.DONE,
        was_undone=report.state == ImportState.UNDONE,
        stands_still=is_running and now - last_step > STANDS_STILL_AFTER,
        open_differences=_open_differences(session, report),
        sums=_sums(session, report) if report.state == ImportState.DONE else (),
        bad_lines=bad_lines[:BAD_LINES_SHOWN],
        more_bad_after=bad_lines[BAD_LINES_SHOWN - 1].id if has_more else None,
    )


def _percent(report: SettlementImportRow) -> int:
    if report.state == ImportState.DONE:
        return 100
    if report.state == ImportState.UNDOING:
        return min(99, 100 * report.lines_undone // max(report.lines_new, 1))
    return min(99, 100 * report.bytes_read // max(report.size_bytes, 1))


def _open_differences(session: Any, report: SettlementImportRow) -> int:
    statement = select(func.count()).where(
        SettlementDifferenceRow.import_id == report.id,
        SettlementDifferenceRow.state == DifferenceState.OPEN,
    )
    return int(session.scalar(statement) or 0)


def _bad_lines(session: Any, report: SettlementImportRow) -> Sequence[Any]:
    after = request.args.get("bad_after", "")
    first = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    statement = (
        select(SettlementBadLineRow)
        .where(SettlementBadLineRow.import_id == report.id, SettlementBadLineRow.id > first)
        .order_by(SettlementBadLineRow.id)
        .limit(BAD_LINES_SHOWN + 1)
    )
    found: Sequence[Any] = session.scalars(statement).all()
    return found


def _sums(session: Any, report: SettlementImportRow) -> Sequence[KindSum]:
    """Of the lines that were new in this report."""
    row = SettlementLineRow
    statement = (
        select(
            *(row.kind, row.currency, func.count(), func.sum(row.amount_minor)),
            func.sum(row.fee_minor),
        )
        .where(row.import_id == report.id)
        .group_by(row.kind, row.currency)
        .order_by(row.kind, row.currency)
    )
    return [
        KindSum(
            kind=LINE_KINDS[LineKind(kind)],
            currency=currency,
            lines=f"{count:,}",
            amount=format_money(int(amount), currency),
            fees="-" if fees is None else format_money(int(fees), currency),
        )
        for kind, currency, count, amount, fees in session.execute(statement)
    ]
