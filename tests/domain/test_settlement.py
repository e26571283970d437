from datetime import UTC, datetime

import pytest

from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.money import Money
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Pending,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.settlement import (
    FLAG_AMOUNT_MISMATCH,
    FLAG_REFERENCE_MISMATCH,
    settle,
    verified,
)
from payorch.domain.transaction import Transaction, TransactionId

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_transaction(status=TransactionStatus.STARTED) -> Transaction:
    return Transaction(
        id=TransactionId("pa_1"),
        provider_code="alpha",
        status=status,
        money=Money(1999, "EUR"),
        sequence=1,
        attempt_number=1,
        version=1,
        token=1,
        started_at=NOW,
        lease_until=NOW,
    )


def an_approval(**fields) -> Approved:
    defaults = {
        "provider_reference": "alpha_1",
        "our_reference": "pa_1",
        "amount_minor": 1999,
        "currency": "EUR",
    }
    return Approved(**(defaults | fields))


def test_an_approval_of_our_amount_pays():
    assert verified(an_approval(), a_transaction()) == an_approval()


@pytest.mark.parametrize(
    ("approval", "reason", "flag"),
    [
        (an_approval(amount_minor=1998), UnknownReason.AMOUNT_MISMATCH, FLAG_AMOUNT_MISMATCH),
        (an_approval(currency="USD"), UnknownReason.AMOUNT_MISMATCH, FLAG_AMOUNT_MISMATCH),
        (
            an_approval(our_reference="pa_2"),
            UnknownReason.REFERENCE_MISMATCH,
            FLAG_REFERENCE_MISMATCH,
        ),
    ],
)
def test_an_approval_of_anything_else_is_unknown_and_flagged(approval, reason, flag):
    outcome = verified(approval, a_transaction())

    assert isinstance(outcome, Unknown)
    assert outcome.reason is reason
    assert settle(outcome, TransactionStatus.STARTED).order_flag == flag


@pytest.mark.parametrize(
    ("outcome", "transaction", "order", "proves_no_charge"),
    [
        (an_approval(), "approved", "paid", False),
        (Declined(DeclineSignal("visa", "05")), "declined", "failed", True),
        (RequiresAction("a", "https://bank.example"), "requires_action", "processing", False),
        (Pending("a"), "pending", "processing", False),
        (NotSent(NotSentReason.CONNECTION_REFUSED), "not_sent", "failed", True),
        (Unknown(UnknownReason.READ_TIMEOUT), "unknown", "processing", False),
    ],
)
def test_each_outcome_leads_to_its_states(outcome, transaction, order, proves_no_charge):
    settlement = settle(outcome, TransactionStatus.STARTED)

    assert settlement.transaction_status == TransactionStatus(transaction)
    assert settlement.order_status == PaymentStatus(order)
    assert settlement.proves_no_charge is proves_no_charge


@pytest.mark.parametrize("reason", UnknownReason)
def test_no_unknown_ever_fails_an_order(reason):
    assert (
        settle(Unknown(reason), TransactionStatus.STARTED).order_status is PaymentStatus.PROCESSING
    )


@pytest.mark.parametrize("status", [TransactionStatus.REQUIRES_ACTION, TransactionStatus.PENDING])
def test_a_cancelled_visit_to_the_bank_leaves_the_order_open_for_another_try(status):
    settlement = settle(NotSent(NotSentReason.PROVED_CANCELLED), status)

    assert settlement.transaction_status is TransactionStatus.ABANDONED
    assert settlement.order_status is PaymentStatus.PENDING
