"""Which status may follow which: the whole state machine as data, one table per thing.

Nothing else decides about legality. A change that is not in its table is evidence of a late
or contradictory event; it is stored, never applied.
"""

from collections.abc import Mapping

from payorch.domain.payment_status import PaymentStatus, TransactionStatus

_P = PaymentStatus
_T = TransactionStatus

ORDER_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    _P.PENDING: frozenset({_P.PROCESSING, _P.EXPIRED, _P.CANCELLED}),
    _P.PROCESSING: frozenset({_P.PAID, _P.FAILED, _P.PENDING}),
    _P.FAILED: frozenset({_P.PROCESSING, _P.EXPIRED, _P.CANCELLED}),
    _P.PAID: frozenset(),
    _P.EXPIRED: frozenset(),
    _P.CANCELLED: frozenset(),
}

TRANSACTION_TRANSITIONS: Mapping[TransactionStatus, frozenset[TransactionStatus]] = {
    _T.STARTED: frozenset(
        {_T.APPROVED, _T.DECLINED, _T.NOT_SENT, _T.REQUIRES_ACTION, _T.PENDING, _T.UNKNOWN}
    ),
    _T.REQUIRES_ACTION: frozenset({_T.APPROVED, _T.DECLINED, _T.PENDING, _T.UNKNOWN, _T.ABANDONED}),
    _T.PENDING: frozenset({_T.APPROVED, _T.DECLINED, _T.ABANDONED}),
    _T.UNKNOWN: frozenset({_T.APPROVED, _T.DECLINED, _T.NOT_SENT}),
    _T.APPROVED: frozenset({_T.VOIDED}),
    _T.DECLINED: frozenset(),
    _T.NOT_SENT: frozenset(),
    _T.ABANDONED: frozenset(),
    _T.VOIDED: frozenset(),
}


def may_order_become(current: PaymentStatus, target: PaymentStatus) -> bool:
    return target in ORDER_TRANSITIONS[current]


def may_transaction_become(current: TransactionStatus, target: TransactionStatus) -> bool:
    return target in TRANSACTION_TRANSITIONS[current]
