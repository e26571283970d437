"""Large refunds of the staff: one proposes, another one agrees, and it is made once."""

from datetime import timedelta
from functools import partial

import pytest

from payorch.application.large_refunds import ProposalState
from payorch.application.refund_ledger import OpenedRefund
from payorch.domain.errors import (
    IdempotencyKeyReused,
    OrderNotRefundable,
    ReasonRequired,
    RefundTooLarge,
)
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.domain.second_person_errors import RefundNeedsSecondPerson, RefundProposalNotPossible
from payorch.presentation.backoffice.payments.refund_form import confirmed_command
from tests.concurrency.racing import race
from tests.fakes import CrashAt, SimulatedCrash
from tests.people import close_account, demote, hire
from tests.refunds.refund_shop import RefundShop, a_refund

FAY, FINN = "fay@example.com", "finn@example.com"
LIMIT_MINOR = 50_000
PAID_MINOR = 90_000


@pytest.fixture
def shop(database, sandbox) -> RefundShop:
    shop = RefundShop(database, sandbox, second_person_above=f"EUR:{LIMIT_MINOR}")
    hire(database, FINN)
    return shop


@pytest.fixture
def paid(shop):
    return shop.paid_order(PAID_MINOR)


def asked(shop, paid, amount_minor, **fields):
    command = a_refund(paid.order.id, amount_minor, is_by_staff=True, **fields)
    return shop.services.large_refunds.ask(command)


def approved(shop, proposal, actor=FAY, reason="Checked with the shop."):
    return shop.services.large_refunds.approve(proposal.id, actor=actor, reason=reason)


def state_of(shop, proposal):
    return shop.services.large_refunds.find(proposal.id).state


def actions(shop):
    """What the journal has of refunds, and who did it."""
    rows = shop.rows("SELECT action, actor FROM journal ORDER BY id")
    return [(action, actor) for action, actor in rows if action.startswith("refund")]


def test_up_to_the_limit_one_person_is_enough(shop, paid):
    made = asked(shop, paid, LIMIT_MINOR)

    assert isinstance(made, OpenedRefund)
    assert made.refund.status is RefundStatus.SUCCEEDED


def test_above_it_nothing_is_sent_or_reserved_before_a_second_person_agrees(shop, paid):
    proposal = asked(shop, paid, LIMIT_MINOR + 1)
    shop.carry_on()

    assert proposal.state is ProposalState.OPEN
    assert (proposal.limit_minor, proposal.counted_minor) == (LIMIT_MINOR, 0)
    assert shop.rows("SELECT count(*) FROM refunds") == [(0,)]
    assert shop.given_back_minor(paid) == 0
    assert shop.left_minor(paid.order.id) == PAID_MINOR

    refund = approved(shop, proposal)

    assert refund.status is RefundStatus.SUCCEEDED
    assert shop.given_back_minor(paid) == LIMIT_MINOR + 1
    assert state_of(shop, proposal) is ProposalState.APPROVED
    assert shop.rows("SELECT requested_by, reason FROM refunds") == [(FINN, "Came back broken.")]
    assert actions(shop) == [
        ("refund_proposed", FINN),
        ("refund_requested", FAY),
        ("refund_proposal_approved", FAY),
    ]


def test_a_void_of_the_whole_payment_counts_like_a_refund(shop, paid):
    proposal = asked(shop, paid, PAID_MINOR, prefers_void=True)

    assert proposal.kind is RefundKind.VOID
    assert approved(shop, proposal).kind is RefundKind.VOID


def test_all_that_is_left_is_asked_for_as_a_sum(shop, paid):
    proposal = asked(shop, paid, None)

    assert proposal.money.amount_minor == PAID_MINOR


def test_nobody_can_take_the_key_of_an_approval_first(shop, paid):
    proposal = asked(shop, paid, 60_000)
    form = {"key": f"proposal-{proposal.id:02}", "amount_minor": "100", "kind": "refund"}
    for key in (form["key"], f"proposal-{proposal.id}"):
        command = confirmed_command(form | {"key": key, "reason": "Hm."}, paid.order.id, actor=FINN)
        shop.services.refund_payment.execute(command)

    assert approved(shop, proposal).status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize("change", [close_account, demote])
def test_who_may_not_refund_any_more_is_no_first_person(change, shop, paid):
    proposal = asked(shop, paid, 60_000)
    change(shop.database, FINN)

    with pytest.raises(RefundProposalNotPossible, match="no right to it any more"):
        approved(shop, proposal)

    assert shop.rows("SELECT count(*) FROM refunds") == [(0,)]
    shop.services.large_refunds.reject(proposal.id, actor=FAY, reason="He has left.")
    assert state_of(shop, proposal) is ProposalState.REJECTED


def test_parts_within_a_day_do_not_get_around_the_limit(shop, paid):
    assert isinstance(asked(shop, paid, 30_000), OpenedRefund)

    proposal = asked(shop, paid, 20_001)

    assert proposal.counted_minor == 30_000
    shop.clock.advance(hours=25)
    assert isinstance(asked(shop, shop.view(paid.order.id), 50_000), OpenedRefund)


def test_other_orders_do_not_count(shop, paid):
    asked(shop, paid, 30_000)

    assert isinstance(asked(shop, shop.paid_order(PAID_MINOR), 30_000), OpenedRefund)


def test_the_api_has_no_limit_and_does_not_count(shop, paid):
    assert shop.refund(paid.order.id, 60_000).status is RefundStatus.SUCCEEDED
    assert isinstance(asked(shop, paid, 30_000), OpenedRefund)


def test_without_a_setting_there_is_no_limit(database, sandbox):
    shop = RefundShop(database, sandbox)

    assert isinstance(asked(shop, shop.paid_order(PAID_MINOR), PAID_MINOR), OpenedRefund)


def test_nobody_decides_on_their_own_proposal(shop, paid):
    proposal = asked(shop, paid, 60_000)
    large = shop.services.large_refunds

    for decide in (large.approve, large.reject):
        with pytest.raises(RefundProposalNotPossible, match="Somebody else"):
            decide(proposal.id, actor=FINN, reason="It is fine.")
    with pytest.raises(RefundProposalNotPossible, match="Only who proposed"):
        large.withdraw(proposal.id, actor=FAY, reason="No.")
    with pytest.raises(ReasonRequired):
        approved(shop, proposal, reason=" ")
    assert shop.rows("SELECT count(*) FROM refunds") == [(0,)]


@pytest.mark.parametrize(
    ("end", "actor", "state"),
    [("reject", FAY, ProposalState.REJECTED), ("withdraw", FINN, ProposalState.WITHDRAWN)],
)
def test_an_ended_proposal_gives_nothing_back_and_makes_way(shop, paid, end, actor, state):
    proposal = asked(shop, paid, 60_000)

    getattr(shop.services.large_refunds, end)(proposal.id, actor=actor, reason="Wrong sum.")

    assert state_of(shop, proposal) is state
    with pytest.raises(RefundProposalNotPossible, match="decided already"):
        approved(shop, proposal)
    assert asked(shop, paid, 70_000).id != proposal.id


def test_one_proposal_of_an_order_waits_at_a_time(shop, paid):
    asked(shop, paid, 60_000)

    with pytest.raises(RefundProposalNotPossible, match="waits for a second person already"):
        asked(shop, paid, 55_000)
    # What one person may give back alone does not wait for it.
    assert isinstance(asked(shop, paid, 10_000), OpenedRefund)


def test_after_a_week_it_has_to_be_proposed_anew(shop, paid):
    proposal = asked(shop, paid, 60_000)
    shop.clock.advance(hours=7 * 24)

    with pytest.raises(RefundProposalNotPossible, match="time is over"):
        approved(shop, proposal)
    anew = asked(shop, paid, 60_000)

    assert state_of(shop, proposal) is ProposalState.EXPIRED
    assert anew.expires_at == anew.proposed_at + timedelta(days=7)
    assert ("refund_proposal_expired", "payorch") in actions(shop)
    assert approved(shop, anew).status is RefundStatus.SUCCEEDED


def test_the_same_form_sent_twice_proposes_once(shop, paid):
    fields = {"idempotency_key": "staff-refund:same", "request_hash": "same"}

    first, second = asked(shop, paid, 60_000, **fields), asked(shop, paid, 60_000, **fields)
    approved(shop, first)
    third = asked(shop, paid, 60_000, **fields)

    assert first.id == second.id == third.id
    with pytest.raises(IdempotencyKeyReused):
        asked(shop, paid, 60_001, idempotency_key="staff-refund:same", request_hash="other")
    assert shop.given_back_minor(paid) == 60_000


def test_when_less_is_left_it_stays_a_proposal(shop, paid):
    proposal = asked(shop, paid, 60_000)
    shop.refund(paid.order.id, 40_000)

    with pytest.raises(RefundTooLarge, match="At most"):
        approved(shop, proposal)

    assert state_of(shop, proposal) is ProposalState.OPEN
    assert shop.given_back_minor(paid) == 40_000


def test_the_staff_are_told_of_what_waits(shop, paid):
    proposal = asked(shop, paid, 60_000)
    shop.carry_on()

    keys = [key for (key,) in shop.rows("SELECT dedup_key FROM notices")]
    about = f"refund_proposal={proposal.id}"
    assert [key for key in keys if "refund_to_approve" in key and about in key]


def test_a_retry_of_what_two_agreed_on_needs_nobody_else(shop):
    # The provider refuses refunds of 800.04.
    paid = shop.paid_order(PAID_MINOR)
    refund = approved(shop, asked(shop, paid, 80_004))
    assert refund.status is RefundStatus.FAILED

    again = shop.services.refund_payment.retry(
        refund.id, actor=FINN, reason="Once more.", is_by_staff=True
    )

    assert again.retries == 1


def test_a_retry_does_not_get_around_the_limit(shop, database):
    paid = shop.paid_order(200_000)
    # Asked for while there was no such rule, and refused.
    free = RefundShop(database, shop.sandbox, clock=shop.clock, is_seeded=True)
    refund = asked(free, paid, 80_004).refund
    assert refund.status is RefundStatus.FAILED

    with pytest.raises(RefundNeedsSecondPerson, match="ask for a new one"):
        shop.services.refund_payment.retry(
            refund.id, actor=FINN, reason="Once more.", is_by_staff=True
        )

    again = shop.services.refund_payment.retry(refund.id, actor="api", reason="Once more.")
    assert again.retries == 1


def test_two_who_agree_at_once_make_one_refund(shop, paid):
    proposal = asked(shop, paid, 60_000)

    results = race(
        *(partial(approved, shop, proposal, f"person{number}@example.com") for number in range(8))
    )

    refused = [result for result in results if isinstance(result, Exception)]
    assert {type(refusal) for refusal in refused} == {RefundProposalNotPossible}
    assert len(refused) == 7
    shop.carry_on()
    assert shop.given_back_minor(paid) == 60_000
    assert shop.rows("SELECT count(*) FROM refunds") == [(1,)]


def test_of_agreeing_rejecting_and_withdrawing_at_once_one_counts(shop):
    large = shop.services.large_refunds
    for _ in range(4):
        paid = shop.paid_order(PAID_MINOR)
        proposal = asked(shop, paid, 60_000)

        results = race(
            partial(approved, shop, proposal),
            partial(large.reject, proposal.id, actor="ada@example.com", reason="No."),
            partial(large.withdraw, proposal.id, actor=FINN, reason="Wrong sum."),
        )

        assert sum(isinstance(it, RefundProposalNotPossible) for it in results) == 2
        shop.carry_on()
        is_approved = state_of(shop, proposal) is ProposalState.APPROVED
        assert shop.given_back_minor(paid) == (60_000 if is_approved else 0)


def test_agreeing_while_the_api_takes_the_money_never_gives_back_too_much(shop):
    for _ in range(4):
        paid = shop.paid_order(PAID_MINOR)
        proposal = asked(shop, paid, 60_000)

        results = race(
            partial(approved, shop, proposal), partial(shop.refund, paid.order.id, 60_000)
        )

        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], (RefundTooLarge, OrderNotRefundable))
        shop.carry_on()
        assert shop.given_back_minor(paid) == 60_000


def test_parts_that_are_asked_for_at_once_stay_within_the_limit(shop, paid):
    results = race(*(partial(asked, shop, paid, 20_000) for _ in range(4)))

    made = [result for result in results if isinstance(result, OpenedRefund)]
    assert len(made) == 2
    shop.carry_on()
    assert shop.given_back_minor(paid) == 40_000


def test_after_a_crash_anywhere_there_is_one_refund(shop):
    counter = CrashAt(None)
    approved(shop.again(checkpoint=counter), asked(shop, shop.paid_order(PAID_MINOR), 60_000))
    assert "refund_opened" in counter.passed

    for place in range(1, len(counter.passed) + 1):
        paid = shop.paid_order(PAID_MINOR)
        proposal = asked(shop, paid, 60_000)
        with pytest.raises(SimulatedCrash):
            approved(shop.again(checkpoint=CrashAt(place)), proposal)
        with pytest.raises(RefundProposalNotPossible):
            approved(shop, proposal)

        shop.clock.advance(minutes=5)
        shop.carry_on()

        assert shop.given_back_minor(paid) == 60_000, counter.passed[place - 1]
        assert state_of(shop, proposal) is ProposalState.APPROVED


@pytest.mark.breaks_the_books
def test_a_large_refund_without_its_second_person_is_found(shop, paid):
    proposal = asked(shop, paid, 60_000)
    refund = approved(shop, proposal)
    assert shop.wired.verify.execute(since=None).findings == ()

    with shop.database.tx() as connection:
        connection.exec_driver_sql("DELETE FROM refund_proposals")

    assert asked_alone(shop) == {refund.id: None}


def asked_alone(shop, since=None):
    """Refunds that the books say one person had no right to, with the sums that counted."""
    findings = shop.wired.verify.execute(since=since, kinds=["large_refund_alone"]).findings
    return {it.violation.subject: it.violation.facts.get("asked_in_a_day_minor") for it in findings}


def without_a_limit(shop):
    """Another process whose lock does not know of the limit; the refunds bear it nevertheless."""
    return RefundShop(shop.database, shop.sandbox, clock=shop.clock, is_seeded=True)


def bear_the_limit(shop):
    with shop.database.tx() as connection:
        connection.exec_driver_sql(f"UPDATE refunds SET one_person_limit_minor = {LIMIT_MINOR}")


@pytest.mark.breaks_the_books
def test_parts_of_a_day_beyond_the_limit_are_found(shop, paid):
    free = without_a_limit(shop)
    asked(free, paid, 30_000)
    shop.clock.advance(hours=23)
    last = asked(free, paid, 20_001).refund
    bear_the_limit(shop)

    assert asked_alone(shop) == {last.id: 50_001}
    assert asked_alone(shop, since=shop.clock.now() - timedelta(minutes=1)) == {last.id: 50_001}
    assert asked_alone(shop, since=shop.clock.now() + timedelta(minutes=1)) == {}


@pytest.mark.breaks_the_books
def test_parts_of_two_days_and_of_two_orders_are_not_one_sum(shop, paid):
    free = without_a_limit(shop)
    asked(free, paid, 30_000)
    asked(free, shop.paid_order(PAID_MINOR), 30_000)
    shop.clock.advance(hours=25)
    asked(free, paid, 30_000)
    bear_the_limit(shop)

    assert asked_alone(shop) == {}


def test_what_two_agreed_on_is_no_part_that_one_asked_for_alone(shop, paid):
    asked(shop, paid, 30_000)
    approved(shop, asked(shop, paid, 40_000))

    assert asked_alone(shop) == {}


@pytest.mark.breaks_the_books
def test_a_part_that_was_tried_again_counts_from_then_on(shop, database):
    def with_limit(limit_minor):
        return RefundShop(
            database,
            shop.sandbox,
            clock=shop.clock,
            is_seeded=True,
            second_person_above=f"EUR:{limit_minor}",
        )

    paid = shop.paid_order(200_000)
    # The provider refuses refunds of 800.04.
    refused = asked(with_limit(90_000), paid, 80_004).refund
    asked(with_limit(90_000), paid, 80_000)
    shop.clock.advance(hours=25)
    with_limit(100_000).services.refund_payment.retry(
        refused.id, actor=FINN, reason="Once more.", is_by_staff=True
    )
    with database.tx() as connection:
        connection.exec_driver_sql("UPDATE refunds SET status = 'succeeded'")

    limits = shop.rows("SELECT one_person_limit_minor FROM refunds ORDER BY id")
    assert limits == [(100_000,), (90_000,)]
    assert asked_alone(shop) == {}
