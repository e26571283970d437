"""What the page of one order shows: rows in, ready texts out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from payorch.infrastructure.persistence.tables.orders import OrderRow, SubmissionRow
from payorch.infrastructure.persistence.tables.transactions import EvidenceRow, TransactionRow
from payorch.presentation.backoffice.payments.evidence_texts import (
    SAYS_NOTHING_FINAL,
    evidence_text,
)
from payorch.presentation.backoffice.payments.order_badge import order_badge
from payorch.presentation.backoffice.payments.order_explanation import (
    GivenBack,
    Step,
    explanation,
)
from payorch.presentation.backoffice.payments.order_refunds import refunded_minor_of
from payorch.presentation.backoffice.payments.payment_texts import (
    TRANSACTION_STATUSES,
    Tone,
    flag_text,
    left_out_text,
    reason_text,
    worded,
)
from payorch.presentation.countries import country_name
from payorch.presentation.money_format import format_money


@dataclass(frozen=True, slots=True)
class EvidencePart:
    """`was_kept_only`: it would have settled something, but the books say otherwise."""

    at: datetime
    text: str
    detail: str
    was_applied: bool
    was_kept_only: bool


@dataclass(frozen=True, slots=True)
class AttemptPart:
    """One transaction. `facts` are (label, value) pairs; `references` can be copied."""

    public_id: str
    title: str
    status: str
    tone: Tone
    started_at: datetime
    facts: Sequence[tuple[str, str]]
    references: Sequence[tuple[str, str]]
    next_check_at: datetime | None
    review_since: datetime | None
    evidence: Sequence[EvidencePart]


@dataclass(frozen=True, slots=True)
class SubmissionPart:
    """One press of "Pay": how the providers were chosen, and what became of each."""

    number: int
    at: datetime
    policy_version: int
    why_first: str
    preferred: str | None
    candidates: Sequence[tuple[str, str]]
    left_out: Sequence[tuple[str, str]]
    attempts: Sequence[AttemptPart]


@dataclass(frozen=True, slots=True)
class OrderPage:
    amount: str
    status: str
    tone: Tone
    flag: str | None
    country: str
    explanation: str
    submissions: Sequence[SubmissionPart]


def order_page(
    order: OrderRow, names: Mapping[str, str], why_first: Mapping[int, str]
) -> OrderPage:
    """The page of `order`, with its submissions, attempts and evidence already loaded.

    `why_first` is a sentence about the routing decision of each submission, by its number.
    """
    status, tone = order_badge(order)
    refunded = refunded_minor_of(order)
    last = order.submissions[-1].id if order.submissions else None
    return OrderPage(
        amount=format_money(order.amount_minor, order.currency),
        status=status,
        tone=tone,
        flag=flag_text(order.flag) if order.flag else None,
        country=f"{country_name(order.country, 'en')} ({order.country})",
        explanation=explanation(
            order.status,
            [_step(t, names) for t in order.transactions if t.submission_id == last],
            earlier_submissions=max(len(order.submissions) - 1, 0),
            given_back=GivenBack(
                format_money(refunded, order.currency), is_all=refunded >= order.amount_minor
            )
            if refunded
            else None,
        ),
        submissions=[
            _submission(order, submission, names, why_first.get(submission.number, ""))
            for submission in order.submissions
        ],
    )


def _step(transaction: TransactionRow, names: Mapping[str, str]) -> Step:
    return Step(
        provider=names.get(transaction.provider_code, transaction.provider_code),
        status=transaction.status,
        decline_reason=transaction.decline_reason,
        technical_reason=transaction.technical_reason,
    )


def _submission(
    order: OrderRow, submission: SubmissionRow, names: Mapping[str, str], why_first: str
) -> SubmissionPart:
    preferred = submission.preferred_provider
    return SubmissionPart(
        number=submission.number,
        at=submission.created_at,
        policy_version=submission.policy_version,
        why_first=why_first,
        preferred=names.get(preferred, preferred) if preferred else None,
        candidates=[
            (names.get(c["provider"], c["provider"]), _chosen(c)) for c in submission.candidates
        ],
        left_out=[
            (names.get(c["provider"], c["provider"]), left_out_text(c["because"]))
            for c in submission.left_out
        ],
        attempts=[
            attempt_part(transaction, names)
            for transaction in order.transactions
            if transaction.submission_id == submission.id
        ],
    )


def _chosen(candidate: Mapping[str, object]) -> str:
    """Why it stands where it does, and how likely chance made it the first."""
    text = reason_text(str(candidate["because"]))
    propensity = candidate.get("propensity")
    if isinstance(propensity, float) and 0.0 < propensity < 1.0:
        text += f" (first with probability {propensity:.2f})"
    return text


def attempt_part(transaction: TransactionRow, names: Mapping[str, str]) -> AttemptPart:
    status, tone = TRANSACTION_STATUSES[transaction.status]
    name = names.get(transaction.provider_code, transaction.provider_code)
    return AttemptPart(
        public_id=transaction.public_id,
        title=f"Attempt {transaction.attempt_number}: {name}",
        status=status,
        tone=tone,
        started_at=transaction.started_at,
        facts=[(label, text) for label, text in _facts(transaction) if text],
        references=[
            (label, text)
            for label, text in (
                ("Our reference", transaction.public_id),
                ("Provider's reference", transaction.provider_reference),
            )
            if text
        ],
        next_check_at=transaction.next_check_at,
        review_since=transaction.review_since,
        evidence=[_evidence(row) for row in transaction.evidence],
    )


def _facts(transaction: TransactionRow) -> Sequence[tuple[str, str | None]]:
    latency = transaction.latency_ms
    raw_code = [transaction.decline_scheme, transaction.decline_code]
    return (
        ("Chosen because", reason_text(transaction.chosen_because)),
        ("Latency", None if latency is None else f"{latency:,} ms"),
        ("Decline", worded(transaction.decline_reason)),
        ("Decline class", worded(transaction.decline_class)),
        ("Raw code", " ".join(part for part in raw_code if part)),
        ("Advice code", transaction.decline_advice),
        ("Technical reason", reason_text(transaction.technical_reason)),
        ("Card", _card(transaction)),
    )


def _card(transaction: TransactionRow) -> str | None:
    if transaction.card_last4 is None:
        return None
    brand = (transaction.card_brand or "card").capitalize()
    return f"{brand} ending in {transaction.card_last4}"


def _evidence(row: EvidenceRow) -> EvidencePart:
    return EvidencePart(
        at=row.created_at,
        text=evidence_text(row.source, row.outcome, row.detail or {}),
        detail=json.dumps(row.detail, indent=2, ensure_ascii=False, sort_keys=True)
        if row.detail
        else "",
        was_applied=row.was_applied,
        was_kept_only=not row.was_applied and row.outcome not in SAYS_NOTHING_FINAL,
    )
