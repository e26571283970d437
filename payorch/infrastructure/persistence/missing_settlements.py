"""What no settlement report has although it should by now, and differences that settle themselves.

The window that a report is asked about overlaps the ones before, because a payment may be found
out to be paid days after it was started.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.settlement_reports import (
    Coverage,
    DifferenceState,
    ImportState,
    mapping_from,
)
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.account_methods import codes_of_account
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import (
    RefundRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
    SettlementMappingRow,
    TransactionRow,
)

OVERLAP = timedelta(days=14)
"""Longer than payorch goes on asking about one payment (domain.md, section 4)."""

BY_ITSELF = "payorch"
MAX_REPORTS_LOOKED_AT = 2000

_T, _R, _L = TransactionRow, RefundRow, SettlementLineRow
_Import, _Difference = SettlementImportRow, SettlementDifferenceRow
_INSERTS: dict[str, Any] = {
    "sqlite": sqlite_insert(_Difference).on_conflict_do_nothing().returning(_Difference.id),
    "postgresql": postgresql_insert(_Difference).on_conflict_do_nothing().returning(_Difference.id),
}
_MISSING = DifferenceKind.MISSING_THERE

After = tuple[datetime, int] | None


class MissingSettlements:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def coverages(self, import_id: int) -> Sequence[Coverage]:
        with self._transactions.read() as connection:
            this = connection.execute(
                select(*_Import.__table__.columns, SettlementMappingRow.document)
                .join(SettlementMappingRow, SettlementMappingRow.id == _Import.mapping_id)
                .where(_Import.id == import_id)
            ).first()
            if this is None or this.period_start is None:
                return ()
            others = connection.execute(
                select(_Import.period_start, _Import.period_end, _Import.currencies)
                .where(
                    _Import.provider_code == this.provider_code,
                    _Import.state == ImportState.DONE,
                    _Import.period_start.is_not(None),
                )
                .order_by(_Import.id.desc())
                .limit(MAX_REPORTS_LOOKED_AT)
            ).all()
            codes = codes_of_account(connection, this.provider_code)
        delay = timedelta(days=mapping_from(this.document).settling_delay_days)
        return [
            _coverage(
                codes,
                this,
                currency,
                [it for it in others if currency in it.currencies],
                delay=delay,
            )
            for currency in this.currencies
        ]

    def find_missing(
        self, import_id: int, coverage: Coverage, *, after: After, limit: int, at: datetime
    ) -> After:
        has_line = exists().where(
            _L.transaction_id == _T.id, _L.kind == LineKind.PAYMENT.value, _L.refund_id.is_(None)
        )
        is_listed = exists().where(
            _Difference.transaction_id == _T.id,
            _Difference.kind == _MISSING.value,
            _Difference.refund_id.is_(None),
        )
        statement = select(
            *(_T.id, _T.started_at.label("moment"), _T.order_id, _T.id.label("transaction_id")),
            *(_T.amount_minor, _T.currency, _T.status, _provider_of(import_id)),
        ).where(
            _T.provider_code.in_(coverage.provider_codes),
            _T.currency == coverage.currency,
            _T.status == TransactionStatus.APPROVED,
            *_within(_T.started_at, _T.id, coverage, after),
            ~has_line,
            ~is_listed,
        )
        page = statement.order_by(_T.started_at, _T.id).limit(limit)
        return self._list(page, import_id, limit=limit, at=at)

    def find_missing_refunds(
        self, import_id: int, coverage: Coverage, *, after: After, limit: int, at: datetime
    ) -> After:
        has_line = exists().where(_L.refund_id == _R.id, _L.kind == LineKind.REFUND.value)
        is_listed = exists().where(
            _Difference.refund_id == _R.id, _Difference.kind == _MISSING.value
        )
        statement = select(
            *(_R.id, _R.requested_at.label("moment"), _R.order_id, _R.transaction_id),
            *(_R.amount_minor, _R.currency, _R.status, _R.id.label("refund_id")),
            _provider_of(import_id),
        ).where(
            _R.provider_code.in_(coverage.provider_codes),
            _R.currency == coverage.currency,
            # A void made early is no movement that a report must have.
            _R.kind == RefundKind.REFUND,
            _R.status == RefundStatus.SUCCEEDED,
            *_within(_R.requested_at, _R.id, coverage, after),
            ~has_line,
            ~is_listed,
        )
        page = statement.order_by(_R.requested_at, _R.id).limit(limit)
        return self._list(page, import_id, limit=limit, at=at)

    def close_settled(self, provider_code: str, *, limit: int, at: datetime) -> int:
        is_paid_now = exists().where(
            _T.id == _Difference.transaction_id, _T.status.in_(CHARGED_TRANSACTION_STATUSES)
        )
        is_refunded_now = exists().where(
            _R.id == _Difference.refund_id, _R.status == RefundStatus.SUCCEEDED
        )
        statement = (
            select(_Difference.id)
            .where(
                _Difference.provider_code == provider_code,
                _Difference.kind == DifferenceKind.PAID_THERE.value,
                _Difference.state == DifferenceState.OPEN,
                or_(
                    and_(_Difference.refund_id.is_(None), is_paid_now),
                    and_(_Difference.refund_id.is_not(None), is_refunded_now),
                ),
            )
            .limit(limit)
        )
        with self._transactions.write() as connection:
            keys = list(connection.scalars(statement))
            if not keys:
                return 0
            return resolve_by_itself(
                connection,
                _Difference.id.in_(keys),
                reason="The books say the same by now.",
                at=at,
            )

    def _list(self, page: Any, import_id: int, *, limit: int, at: datetime) -> After:
        with self._transactions.write() as connection:
            rows = connection.execute(page).all()
            added = [_added(connection, row, import_id, at) for row in rows]
            if any(added):
                connection.execute(
                    update(_Import)
                    .where(_Import.id == import_id)
                    .values(differences=_Import.differences + sum(added), progressed_at=at)
                )
        return (rows[-1].moment, rows[-1].id) if len(rows) == limit else None


def came_in(import_id: int) -> str:
    """Why what was missing is so no more; taking that import back finds it by these words."""
    return f"The line has come in settlement report {import_id}."


def resolve_by_itself(
    connection: Connection, condition: ColumnElement[bool], *, reason: str, at: datetime
) -> int:
    """Open differences that need nobody any more, each with its entry in the journal."""
    statement = (
        update(_Difference)
        .where(_Difference.state == DifferenceState.OPEN, condition)
        .values(
            state=DifferenceState.RESOLVED, resolved_at=at, resolved_by=BY_ITSELF, reason=reason
        )
        .returning(_Difference.id)
    )
    keys = sorted(connection.scalars(statement))
    for key in keys:
        insert_entry(
            connection,
            actor=BY_ITSELF,
            action="settlement_difference_settled",
            subject=f"settlement_difference:{key}",
            reason=reason,
            before={"state": DifferenceState.OPEN.value},
            after={"state": DifferenceState.RESOLVED.value},
            at=at,
        )
    return len(keys)


def _provider_of(import_id: int) -> Any:
    """The code that the account's reports go by."""
    code = select(_Import.provider_code).where(_Import.id == import_id)
    return code.scalar_subquery().label("provider_code")


def _added(connection: Connection, row: Any, import_id: int, at: datetime) -> bool:
    values = {
        "import_id": import_id,
        "kind": _MISSING.value,
        "state": DifferenceState.OPEN,
        "provider_code": row.provider_code,
        "currency": row.currency,
        "here_minor": row.amount_minor,
        "here_currency": row.currency,
        "here_status": row.status.value,
        "order_id": row.order_id,
        "transaction_id": row.transaction_id,
        "refund_id": getattr(row, "refund_id", None),
        "found_at": at,
    }
    return connection.execute(_INSERTS[connection.dialect.name], values).first() is not None


def _within(moment: Any, key: Any, coverage: Coverage, after: After) -> list[Any]:
    conditions = [moment >= coverage.since, moment < coverage.until]
    if after is not None:
        at, last_key = after
        conditions += [moment >= at, or_(moment > at, and_(moment == at, key > last_key))]
    return conditions


def _coverage(
    codes: Sequence[str], this: Any, currency: str, others: Sequence[Any], *, delay: timedelta
) -> Coverage:
    """From where the first report begins, and no further back than new knowledge may reach."""
    since = _midnight(this.period_start)
    last_day = max([this.period_end, *(it.period_end for it in others)])
    if others:
        earliest = _midnight(min(it.period_start for it in others))
        compared_until = _midnight(max(it.period_end for it in others)) - delay
        since = min(since, max(earliest, compared_until - OVERLAP))
    until = _midnight(last_day) + timedelta(days=1) - delay
    return Coverage(codes, currency, since, until)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
