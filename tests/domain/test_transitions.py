"""Every edge of both tables is written down here again: a new one has to be wanted twice."""

import pytest

from payorch.domain.payment_status import (
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
    TransactionStatus,
)
from payorch.domain.transitions import (
    ORDER_TRANSITIONS,
    TRANSACTION_TRANSITIONS,
    may_order_become,
    may_transaction_become,
)

ORDER_EDGES = {
    "pending": "processing expired cancelled",
    "processing": "paid failed pending",
    "failed": "processing expired cancelled",
    "paid": "",
    "expired": "",
    "cancelled": "",
}
TRANSACTION_EDGES = {
    "started": "approved declined not_sent requires_action pending unknown",
    "requires_action": "approved declined pending unknown abandoned",
    "pending": "approved declined abandoned",
    "unknown": "approved declined not_sent",
    "approved": "voided",
    "declined": "",
    "not_sent": "",
    "abandoned": "",
    "voided": "",
}


@pytest.mark.parametrize("current", PaymentStatus)
@pytest.mark.parametrize("target", PaymentStatus)
def test_an_order_goes_only_where_the_table_says(current, target):
    assert may_order_become(current, target) == (target.value in ORDER_EDGES[current].split())


@pytest.mark.parametrize("current", TransactionStatus)
@pytest.mark.parametrize("target", TransactionStatus)
def test_a_transaction_goes_only_where_the_table_says(current, target):
    expected = target.value in TRANSACTION_EDGES[current].split()

    assert may_transaction_become(current, target) == expected


def test_every_status_has_a_row():
    assert set(ORDER_TRANSITIONS) == set(PaymentStatus)
    assert set(TRANSACTION_TRANSITIONS) == set(TransactionStatus)


def test_only_open_transactions_can_still_be_approved():
    approvable = {
        s for s in TransactionStatus if may_transaction_become(s, TransactionStatus.APPROVED)
    }

    assert approvable == OPEN_TRANSACTION_STATUSES
