"""Statements that find broken payments: each names what it found as `subject`, and facts.

`from_at` and `to_at` bound a slice of transactions by the time of their last change. What is open
is found by its small partial index instead, however old it is.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
)
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    OrderRow,
    RefundRow,
    SubmissionRow,
    TransactionRow,
)

OPEN = tuple(sorted(OPEN_TRANSACTION_STATUSES))
CHARGED = tuple(sorted(CHARGED_TRANSACTION_STATUSES))


def moment(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime())


_in_slice = and_(
    TransactionRow.changed_at >= moment("from_at"), TransactionRow.changed_at < moment("to_at")
)
_touched_orders = select(TransactionRow.order_id).where(_in_slice)
_Other = aliased(TransactionRow)


def is_open(row: Any = TransactionRow) -> ColumnElement[bool]:
    found: ColumnElement[bool] = row.status.in_(OPEN)
    return found


def _transactions(*facts: Any) -> Select[Any]:
    return select(
        TransactionRow.public_id.label("subject"), OrderRow.public_id.label("order"), *facts
    ).join(OrderRow, OrderRow.id == TransactionRow.order_id)


_Paying = aliased(TransactionRow)
paid_without_approval = select(OrderRow.public_id.label("subject")).where(
    OrderRow.id.in_(_touched_orders),
    OrderRow.status == PaymentStatus.PAID,
    ~exists().where(
        _Paying.id == OrderRow.paid_transaction_id,
        _Paying.order_id == OrderRow.id,
        _Paying.status.in_(CHARGED),
        _Paying.amount_minor == OrderRow.amount_minor,
        _Paying.currency == OrderRow.currency,
    ),
)

several_approvals = (
    select(OrderRow.public_id.label("subject"), func.count().label("approvals"))
    .join(_Other, _Other.order_id == OrderRow.id)
    .where(OrderRow.id.in_(_touched_orders), _Other.status.in_(CHARGED))
    .group_by(OrderRow.public_id)
    .having(func.count() > 1)
)

approval_without_paid_order = _transactions(OrderRow.status.label("order_status")).where(
    _in_slice,
    TransactionRow.status.in_(CHARGED),
    or_(
        OrderRow.status != PaymentStatus.PAID,
        OrderRow.paid_transaction_id != TransactionRow.id,
    ),
)

other_money = _transactions().where(
    _in_slice,
    or_(
        TransactionRow.amount_minor != OrderRow.amount_minor,
        TransactionRow.currency != OrderRow.currency,
    ),
)

no_answer_time = _transactions(TransactionRow.status.label("status")).where(
    _in_slice, TransactionRow.status.not_in(OPEN), TransactionRow.answered_at.is_(None)
)

_Step = aliased(TransactionRow)
_has_open_step = exists().where(_Step.submission_id == SubmissionRow.id, is_open(_Step))
submission_result = (
    select(OrderRow.public_id.label("subject"), SubmissionRow.number.label("submission"))
    .join(SubmissionRow, SubmissionRow.order_id == OrderRow.id)
    .where(
        SubmissionRow.id.in_(select(TransactionRow.submission_id).where(_in_slice)),
        or_(
            and_(SubmissionRow.finished_at.is_(None), ~_has_open_step),
            and_(SubmissionRow.finished_at.is_not(None), _has_open_step),
            and_(SubmissionRow.finished_at.is_not(None), SubmissionRow.result.is_(None)),
        ),
    )
)

shared_provider_reference = _transactions(_Other.public_id.label("other")).where(
    _in_slice,
    _Other.provider_code == TransactionRow.provider_code,
    _Other.provider_reference == TransactionRow.provider_reference,
    _Other.id != TransactionRow.id,
)

processing_without_open = select(OrderRow.public_id.label("subject")).where(
    OrderRow.status == PaymentStatus.PROCESSING,
    ~exists().where(_Other.order_id == OrderRow.id, is_open(_Other)),
)

open_without_processing = _transactions(OrderRow.status.label("order_status")).where(
    is_open(), OrderRow.status != PaymentStatus.PROCESSING
)

several_open = (
    select(OrderRow.public_id.label("subject"), func.count().label("open"))
    .join(_Other, _Other.order_id == OrderRow.id)
    .where(is_open(_Other))
    .group_by(OrderRow.public_id)
    .having(func.count() > 1)
)

nobody_reconciles = _transactions(TransactionRow.status.label("status")).where(
    is_open(),
    TransactionRow.lease_until < moment("neglected_before"),
    func.coalesce(TransactionRow.next_check_at, TransactionRow.lease_until)
    < moment("neglected_before"),
)

open_for_long = _transactions(
    TransactionRow.status.label("status"), TransactionRow.started_at.label("started_at")
).where(is_open(), TransactionRow.started_at < moment("long_before"))

in_review = _transactions(TransactionRow.review_since.label("since")).where(
    is_open(), TransactionRow.review_since.is_not(None)
)

_unapplied_since = and_(
    EvidenceRow.was_applied.is_(False), EvidenceRow.created_at >= moment("since")
)
order_flagged = select(OrderRow.public_id.label("subject"), OrderRow.flag.label("flag")).where(
    OrderRow.flag.is_not(None),
    OrderRow.flag_dealt_at.is_(None),
    or_(
        OrderRow.updated_at >= moment("since"),
        exists().where(
            _Other.order_id == OrderRow.id,
            EvidenceRow.transaction_id == _Other.id,
            _unapplied_since,
        ),
    ),
)

# What was charged, by the provider's own reference. Without one it cannot be told apart.
_charge = EvidenceRow.detail["provider_reference"].as_string()
unhandled_approval = (
    _transactions(TransactionRow.status.label("status"), _charge.label("charge"))
    .join(EvidenceRow, EvidenceRow.transaction_id == TransactionRow.id)
    .where(
        _unapplied_since,
        EvidenceRow.outcome == "Approved",
        OrderRow.flag.is_(None),
        ~and_(
            TransactionRow.status.in_(CHARGED),
            TransactionRow.provider_reference == func.coalesce(_charge, ""),
        ),
        ~exists().where(
            RefundRow.transaction_id == TransactionRow.id,
            RefundRow.is_guard,
            RefundRow.payment_reference == func.coalesce(_charge, ""),
        ),
    )
)
