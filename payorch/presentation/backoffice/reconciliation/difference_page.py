"""Both sides of a difference next to each other, and the totals of many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from sqlalchemy import func

from payorch.domain.payment_status import TransactionStatus
from payorch.domain.refund import RefundStatus
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.settlements import (
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
)
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.payments import payment_columns as cells
from payorch.presentation.backoffice.payments.payment_texts import TRANSACTION_STATUSES, Tone
from payorch.presentation.backoffice.payments.refund_texts import REFUND_STATUSES
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    DIFFERENCE_KINDS,
    DIFFERENCE_STATES,
    LINE_KINDS,
    ROUNDING,
    WHAT_IT_MEANS,
)
from payorch.presentation.backoffice.shell.keyset_list import COUNT_CAP
from payorch.presentation.money_format import format_money


@dataclass(frozen=True, slots=True)
class Total:
    currency: str
    number: str
    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Side:
    """One fact as the provider has it and as the books have it; "-" for what a side lacks."""

    label: str
    there: str
    here: str


@dataclass(frozen=True, slots=True)
class DifferencePage:
    title: str
    tone: Tone
    state: str
    state_tone: Tone
    meaning: str
    rounding: str | None
    sides: Sequence[Side]
    order_id: str | None
    order_address: str | None
    file_name: str
    is_open: bool


def totals_of(matching: Any) -> Sequence[Total] | None:
    """Of each currency; None where there are too many to add up on every look."""
    if matching is None:
        return ()
    row = SettlementDifferenceRow
    few = matching.with_entities(row.id).limit(COUNT_CAP + 1).count()
    if few > COUNT_CAP:
        return None
    sums = (
        matching.with_entities(
            row.currency, func.count(), func.sum(row.there_minor), func.sum(row.here_minor)
        )
        .group_by(row.currency)
        .order_by(row.currency)
    )
    return [
        Total(currency, f"{number:,}", _sum(there, currency), _sum(here, currency))
        for currency, number, there, here in sums
    ]


def amount_there(difference: SettlementDifferenceRow) -> str:
    if difference.there_minor is None:
        return "-"
    return format_money(difference.there_minor, difference.currency)


def amount_here(difference: SettlementDifferenceRow) -> str:
    if difference.here_minor is None:
        return "-"
    return format_money(difference.here_minor, difference.here_currency or difference.currency)


def difference_page(session: Any, difference: SettlementDifferenceRow) -> DifferencePage:
    kind = DifferenceKind(difference.kind)
    title, tone = DIFFERENCE_KINDS[kind]
    state, state_tone = _STATES[difference.state]
    line = _row(session, SettlementLineRow, difference.line_id)
    transaction = _row(session, TransactionRow, difference.transaction_id)
    refund = _row(session, RefundRow, difference.refund_id)
    order = _row(session, OrderRow, difference.order_id)
    report = session.get(SettlementImportRow, difference.import_id)
    is_off_by_one = kind is DifferenceKind.OTHER_FEE and _apart(difference) == 1
    return DifferencePage(
        title=title,
        tone=tone,
        state=state,
        state_tone=state_tone,
        meaning=WHAT_IT_MEANS[kind],
        rounding=ROUNDING if is_off_by_one else None,
        sides=_sides(difference, kind, line, transaction, refund),
        order_id=order.public_id if order else None,
        order_address=_address(order, refund or transaction),
        file_name=report.file_name if report else "-",
        is_open=difference.resolved_at is None,
    )


def _sides(
    difference: SettlementDifferenceRow,
    kind: DifferenceKind,
    line: Any,
    transaction: Any,
    refund: Any,
) -> Sequence[Side]:
    thing = refund or transaction
    what_here = "-" if thing is None else ("Refund" if refund else "Payment")
    is_fee = kind is DifferenceKind.OTHER_FEE
    sides = [
        Side("What", LINE_KINDS[LineKind(line.kind)] if line else "-", what_here),
        Side("Fee" if is_fee else "Amount", amount_there(difference), amount_here(difference)),
        Side("Status then", "Settled" if line else "-", status_text(difference)),
        Side("Status now", "Settled" if line else "-", _status_now(transaction, refund)),
        Side("Provider's reference", _text(line, "reference"), _text(thing, "provider_reference")),
        Side("Our reference", _text(line, "our_reference"), _text(thing, "public_id")),
        Side("When", _text(line, "settled_on"), _when(transaction, refund)),
        Side("Payout", _text(line, "payout_id"), "-"),
        Side("Line of the file", _text(line, "line_number"), "-"),
    ]
    if is_fee and line and thing:
        amount = format_money(line.amount_minor, line.currency)
        sides.insert(2, Side("Of", amount, format_money(thing.amount_minor, thing.currency)))
    return sides


def status_text(difference: SettlementDifferenceRow) -> str:
    return _STATUS_TEXTS.get(difference.here_status or "", "-")


def _status_now(transaction: Any, refund: Any) -> str:
    if refund is not None:
        return REFUND_STATUSES[refund.status][0]
    return "-" if transaction is None else TRANSACTION_STATUSES[transaction.status][0]


def _when(transaction: Any, refund: Any) -> str:
    moment = refund.requested_at if refund is not None else None
    if moment is None and transaction is not None:
        moment = transaction.started_at
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _row(session: Any, table: type[Any], key: int | None) -> Any:
    return None if key is None else session.get(table, key)


def _text(row: Any, name: str) -> str:
    value = None if row is None else getattr(row, name)
    return "-" if value is None else str(value)


def _apart(difference: SettlementDifferenceRow) -> int:
    return abs((difference.there_minor or 0) - (difference.here_minor or 0))


def _sum(minor: Any, currency: str) -> str:
    return "-" if minor is None else format_money(int(minor), currency)


def _address(order: Any, thing: Any) -> str | None:
    if order is None or f"{cells.ORDERS_ENDPOINT}.order_page" not in current_app.view_functions:
        return None
    return url_for(
        f"{cells.ORDERS_ENDPOINT}.order_page",
        public_id=order.public_id,
        _anchor=thing.public_id if thing is not None else None,
    )


_STATES: Mapping[str, tuple[str, Tone]] = {
    state.value: shown for state, shown in DIFFERENCE_STATES.items()
}
_STATUS_TEXTS: Mapping[str, str] = {
    **{RefundStatus(status).value: text for status, (text, _) in REFUND_STATUSES.items()},
    **{TransactionStatus(s).value: text for s, (text, _) in TRANSACTION_STATUSES.items()},
}
