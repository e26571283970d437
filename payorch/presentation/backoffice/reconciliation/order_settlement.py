"""What providers have settled of an order, for its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import current_app, url_for
from sqlalchemy import select

from payorch.application.settlement_reports import DifferenceState
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_matching import DifferenceKind
from payorch.infrastructure.persistence.tables.settlements import (
    SettlementDifferenceRow,
    SettlementLineRow,
)
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.backoffice.reconciliation.settlement_texts import (
    DIFFERENCE_KINDS,
    LINE_KINDS,
)
from payorch.presentation.money_format import format_money

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SettledPart:
    what: str
    provider: str
    amount: str
    fee: str
    settled_on: date
    payout: str


@dataclass(frozen=True, slots=True)
class OpenDifference:
    label: str
    tone: Tone
    address: str | None


@dataclass(frozen=True, slots=True)
class OrderSettlement:
    parts: Sequence[SettledPart]
    differences: Sequence[OpenDifference]


def order_settlement(session: Any, order_key: int, names: Any) -> OrderSettlement:
    lines = session.scalars(
        select(SettlementLineRow)
        .where(SettlementLineRow.order_id == order_key)
        .order_by(SettlementLineRow.id)
        .limit(MOST_SHOWN)
    )
    differences = session.scalars(
        select(SettlementDifferenceRow)
        .where(
            SettlementDifferenceRow.order_id == order_key,
            SettlementDifferenceRow.state == DifferenceState.OPEN,
        )
        .order_by(SettlementDifferenceRow.id)
        .limit(MOST_SHOWN)
    )
    return OrderSettlement(
        parts=[_part(line, names) for line in lines],
        differences=[_difference(difference) for difference in differences],
    )


def _part(line: SettlementLineRow, names: Any) -> SettledPart:
    fee = line.fee_minor
    return SettledPart(
        what=LINE_KINDS[LineKind(line.kind)],
        provider=names.get(line.provider_code, line.provider_code),
        amount=format_money(line.amount_minor, line.currency),
        fee="-" if fee is None else format_money(fee, line.currency),
        settled_on=line.settled_on,
        payout=line.payout_id or "-",
    )


def _difference(difference: SettlementDifferenceRow) -> OpenDifference:
    label, tone = DIFFERENCE_KINDS[DifferenceKind(difference.kind)]
    endpoint = "settlement_differences.difference_page"
    is_there = endpoint in current_app.view_functions
    return OpenDifference(label, tone, url_for(endpoint, key=difference.id) if is_there else None)
