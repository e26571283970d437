"""How refunds read in the back office, and the tone of their badges."""

from collections.abc import Mapping

from payorch.application.record_refund import FAILED_NEVER_SENT
from payorch.domain.refund import CONCLUDED_BY_STAFF, RefundKind, RefundStatus
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.backoffice.payments.payment_texts import Tone, reason_text, worded
from payorch.presentation.money_format import format_money

REFUND_STATUSES: Mapping[RefundStatus, tuple[str, Tone]] = {
    RefundStatus.STARTED: ("Being sent", "warning"),
    RefundStatus.PENDING: ("Settles later", "warning"),
    RefundStatus.UNKNOWN: ("Being looked up", "unknown"),
    RefundStatus.SUCCEEDED: ("Given back", "success"),
    RefundStatus.FAILED: ("Failed", "danger"),
}

REFUND_KINDS: Mapping[RefundKind, str] = {
    RefundKind.REFUND: "Refund",
    RefundKind.VOID: "Void",
}

HOW_IT_GOES_BACK: Mapping[RefundKind, str] = {
    RefundKind.VOID: (
        "The provider cancels the whole payment (a void). The customer often never sees it on "
        "the statement. If the provider says that it is too late for that, nothing goes back, "
        "and you can refund it instead."
    ),
    RefundKind.REFUND: (
        "The provider sends the money back to where it came from (a refund). It can take some "
        "days until the customer sees it."
    ),
}


def refund_title(refund: RefundRow) -> str:
    return f"{REFUND_KINDS[refund.kind]} of {format_money(refund.amount_minor, refund.currency)}"


def why_it_stands_so(refund: RefundRow) -> str:
    """What is known of a refund that has not succeeded; empty for one that has."""
    match refund.status:
        case RefundStatus.SUCCEEDED:
            return ""
        case RefundStatus.FAILED if refund.contradicted_at is not None:
            return "By our books it failed, but the provider says that it went back."
        case RefundStatus.FAILED if refund.failure_code == FAILED_NEVER_SENT:
            return "It could not be sent for a week."
        case RefundStatus.FAILED if refund.failure_code == CONCLUDED_BY_STAFF:
            return "Two people of the staff found that nothing was given back."
        case RefundStatus.FAILED:
            return f"The provider refused: {worded(refund.failure_code)}."
        case RefundStatus.PENDING:
            return "The provider has accepted it and settles it later."
        case RefundStatus.STARTED | RefundStatus.UNKNOWN:
            reason = reason_text(refund.technical_reason)
            return f"Last answer: {reason}. payorch asks again by itself." if reason else ""


def what_a_retry_does(refund: RefundRow, amount: str) -> str:
    if refund.contradicted_at is not None:
        return (
            "The provider is only asked about it again, and what it says then is booked; nothing "
            "is sent."
        )
    if refund.failure_code == CONCLUDED_BY_STAFF:
        return (
            "The provider is asked first whether it gave back after all. Only when it knows of "
            f"nothing, or cannot tell, {amount} is sent once more under the same key."
        )
    return (
        f"{amount} is asked for again under the same key, so that the provider can never make two "
        "of it."
    )
