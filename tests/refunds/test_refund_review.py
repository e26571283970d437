"""A refund that no provider can prove is settled by two people of the staff, from evidence."""

import pytest

from payorch.application.jobs import APPLY_REFUND_REVIEW
from payorch.application.review_refund import RefundConclusion
from payorch.domain.errors import ReasonRequired, ReviewNotPossible
from payorch.domain.refund import CONCLUDED_BY_STAFF, RefundStatus
from tests.people import close_account, demote, hire
from tests.refunds.refund_shop import RefundShop

FIONA = "fiona@example.com"


@pytest.fixture
def shop(database, sandbox):
    hire(database, FIONA)
    return RefundShop(database, sandbox, idempotency_window_s=0, find_by_reference=False)


@pytest.fixture
def stuck(shop, sandbox):
    """(order, refund) in review: it may have been sent, and the provider cannot be asked."""
    paid = shop.paid_order(1999)
    sandbox.start_outage("alpha", "timeout_before_charge", scope="all", lasts_s=3600)
    refund = shop.refund(paid.order.id, 500)
    sandbox.end_outages()
    assert refund.status is RefundStatus.UNKNOWN
    shop.carry_on(seconds=30)
    refund = shop.ledger.find(refund.id)
    assert refund.is_in_review
    return paid.order.id, refund.id


def propose(shop, refund_id, conclusion=RefundConclusion.NOT_GIVEN_BACK, **fields):
    defaults = {
        "provider_reference": None,
        "evidence": "Not in the statement of 24 November.",
        "actor": FIONA,
    }
    return shop.services.review_refund.propose(refund_id, conclusion, **(defaults | fields))


def decide(shop, proposal, *, is_approved=True, actor="adam@example.com", reason="Checked it."):
    return shop.services.review_refund.decide(
        proposal.id, is_approved=is_approved, actor=actor, reason=reason
    )


def test_agreed_as_given_back_it_counts_as_refunded(shop, stuck):
    order_id, refund_id = stuck

    decide(shop, propose(shop, refund_id, RefundConclusion.GIVEN_BACK, provider_reference="r_7"))

    settled = shop.ledger.find(refund_id)
    assert (settled.status, settled.provider_reference) == (RefundStatus.SUCCEEDED, "r_7")
    assert shop.left_minor(order_id) == 1499


def test_agreed_as_not_given_back_it_has_failed_and_can_be_tried_again(shop, stuck, sandbox):
    order_id, refund_id = stuck

    decide(shop, propose(shop, refund_id))

    settled = shop.ledger.find(refund_id)
    assert (settled.status, settled.failure_code) == (RefundStatus.FAILED, CONCLUDED_BY_STAFF)
    assert shop.left_minor(order_id) == 1999
    again = shop.services.refund_payment.retry(refund_id, actor="finn", reason="It never left.")
    assert again.status is RefundStatus.SUCCEEDED
    assert [refund["amount"] for refund in sandbox.ledger()["refunds"]] == [500]


def test_rejected_it_stays_open_and_another_proposal_may_follow(shop, stuck):
    _, refund_id = stuck

    decide(shop, propose(shop, refund_id), is_approved=False)

    assert shop.ledger.find(refund_id).is_open
    assert shop.services.review_refund.undecided(refund_id) is None
    propose(shop, refund_id)


def test_nobody_decides_on_their_own_proposal(shop, stuck):
    _, refund_id = stuck
    proposal = propose(shop, refund_id)

    with pytest.raises(ReviewNotPossible):
        decide(shop, proposal, actor="fiona@example.com")

    assert shop.ledger.find(refund_id).is_open


def test_a_proposal_is_decided_once_and_only_one_waits(shop, stuck):
    _, refund_id = stuck
    proposal = propose(shop, refund_id)
    with pytest.raises(ReviewNotPossible):
        propose(shop, refund_id)
    decide(shop, proposal, is_approved=False)

    with pytest.raises(ReviewNotPossible):
        decide(shop, proposal)


def test_evidence_reason_and_the_provider_s_id_are_asked_for(shop, stuck):
    _, refund_id = stuck
    with pytest.raises(ReasonRequired):
        propose(shop, refund_id, evidence=" ")
    with pytest.raises(ReviewNotPossible):
        propose(shop, refund_id, RefundConclusion.GIVEN_BACK)

    with pytest.raises(ReasonRequired):
        decide(shop, propose(shop, refund_id), reason="")


def test_a_refund_that_can_still_be_asked_for_is_not_concluded(database, sandbox):
    shop = RefundShop(database, sandbox)
    paid = shop.paid_order(1999)
    sandbox.start_outage("alpha", "timeout_before_charge", scope="all", lasts_s=3600)
    refund = shop.refund(paid.order.id, 500)
    sandbox.end_outages()
    assert refund.is_open

    with pytest.raises(ReviewNotPossible):
        propose(shop, refund.id)


def test_a_decision_outlives_the_process_that_took_it(shop, stuck):
    """The deciding process dies before it applies the decision: its job does."""
    _, refund_id = stuck
    proposal = propose(shop, refund_id)
    shop.services.review_refund._book.decide(
        proposal, is_approved=True, actor="adam", reason="Checked it.", at=shop.clock.now()
    )

    shop.carry_on(seconds=30)

    assert shop.ledger.find(refund_id).status is RefundStatus.FAILED
    assert APPLY_REFUND_REVIEW.name in shop.wired.handlers


def test_both_steps_are_journalled(shop, stuck):
    order_id, refund_id = stuck
    decide(shop, propose(shop, refund_id))

    with shop.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT action, actor, subject FROM journal"
            " WHERE action IN ('refund_review_proposed', 'refund_review_approved') ORDER BY id"
        ).all()

    assert [tuple(row) for row in rows] == [
        ("refund_review_proposed", "fiona@example.com", f"order:{order_id}"),
        ("refund_review_approved", "adam@example.com", f"order:{order_id}"),
    ]


@pytest.mark.parametrize("change", [close_account, demote])
def test_who_may_not_refund_any_more_is_no_first_person(change, shop, stuck):
    _, refund_id = stuck
    proposal = propose(shop, refund_id)
    change(shop.database, FIONA)

    with pytest.raises(ReviewNotPossible, match="no right to it any more"):
        decide(shop, proposal)

    assert shop.ledger.find(refund_id).is_open
    decide(shop, proposal, is_approved=False)
