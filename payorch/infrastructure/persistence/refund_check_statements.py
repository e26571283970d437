"""Statements that find broken refunds: see payment_check_statements.

Refunds are few beside payments, so these look at all since a moment at once, and at the open ones
however old they are.
"""

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from payorch.domain.payment_status import TransactionStatus
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundKind, RefundStatus
from payorch.infrastructure.persistence.payment_check_statements import CHARGED, moment
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    RefundProposalRow,
    RefundRow,
    TransactionRow,
)

_OPEN = tuple(sorted(OPEN_REFUND_STATUSES))
_is_open = RefundRow.status.in_(_OPEN)
moves_money = or_(_is_open, RefundRow.status == RefundStatus.SUCCEEDED)
_is_recent = or_(_is_open, RefundRow.requested_at >= moment("since"))
_Recent = aliased(RefundRow)

refunded_too_much = (
    select(
        TransactionRow.public_id.label("subject"),
        func.sum(RefundRow.amount_minor).label("refunded_minor"),
        TransactionRow.amount_minor.label("approved_minor"),
    )
    .join(RefundRow, RefundRow.transaction_id == TransactionRow.id)
    .where(
        RefundRow.transaction_id.in_(
            select(_Recent.transaction_id).where(
                or_(_Recent.status.in_(_OPEN), _Recent.requested_at >= moment("since"))
            )
        ),
        ~RefundRow.is_guard,
        moves_money,
    )
    .group_by(TransactionRow.public_id, TransactionRow.amount_minor)
    .having(func.sum(RefundRow.amount_minor) > TransactionRow.amount_minor)
)

_refunds = (
    select(RefundRow.public_id.label("subject"), TransactionRow.public_id.label("transaction"))
    .join(TransactionRow, TransactionRow.id == RefundRow.transaction_id)
    .where(_is_recent)
)

refund_of_nothing = _refunds.where(
    or_(
        RefundRow.order_id != TransactionRow.order_id,
        and_(
            ~RefundRow.is_guard,
            moves_money,
            or_(
                TransactionRow.status.not_in(CHARGED),
                RefundRow.currency != TransactionRow.currency,
                RefundRow.payment_reference != func.coalesce(TransactionRow.provider_reference, ""),
            ),
        ),
    )
)

_is_done_void = and_(
    RefundRow.kind == RefundKind.VOID,
    RefundRow.status == RefundStatus.SUCCEEDED,
    RefundRow.payment_reference == TransactionRow.provider_reference,
)
void_without_voided = _refunds.where(
    _is_done_void, TransactionRow.status == TransactionStatus.APPROVED
)
voided_without_void = select(TransactionRow.public_id.label("subject")).where(
    TransactionRow.status == TransactionStatus.VOIDED,
    TransactionRow.changed_at >= moment("since"),
    ~exists().where(RefundRow.transaction_id == TransactionRow.id, _is_done_void),
)

_Booked = aliased(TransactionRow)
approval_given_back = (
    select(RefundRow.public_id.label("subject"), _Booked.public_id.label("transaction"))
    .join(
        _Booked,
        and_(
            _Booked.provider_code == RefundRow.provider_code,
            _Booked.provider_reference == RefundRow.payment_reference,
        ),
    )
    .where(RefundRow.is_guard, _is_recent, _Booked.status.in_(CHARGED))
)

guard_without_flag = (
    select(RefundRow.public_id.label("subject"), OrderRow.public_id.label("order"))
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .where(RefundRow.is_guard, _is_recent, OrderRow.flag.is_(None))
)

_Agreed = aliased(RefundProposalRow)
is_agreed = exists().where(
    _Agreed.refund_id == RefundRow.id,
    _Agreed.order_id == RefundRow.order_id,
    _Agreed.amount_minor == RefundRow.amount_minor,
    _Agreed.currency == RefundRow.currency,
    _Agreed.state == "approved",
    _Agreed.decided_by != _Agreed.proposed_by,
)
# Since there is the rule each refund that staff ask for bears the limit that was in force then.
large_refund_alone = _refunds.where(
    RefundRow.asked_by_staff,
    RefundRow.amount_minor > RefundRow.one_person_limit_minor,
    ~is_agreed,
)
agreed_refund_differs = (
    select(RefundRow.public_id.label("subject"), RefundProposalRow.id.label("proposal"))
    .join(RefundProposalRow, RefundProposalRow.refund_id == RefundRow.id)
    .where(_is_recent, ~is_agreed)
)

nobody_refunds = _refunds.where(
    _is_open,
    RefundRow.lease_until < moment("neglected_before"),
    func.coalesce(RefundRow.next_check_at, RefundRow.lease_until) < moment("neglected_before"),
    RefundRow.review_since.is_(None),
)

refund_failed = _refunds.where(RefundRow.status == RefundStatus.FAILED)
refund_in_review = _refunds.where(_is_open, RefundRow.review_since.is_not(None))
