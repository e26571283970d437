"""What the page of one review shows: rows in, ready texts out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.infrastructure.persistence.tables.reviews import ReviewRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.journal_texts import CONCLUSIONS
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.money_format import format_money


@dataclass(frozen=True, slots=True)
class ProposalPart:
    """One proposal with its decision; `decided_by` is None while it waits."""

    id: int
    conclusion: str
    reference: str | None
    evidence: str
    proposed_by: str
    proposed_at: datetime
    state: str
    tone: Tone
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def proposal_parts(rows: Sequence[ReviewRow]) -> list[ProposalPart]:
    return [_part(row) for row in rows]


def consequence(conclusion: str, transaction: TransactionRow) -> str:
    """What agreeing does."""
    amount = format_money(transaction.amount_minor, transaction.currency)
    if conclusion == "charged":
        return (
            f"The payment is booked as charged: the order is PAID with {amount}, and the customer "
            "gets a receipt."
        )
    if conclusion == "charged_other_amount":
        return (
            "What the provider charged is given back at once, and the payment is booked as not "
            f"charged: the order is not paid, and {amount} can be paid again."
        )
    return (
        "The payment is booked as not charged: the customer is told so, and may pay the order "
        "again. If the provider has charged after all, she pays twice."
    )


def age_text(since: datetime, now: datetime) -> str:
    """How long ago, in its two largest units."""
    seconds = max(int((now - since) / timedelta(seconds=1)), 0)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes = rest // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _part(row: ReviewRow) -> ProposalPart:
    state, tone = _state(row)
    return ProposalPart(
        id=row.id,
        conclusion=CONCLUSIONS[row.conclusion],
        reference=row.provider_reference,
        evidence=row.evidence,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        state=state,
        tone=tone,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.decision_reason,
    )


def _state(row: ReviewRow) -> tuple[str, Tone]:
    if row.decided_at is None:
        return "Waits for a second person", "warning"
    return ("Approved", "success") if row.is_approved else ("Rejected", "danger")
