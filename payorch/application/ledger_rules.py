"""What must hold in the books at any moment, as data: one rule, one kind of finding.

The rules are the invariants of domain.md, section 2, and the signs that work is left undone. They
only name what to look for; the statements that look are the persistence's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error is a broken invariant or work that nobody does; a warning waits for somebody."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class LedgerRule:
    """`says` is one sentence about the subject, `advice` what a person does about it.

    `passes` marks what time or a running worker may still put right.
    """

    kind: str
    severity: Severity
    says: str
    advice: str
    passes: bool = False


def _error(kind: str, says: str, advice: str) -> LedgerRule:
    return LedgerRule(kind, Severity.ERROR, says, advice)


def _neglected(kind: str, says: str, advice: str) -> LedgerRule:
    return LedgerRule(kind, Severity.ERROR, says, advice, passes=True)


def _warning(kind: str, says: str, advice: str) -> LedgerRule:
    return LedgerRule(kind, Severity.WARNING, says, advice, passes=True)


_ASK_PROVIDER = "Compare it with the provider's own pages, then correct it with two people."
_START_WORKER = "Start payorch worker (or payorch reconcile), and see why it stopped."

RULES: tuple[LedgerRule, ...] = (
    _error(
        "paid_without_approval",
        "The order is PAID, but its transaction is no approval of this order's amount.",
        _ASK_PROVIDER,
    ),
    _error(
        "several_approvals",
        "The order has more than one approved transaction: it may be charged twice.",
        "Refund all but one of them at the provider, and see which index is missing.",
    ),
    _error(
        "approval_without_paid_order",
        "The transaction is approved, but its order is not PAID by it.",
        _ASK_PROVIDER,
    ),
    _error(
        "other_money",
        "The transaction's amount or currency is not its order's.",
        _ASK_PROVIDER,
    ),
    _error(
        "no_answer_time",
        "The transaction is finished without a time of its answer.",
        "Somebody wrote to the table by hand; look for it in the database's log.",
    ),
    _error(
        "submission_result",
        "The order's submission and its transactions disagree on whether it is over.",
        "The customer's replay would get no answer; check the order's page.",
    ),
    _error(
        "shared_provider_reference",
        "Another transaction at this provider has the same reference of it.",
        _ASK_PROVIDER,
    ),
    _error(
        "processing_without_open",
        "The order is PROCESSING, but no transaction of it is open.",
        "It will not settle by itself; look at its last transaction at the provider.",
    ),
    _error(
        "open_without_processing",
        "The transaction is open, but its order is not PROCESSING.",
        "The order could be paid again meanwhile; settle the transaction first.",
    ),
    _error(
        "cancelled_and_alive",
        "The order was cancelled, but its status says otherwise.",
        "Nobody may pay it any more; refund what was charged for it since.",
    ),
    _error(
        "several_open",
        "More than one transaction of the order is open.",
        "Each may charge; settle them by looking them up, and see which index is missing.",
    ),
    _error(
        "refunded_too_much",
        "More is refunded, or on its way, than was approved.",
        "Stop open refunds of it at the provider.",
    ),
    _error(
        "refund_of_nothing",
        "The refund is not of its transaction's approved payment, or in another currency.",
        _ASK_PROVIDER,
    ),
    _error(
        "void_differs",
        "The transaction and its void disagree on whether it was voided.",
        _ASK_PROVIDER,
    ),
    _error(
        "approval_given_back",
        "The guard gives back the charge by which an order is PAID.",
        "Compare it with the provider's own pages; the customer may have her money back.",
    ),
    _error(
        "guard_without_flag",
        "A surplus charge is given back, but its order is not flagged for finance.",
        "Look at the evidence on the order's page.",
    ),
    _error(
        "unhandled_approval",
        "A provider told of a charge that is neither booked, nor given back, nor flagged.",
        "Look the charge up at the provider; refund it when it is a surplus.",
    ),
    _error(
        "large_refund_alone",
        "Staff gave back more than one person may (at once or in a day) without a second person.",
        "Ask who asked for it; see the journal and the database's log.",
    ),
    _error(
        "policy_without_journal",
        "The routing policy was published without a journal entry.",
        "Somebody wrote to the table by hand; publish a policy again with a reason.",
    ),
    _error(
        "change_without_journal",
        "The refund, decision about one, review decision or decline ruling has no journal entry.",
        "Somebody wrote to the table by hand; look for it in the database's log.",
    ),
    _error(
        "journal_broken",
        "The journal is not as it was written.",
        "Keep the database as it is, and run payorch audit verify; see docs/audit.md.",
    ),
    _neglected(
        "nobody_reconciles",
        "The transaction has waited for its check for more than an hour.",
        _START_WORKER,
    ),
    _neglected(
        "nobody_refunds",
        "The refund has waited to be sent or looked up for more than an hour.",
        _START_WORKER,
    ),
    _neglected(
        "nobody_works",
        "The job has been due, or its worker silent, for more than an hour.",
        _START_WORKER,
    ),
    _warning(
        "open_for_long",
        "The transaction has been open for more than a day.",
        "Ask the provider about it; the customer is still waiting.",
    ),
    _warning(
        "in_review",
        "No provider could prove what became of it: it waits for finance.",
        "Settle it on its review page, with evidence and two people.",
    ),
    _warning("order_flagged", "The order is flagged for finance.", "See the order's page."),
    _warning("refund_failed", "The refund failed.", "Try it again or tell the customer."),
    _warning("dead_job", "The job is dead.", "Replay or discard it on the Jobs page."),
    _warning(
        "orphan_money",
        "A provider told of a payment that matches nothing of ours.",
        "Find out whose it is; refund it at the provider when it is nobody's.",
    ),
    _warning(
        "rollup_differs",
        "The charts' rollup is not what a recount of this minute gives.",
        "Run: payorch metrics rebuild",
    ),
    _warning(
        "safe_mode",
        "SAFE mode: no payment is taken and no refund is sent.",
        "Run: payorch recover --finish",
    ),
)

PROVIDER_RULES: tuple[LedgerRule, ...] = (
    _error(
        "provider_contradicts",
        "The provider's word on this transaction is not what the books say.",
        _ASK_PROVIDER,
    ),
    _error(
        "charge_not_in_books",
        "The provider holds a charge that the books do not know.",
        "After a restored backup run payorch recover; else find out who else uses this account.",
    ),
    _warning(
        "payment_not_in_books",
        "The provider holds an unfinished payment that the books do not know.",
        "After a restored backup run payorch recover; else find out who else uses this account.",
    ),
    _warning(
        "provider_unclear",
        "The provider could not say clearly what became of this transaction.",
        "Look it up on the provider's own pages.",
    ),
    _warning(
        "provider_not_listed",
        "No whole list of this provider's payments: what the books do not know stays unseen.",
        "Compare the days' totals with the provider's own pages.",
    ),
)
"""What only the providers can tell; no statement looks for these."""

RULE_BY_KIND: Mapping[str, LedgerRule] = {rule.kind: rule for rule in (*RULES, *PROVIDER_RULES)}
