"""What waits for a person, counted: one statement, every count by an index and up to a cap.

Each page of the back office asks for the sum, so no count may cost more than its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, text
from sqlalchemy.orm import Session, scoped_session

from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundStatus
from payorch.infrastructure.persistence.tables.jobs import JobRow, JobState
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refund_proposals import (
    PROPOSAL_OPEN,
    RefundProposalRow,
)
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.settlements import (
    DIFFERENCE_OPEN,
    SettlementDifferenceRow,
)
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow
from payorch.presentation.backoffice.notices.switched_off import switched_off_by_payorch
from payorch.presentation.backoffice.permissions import Permission

COUNT_CAP = 100
"""Counting stops here: more than that is a lot, however many exactly."""

CONFIRMING_TOO_LONG = timedelta(minutes=15)

# A customer on a provider's page and a bank transfer take their time; these should not.
CONFIRMING_STATUSES = frozenset({TransactionStatus.STARTED, TransactionStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueue:
    """`endpoint` and `filters` lead to the list of what is counted, for those with `permission`."""

    name: str
    title: str
    what_to_do: str
    endpoint: str
    filters: Mapping[str, str] = field(default_factory=dict)
    permission: Permission = Permission.READ_PAYMENTS


QUEUES: Sequence[WorkQueue] = (
    WorkQueue(
        name="review",
        title="Payments to review",
        what_to_do=(
            "No provider could prove the outcome. Look it up there: one person proposes, "
            "a second one decides."
        ),
        endpoint="backoffice_reviews.index_view",
        filters={"state": "open"},
    ),
    WorkQueue(
        name="confirming",
        title="Confirming for over 15 minutes",
        what_to_do="payorch goes on asking. Is the provider in trouble?",
        endpoint="backoffice_transactions.index_view",
        filters={"waits": "confirming"},
    ),
    WorkQueue(
        name="flagged",
        title="Flagged orders",
        what_to_do=(
            "A late or second charge, a wrong amount, a contradiction. "
            "See what was given back and whether the order is right, then mark it as dealt with."
        ),
        endpoint="backoffice_orders.index_view",
        filters={"flag": "open"},
    ),
    WorkQueue(
        name="providers_off",
        title="Providers that payorch has switched off",
        what_to_do="They refused our credentials. Mend them there, then switch the provider on.",
        endpoint="providers.index",
        permission=Permission.READ_ROUTING,
    ),
    WorkQueue(
        name="orphans",
        title="Orphan money",
        what_to_do="A provider took money that no order of ours knows. Give it back there.",
        endpoint="backoffice_provider_events.index_view",
        filters={"state": "orphaned"},
    ),
    WorkQueue(
        name="differences",
        title="Settlement differences",
        what_to_do="A provider's report and the books do not agree. Find out why, and resolve it.",
        endpoint="settlement_differences.index_view",
        filters={"state": "open"},
    ),
    WorkQueue(
        name="refunds_to_approve",
        title="Refunds to approve",
        what_to_do=(
            "More than one person may give back alone. Somebody of finance who has not "
            "proposed it agrees or rejects."
        ),
        endpoint="refund_proposals.index_view",
        filters={"state": "open"},
    ),
    WorkQueue(
        name="refunds_failed",
        title="Refunds that failed",
        what_to_do="The customer has not got the money. Try again, or pay it another way.",
        endpoint="backoffice_refunds.index_view",
        filters={"status": RefundStatus.FAILED.value},
    ),
    WorkQueue(
        name="refunds_unproved",
        title="Refunds nobody can prove",
        what_to_do="Look them up at the provider, and settle them: two people each.",
        endpoint="backoffice_refunds.index_view",
        filters={"status": RefundStatus.UNKNOWN.value},
    ),
    WorkQueue(
        name="dead_jobs",
        title="Dead background jobs",
        what_to_do="They were tried as often as they may be. Mend the cause, then replay them.",
        endpoint="backoffice_jobs.index_view",
        filters={"state": JobState.DEAD.value},
        permission=Permission.READ_JOBS,
    ),
)


def confirming_too_long(now: datetime) -> Any:
    return (
        TransactionRow.status.in_(CONFIRMING_STATUSES)
        & (TransactionRow.started_at < now - CONFIRMING_TOO_LONG)
        & TransactionRow.review_since.is_(None)
    )


def in_review() -> Any:
    return TransactionRow.status.in_(OPEN_TRANSACTION_STATUSES) & (
        TransactionRow.review_since.is_not(None)
    )


def flag_waits() -> ColumnElement[bool]:
    """Orders with a flag that nobody has dealt with."""
    return and_(OrderRow.flag.is_not(None), OrderRow.flag_dealt_at.is_(None))


def queue_counts(session: Session | scoped_session[Any], now: datetime) -> dict[str, int]:
    """How many wait in each of QUEUES, by name; COUNT_CAP means that or more."""
    waiting: dict[str, Select[Any]] = {
        "review": select(TransactionRow.id).where(in_review()),
        "confirming": select(TransactionRow.id).where(confirming_too_long(now)),
        "flagged": select(OrderRow.id).where(flag_waits()),
        "providers_off": switched_off_by_payorch(),
        # SQLite takes a partial index only for a condition that it can read.
        "orphans": select(WebhookEventRow.id).where(text("state IN ('orphan', 'alerted')")),
        "differences": select(SettlementDifferenceRow.id).where(text(DIFFERENCE_OPEN)),
        "refunds_to_approve": select(RefundProposalRow.id).where(
            text(PROPOSAL_OPEN), RefundProposalRow.expires_at > now
        ),
        "refunds_failed": select(RefundRow.id).where(RefundRow.status == RefundStatus.FAILED),
        "refunds_unproved": select(RefundRow.id).where(
            RefundRow.status.in_(OPEN_REFUND_STATUSES), RefundRow.review_since.is_not(None)
        ),
        "dead_jobs": select(JobRow.id).where(JobRow.state == JobState.DEAD),
    }
    counts = [
        select(func.count())
        .select_from(statement.limit(COUNT_CAP).subquery())
        .scalar_subquery()
        .label(name)
        for name, statement in waiting.items()
    ]
    return {
        name: int(count)
        for name, count in session.execute(select(*counts)).mappings().one().items()
    }
