"""Everything that happened to one order, in one list in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.infrastructure.persistence.tables.order_notes import OrderNoteRow
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.backoffice.journal_texts import Names, done_text
from payorch.presentation.backoffice.notices.order_letters import LetterPart
from payorch.presentation.backoffice.payments.order_page import OrderPage
from payorch.presentation.backoffice.payments.order_refunds import OrderRefunds

MOST_OF_EACH = 200
"""Nothing that repeats itself may make the page endless."""

TOLD_ELSEWHERE = ("refund_requested", "order_note_added")
"""Journal entries whose refund or note is an entry of its own, with who and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `kind` names the macro of the template that shows `part`."""

    at: datetime
    kind: str
    part: Any


@dataclass(frozen=True, slots=True)
class StaffAction:
    who: str
    what: str
    why: str


def timeline(
    order: OrderRow,
    page: OrderPage,
    refunds: OrderRefunds,
    *,
    events: Sequence[tuple[WebhookEventRow, str, str]],
    letters: Sequence[LetterPart],
    staff: Sequence[Entry],
) -> list[Entry]:
    """Oldest first; what bears the same time keeps cause before effect."""
    entries = [Entry(order.created_at, "created", None)]
    for submission in page.submissions:
        entries.append(Entry(submission.at, "submission", submission))
        for attempt in submission.attempts:
            entries.append(Entry(attempt.started_at, "attempt", attempt))
            entries += [
                Entry(evidence.at, "check", (attempt, evidence)) for evidence in attempt.evidence
            ]
    entries += [Entry(refund.at, "refund", refund) for refund in refunds.refunds]
    entries += [Entry(event[0].received_at, "event", event) for event in events]
    entries += staff
    entries += [Entry(letter.at, "letter", letter) for letter in letters]
    return sorted(entries, key=lambda entry: _in_utc(entry.at))


def staff_entries(session: Any, order: OrderRow, names: Names) -> list[Entry]:
    """What the staff did at the order and its payments, and their notes."""
    journal = session.scalars(
        select(JournalRow)
        .where(JournalRow.subject.in_(subjects_of(order)), JournalRow.action.not_in(TOLD_ELSEWHERE))
        .order_by(JournalRow.id)
        .limit(MOST_OF_EACH)
    )
    notes = session.scalars(
        select(OrderNoteRow)
        .where(OrderNoteRow.order_id == order.id)
        .order_by(OrderNoteRow.id)
        .limit(MOST_OF_EACH)
    )
    return [
        *(
            Entry(
                entry.created_at,
                "staff",
                StaffAction(entry.actor, done_text(entry, names), entry.reason),
            )
            for entry in journal
        ),
        *(Entry(note.created_at, "note", note) for note in notes),
    ]


def subjects_of(order: OrderRow) -> list[str]:
    """Under what the journal has the order and its payments; its transactions are loaded."""
    return [
        f"order:{order.public_id}",
        *(f"transaction:{transaction.public_id}" for transaction in order.transactions),
    ]


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
