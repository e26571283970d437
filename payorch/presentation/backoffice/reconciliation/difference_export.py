"""What the files of the differences hold of each."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.settlements import (
    SettlementDifferenceRow,
    SettlementLineRow,
)
from payorch.presentation.export_cells import AmountCell, Cell

COLUMNS = (
    *("difference", "kind", "state", "provider", "report", "found_at", "currency", "there"),
    *("here", "here_currency", "here_status", "reference", "our_reference", "settled_on"),
    *("payout", "order", "resolved_at", "resolved_by", "reason"),
)

_Row = SettlementDifferenceRow


def difference_cells(
    session: Any, rows: Sequence[SettlementDifferenceRow]
) -> Iterator[Sequence[Cell]]:
    facts = _facts(session, [row.id for row in rows])
    return (_cells(row, facts[row.id]) for row in rows)


def _facts(session: Any, keys: Sequence[int]) -> dict[int, Any]:
    line = SettlementLineRow
    statement = (
        select(
            *(_Row.id, line.reference, line.our_reference, line.settled_on, line.payout_id),
            OrderRow.public_id,
        )
        .outerjoin(line, line.id == _Row.line_id)
        .outerjoin(OrderRow, OrderRow.id == _Row.order_id)
        .where(_Row.id.in_(keys))
    )
    return {row.id: row for row in session.execute(statement)}


def _cells(row: SettlementDifferenceRow, facts: Any) -> Sequence[Cell]:
    here_currency = row.here_currency or row.currency
    return [
        str(row.id),
        row.kind,
        row.state,
        row.provider_code,
        str(row.import_id),
        row.found_at.isoformat(),
        row.currency,
        _amount(row.there_minor, row.currency),
        _amount(row.here_minor, here_currency),
        row.here_currency or "",
        row.here_status or "",
        facts.reference or "",
        facts.our_reference or "",
        "" if facts.settled_on is None else facts.settled_on.isoformat(),
        facts.payout_id or "",
        facts.public_id or "",
        "" if row.resolved_at is None else row.resolved_at.isoformat(),
        row.resolved_by or "",
        row.reason or "",
    ]


def _amount(minor: int | None, currency: str) -> Cell:
    return "" if minor is None else AmountCell(minor, currency)
