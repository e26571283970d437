"""Several charges of one reference are weighed together, in whatever order they are shown."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from payorch.application.provider_books import Verdict, compared
from payorch.application.provider_gateway import Answer
from payorch.domain.money import Money
from payorch.domain.outcome import Approved
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.transaction import Transaction, TransactionId

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BOOKED = Approved("p1", "pa_1", 1999, "EUR")
A_CENT = Approved("p2", "pa_1", 1, "EUR")
ANOTHER = Approved("p3", "pa_1", 1999, "EUR")
BOOKED_OTHERWISE = replace(BOOKED, amount_minor=1)


def a_transaction(status=TransactionStatus.APPROVED) -> Transaction:
    return Transaction(
        id=TransactionId("pa_1"),
        provider_code="alpha",
        money=Money(1999, "EUR"),
        status=status,
        sequence=1,
        attempt_number=1,
        version=2,
        token=1,
        started_at=NOW,
        lease_until=NOW,
        provider_reference="p1" if status is TransactionStatus.APPROVED else None,
    )


def verdicts(transaction, *charges):
    """Of every order in which the provider may show them."""
    return {
        compared(transaction, Answer(replace(first, surplus=tuple(others)), 0, {})).verdict
        for first, *others in permutations(charges)
    }


@pytest.mark.parametrize(
    ("charges", "verdict"),
    [
        ([BOOKED], Verdict.AGREES),
        ([BOOKED_OTHERWISE], Verdict.UNCLEAR),
        ([A_CENT], Verdict.UNCLEAR),
        ([ANOTHER], Verdict.CONTRADICTS),
        ([BOOKED, A_CENT], Verdict.CONTRADICTS),
        ([BOOKED, ANOTHER], Verdict.CONTRADICTS),
        ([BOOKED, A_CENT, ANOTHER], Verdict.CONTRADICTS),
        ([BOOKED_OTHERWISE, ANOTHER], Verdict.UNCLEAR),
    ],
)
def test_beside_the_booked_one_every_charge_contradicts(charges, verdict):
    assert verdicts(a_transaction(), *charges) == {verdict}


@pytest.mark.parametrize("charges", [[ANOTHER], [A_CENT], [A_CENT, ANOTHER]])
def test_whatever_was_charged_contradicts_an_attempt_that_was_not(charges):
    assert verdicts(a_transaction(TransactionStatus.DECLINED), *charges) == {Verdict.CONTRADICTS}
