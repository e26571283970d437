"""Which failed refunds may be tried again, and what of the earlier tries goes with them."""

from payorch.domain.errors import RefundInProgress, RefundNotRetryable, RefundTooLarge
from payorch.domain.money import Money
from payorch.domain.refund import CONCLUDED_BY_STAFF, Refund, RefundKind, RefundStatus
from payorch.domain.refundable import Refundable


def require_retryable(refund: Refund) -> None:
    if refund.is_open:
        raise RefundInProgress("The provider is still being asked about this refund.")
    if refund.status is not RefundStatus.FAILED:
        raise RefundNotRetryable("This refund has succeeded.")
    if refund.is_guard and refund.kind is RefundKind.VOID:
        raise RefundNotRetryable("What could not be voided is given back by a refund instead.")


def trace_of(refund: Refund) -> dict[str, bool]:
    """What a retry keeps of the earlier tries.

    A refusal by the provider ended them, so that there is nothing to look for. Where the books
    have only people's word, or the provider's against theirs, what was sent is looked for first.
    """
    is_staffs_word = refund.failure_code == CONCLUDED_BY_STAFF
    return {
        "keeps_trace": is_staffs_word or refund.is_contradicted,
        "may_send_once_more": is_staffs_word and not refund.is_contradicted,
    }


def require_left(refundable: Refundable, money: Money) -> None:
    left_minor = refundable.left_minor
    if money.amount_minor > left_minor:
        raise RefundTooLarge(
            f"{money} cannot be refunded any more.", refundable_minor=max(left_minor, 0)
        )
