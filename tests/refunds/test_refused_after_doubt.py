"""A refusal of a repeated refund is no proof: the first request may be why nothing is left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payorch.application.refund_gateway import RefundAnswer
from payorch.application.refund_ladder import RefundLadder
from payorch.domain.money import Money
from payorch.domain.outcome import UnknownReason
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import Refund, RefundId, RefundKind, RefundStatus
from payorch.domain.refund_outcome import (
    RefundRefused,
    RefundSucceeded,
    RefundUnknown,
    settle_refund,
)
from payorch.domain.transaction import TransactionId
from tests.shop import FULL_CAPABILITIES

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MONEY = Money(1999, "EUR")
NOT_REFUNDABLE = RefundRefused("not_refundable")
NOTHING_FOUND = RefundUnknown(UnknownReason.NOT_FOUND)
FOUND = RefundSucceeded("r1", "re_1", MONEY.amount_minor, MONEY.currency)


def a_refund(*, was_sent: bool, kind: RefundKind = RefundKind.REFUND) -> Refund:
    return Refund(
        id=RefundId("re_1"),
        order_id=OrderId("po_1"),
        transaction_id=TransactionId("tx_1"),
        kind=kind,
        is_guard=False,
        provider_code="alpha",
        payment_reference="p1",
        money=MONEY,
        status=RefundStatus.UNKNOWN if was_sent else RefundStatus.STARTED,
        version=2,
        token=1,
        requested_at=NOW - timedelta(minutes=1),
        lease_until=NOW,
        sent_at=NOW - timedelta(seconds=30) if was_sent else None,
    )


class Provider:
    """Refuses to give back, and finds what it is told to."""

    def __init__(self, found=NOTHING_FOUND):
        self.found = found
        self.asked = []

    def refund(self, _request, **_options):
        self.asked.append("refund")
        return RefundAnswer(NOT_REFUNDABLE, 1, {})

    def find_refund(self, _request, **_options):
        self.asked.append("find")
        return RefundAnswer(self.found, 1, {})


def climb(provider, refund, **capabilities):
    ladder = RefundLadder(
        gateway=provider,
        capabilities=replace(FULL_CAPABILITIES, **capabilities),
        refund=refund,
        now=NOW,
        timeout_s=1.0,
    )
    return ladder.climb().outcome


def test_the_first_refusal_is_believed_and_nothing_is_searched():
    provider, refund = Provider(), a_refund(was_sent=False)

    outcome = climb(provider, refund)

    assert provider.asked == ["refund"]
    settled = settle_refund(outcome, refund, was_sent_before=False)
    assert (settled.status, settled.failure_code) == (RefundStatus.FAILED, "not_refundable")


def test_after_an_earlier_request_the_search_says_what_happened():
    provider = Provider(found=FOUND)

    outcome = climb(provider, a_refund(was_sent=True))

    assert provider.asked == ["refund", "find"]
    assert outcome == FOUND


@pytest.mark.parametrize("can_search", [True, False])
def test_after_an_earlier_request_a_bare_refusal_leaves_the_refund_unknown(can_search):
    refund = a_refund(was_sent=True)

    outcome = climb(Provider(), refund, find_by_reference=can_search)

    settled = settle_refund(outcome, refund, was_sent_before=True)
    assert settled.status is RefundStatus.UNKNOWN
    assert settled.technical_reason == "not_refundable"
    assert settled.failure_code is None
    assert not settled.proves_not_sent


def test_a_refund_that_was_weighed_and_refused_has_failed_whenever_it_was_sent():
    refund = a_refund(was_sent=True)

    refused = RefundRefused("refund_refused", is_of_this_refund=True)
    settled = settle_refund(refused, refund, was_sent_before=True)

    assert (settled.status, settled.failure_code) == (RefundStatus.FAILED, "refund_refused")


def test_what_the_provider_had_accepted_stays_accepted():
    refund = replace(a_refund(was_sent=True), status=RefundStatus.PENDING)

    assert settle_refund(NOT_REFUNDABLE, refund, was_sent_before=True).status is (
        RefundStatus.PENDING
    )


def test_a_refund_that_the_provider_shows_as_failed_has_failed():
    refund = a_refund(was_sent=True)

    settled = settle_refund(RefundRefused("failed", "r1"), refund, was_sent_before=True)

    assert (settled.status, settled.failure_code) == (RefundStatus.FAILED, "failed")


def test_a_refused_void_has_failed_for_its_earlier_request_too():
    refund = a_refund(was_sent=True, kind=RefundKind.VOID)

    assert settle_refund(NOT_REFUNDABLE, refund, was_sent_before=True).status is (
        RefundStatus.FAILED
    )
