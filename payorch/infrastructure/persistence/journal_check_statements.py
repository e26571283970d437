"""Statements that find what somebody changed without a journal entry: see payment_check_statements.

Every change goes through a repository that writes its entry in the same transaction (domain.md,
section 2, rule 12), so that a change without one was made by a hand at the database.
"""

from sqlalchemy import ColumnElement, String, cast, exists, literal, select

from payorch.infrastructure.persistence.payment_check_statements import moment
from payorch.infrastructure.persistence.tables import (
    DeclineRulingRow,
    JournalRow,
    OrderRow,
    RefundProposalRow,
    RefundReviewRow,
    RefundRow,
    ReviewRow,
    RoutingPolicyRow,
    TransactionRow,
)


def _is_journalled(*actions: str, on: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(JournalRow.action.in_(actions), on)


policy_without_journal = select(cast(RoutingPolicyRow.version, String).label("subject")).where(
    ~_is_journalled(
        "publish_routing_policy",
        on=(JournalRow.subject == "routing_policy")
        & (JournalRow.after["version"].as_integer() == RoutingPolicyRow.version),
    )
)

_of_order = JournalRow.subject == literal("order:") + OrderRow.public_id

refund_without_journal = (
    select(RefundRow.public_id.label("subject"), RefundRow.requested_by.label("by"))
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .where(
        ~RefundRow.is_guard,
        RefundRow.requested_at >= moment("since"),
        ~_is_journalled(
            "refund_requested",
            "refund_recovered",
            on=_of_order & (JournalRow.after["refund"].as_string() == RefundRow.public_id),
        ),
    )
)

review_without_journal = (
    select(TransactionRow.public_id.label("subject"), ReviewRow.decided_by.label("by"))
    .join(TransactionRow, TransactionRow.id == ReviewRow.transaction_id)
    .where(
        ReviewRow.decided_at >= moment("since"),
        ~_is_journalled(
            "review_approved",
            "review_rejected",
            on=(JournalRow.subject == literal("transaction:") + TransactionRow.public_id)
            & (JournalRow.before["review"].as_integer() == ReviewRow.id),
        ),
    )
)

refund_review_without_journal = (
    select(RefundRow.public_id.label("subject"), RefundReviewRow.decided_by.label("by"))
    .join(RefundRow, RefundRow.id == RefundReviewRow.refund_id)
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .where(
        RefundReviewRow.decided_at >= moment("since"),
        ~_is_journalled(
            "refund_review_approved",
            "refund_review_rejected",
            on=_of_order & (JournalRow.before["review"].as_integer() == RefundReviewRow.id),
        ),
    )
)

refund_proposal_without_journal = (
    select(OrderRow.public_id.label("subject"), RefundProposalRow.decided_by.label("by"))
    .join(OrderRow, OrderRow.id == RefundProposalRow.order_id)
    .where(
        RefundProposalRow.decided_at >= moment("since"),
        ~_is_journalled(
            "refund_proposal_approved",
            "refund_proposal_rejected",
            "refund_proposal_withdrawn",
            "refund_proposal_expired",
            on=_of_order & (JournalRow.after["proposal"].as_integer() == RefundProposalRow.id),
        ),
    )
)

ruling_without_journal = select(
    DeclineRulingRow.code.label("subject"),
    DeclineRulingRow.scheme.label("scheme"),
    DeclineRulingRow.created_by.label("by"),
).where(
    DeclineRulingRow.created_at >= moment("since"),
    ~_is_journalled(
        "rule_on_decline",
        "withdraw_decline_ruling",
        on=(
            JournalRow.subject
            == literal("decline_code:")
            + DeclineRulingRow.signal
            + "/"
            + DeclineRulingRow.scheme
            + "/"
            + DeclineRulingRow.code
        )
        & (JournalRow.created_at == DeclineRulingRow.created_at),
    ),
)
