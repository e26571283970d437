"""The letters about one order, for its timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from payorch.application.notices import RECEIPT_KINDS
from payorch.infrastructure.persistence.tables.notices import NoticeRow
from payorch.presentation.backoffice.notices.letter_texts import (
    STATES,
    kind_text,
    letter_address,
    shown_letter,
)
from payorch.presentation.backoffice.payments.payment_texts import Tone

MOST_LETTERS = 50


@dataclass(frozen=True, slots=True)
class LetterPart:
    at: datetime
    title: str
    recipient: str
    state: str
    tone: Tone
    error: str | None
    address: str
    is_receipt: bool


def order_letters(session: Session | scoped_session[Any], order_key: int) -> list[LetterPart]:
    """The first letters of the order, oldest first; only the last receipt is told as one."""
    rows = session.scalars(
        select(NoticeRow)
        .where(NoticeRow.order_id == order_key)
        .order_by(NoticeRow.id)
        .limit(MOST_LETTERS)
    ).all()
    return [_part(row, is_receipt=row is _last_receipt(rows)) for row in rows]


def _last_receipt(rows: Sequence[NoticeRow]) -> NoticeRow | None:
    receipts = [row for row in rows if row.kind in RECEIPT_KINDS]
    return receipts[-1] if receipts else None


def _part(row: NoticeRow, *, is_receipt: bool) -> LetterPart:
    state, tone = STATES[row.state]
    shown = shown_letter(row)
    return LetterPart(
        at=row.created_at,
        title=kind_text(row.kind),
        recipient=shown.recipient,
        state=state,
        tone=tone,
        error=row.error,
        address=letter_address(row),
        is_receipt=is_receipt and shown.problem is None,
    )
