"""What no provider can prove, two people of the staff conclude: proposed, decided, applied."""

import pytest

from payorch.application.review import Conclusion
from payorch.domain.errors import ReasonRequired, ReviewNotPossible
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.jobs import drain
from tests.fakes import FakeClock, fake_time
from tests.people import close_account, demote, hire
from tests.scripted_provider import LOST, answer, listed, payment, refusal, scripted_shop, settle
from tests.shop import Shop, a_card, a_method

CHARGED_WITHOUT_ANSWER = "4100000000000027"
NOTHING = Capabilities()
FIONA, FRANK = "fiona@example.com", "frank@example.com"


@pytest.fixture(autouse=True)
def finance(database):
    for person in (FIONA, FRANK):
        hire(database, person)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop(database, sandbox, clock):
    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", capabilities=NOTHING, timeout_s=0.3)],
        seams=fake_time(clock),
    )


@pytest.fixture
def stuck(shop, clock):
    """An order with a transaction that nobody can prove, in review: (order id, transaction id)."""
    result = shop.pay(instrument=a_card(CHARGED_WITHOUT_ANSWER))
    clock.advance(minutes=2)
    assert shop.wired.reconcile.execute().review == 1
    return result.order_id, shop.view(result.order_id).transactions[0].id


def propose(shop, transaction_id, conclusion=Conclusion.NOT_CHARGED, **fields):
    defaults = {
        "provider_reference": None,
        "evidence": "Not in the statement of 24 November.",
        "actor": FIONA,
    }
    return shop.services.review.propose(transaction_id, conclusion, **(defaults | fields))


def decide(shop, proposal, *, is_approved=True, actor="adam@example.com"):
    return shop.services.review.decide(
        proposal.id, is_approved=is_approved, actor=actor, reason="Checked it myself."
    )


def test_agreed_as_not_charged_the_order_can_be_paid_again(shop, stuck):
    order_id, transaction_id = stuck

    decide(shop, propose(shop, transaction_id))

    assert shop.statuses(order_id) == [("alpha", "not_sent")]
    assert shop.view(order_id).order.status is PaymentStatus.FAILED


def test_agreed_as_charged_the_order_is_paid(shop, stuck):
    order_id, transaction_id = stuck
    proposal = propose(shop, transaction_id, Conclusion.CHARGED, provider_reference="alpha_77")

    decide(shop, proposal)

    assert shop.statuses(order_id) == [("alpha", "approved")]
    assert shop.view(order_id).order.status is PaymentStatus.PAID


def test_a_proposal_alone_changes_nothing(shop, stuck):
    order_id, transaction_id = stuck

    propose(shop, transaction_id)

    assert shop.statuses(order_id) == [("alpha", "unknown")]
    assert shop.view(order_id).order.status is PaymentStatus.PROCESSING


def test_nobody_decides_on_their_own_proposal(shop, stuck):
    order_id, transaction_id = stuck
    proposal = propose(shop, transaction_id)

    with pytest.raises(ReviewNotPossible):
        decide(shop, proposal, actor=FIONA)

    assert shop.statuses(order_id) == [("alpha", "unknown")]


def test_a_rejected_proposal_makes_room_for_another_one(shop, stuck):
    order_id, transaction_id = stuck

    decide(shop, propose(shop, transaction_id), is_approved=False)
    assert shop.statuses(order_id) == [("alpha", "unknown")]
    decide(shop, propose(shop, transaction_id, actor=FRANK))

    assert shop.statuses(order_id) == [("alpha", "not_sent")]


def test_a_proposal_is_decided_once(shop, stuck):
    proposal = propose(shop, stuck[1])
    decide(shop, proposal, is_approved=False)

    with pytest.raises(ReviewNotPossible):
        decide(shop, proposal)


def test_two_proposals_do_not_wait_side_by_side(shop, stuck):
    propose(shop, stuck[1])

    with pytest.raises(ReviewNotPossible):
        propose(shop, stuck[1], actor=FRANK)


def test_a_charge_needs_the_providers_id_and_every_conclusion_needs_evidence(shop, stuck):
    with pytest.raises(ReviewNotPossible):
        propose(shop, stuck[1], Conclusion.CHARGED)
    with pytest.raises(ReasonRequired):
        propose(shop, stuck[1], evidence="  ")


def test_what_the_provider_can_still_be_asked_about_is_not_for_people_to_decide(shop):
    result = shop.pay(instrument=a_card(CHARGED_WITHOUT_ANSWER))
    transaction_id = shop.view(result.order_id).transactions[0].id

    with pytest.raises(ReviewNotPossible):
        propose(shop, transaction_id)


def test_a_decision_that_could_not_be_applied_at_once_is_applied_by_its_job(
    shop, stuck, clock, database
):
    order_id, transaction_id = stuck
    proposal = propose(shop, transaction_id)
    held_by_a_check(shop, transaction_id)

    decide(shop, proposal)
    assert shop.statuses(order_id) == [("alpha", "unknown")]
    clock.advance(minutes=1)
    with database.read() as connection:
        payload = connection.exec_driver_sql(
            "SELECT count(*) FROM jobs WHERE kind = 'apply_review'"
        ).scalar_one()
    assert payload == 1
    shop.services.review.handle(a_job(proposal))

    assert shop.statuses(order_id) == [("alpha", "not_sent")]


def test_the_job_may_run_again(shop, stuck):
    order_id, transaction_id = stuck
    proposal = propose(shop, transaction_id)
    decide(shop, proposal)

    shop.services.review.handle(a_job(proposal))

    assert shop.statuses(order_id) == [("alpha", "not_sent")]


def held_by_a_check(shop, transaction_id):
    open_attempts = shop.wired.reconcile._open_attempts
    held = open_attempts.take_over(open_attempts.of_transaction(transaction_id), lease_s=30)
    assert held is not None


def a_job(proposal):
    from payorch.application.jobs import Job

    return Job(id=1, kind="apply_review", payload={"review": proposal.id}, attempts=1)


class ChargesAnotherAmount:
    """1 cent instead of what was asked for, and it says so each time."""

    reference = None

    def __init__(self, currency="EUR"):
        self.given_back = []
        self._currency = currency

    def __call__(self, call):
        match call.operation:
            case "charge":
                self.reference = call.reference
                return answer(201, self._shown())
            case "read":
                return answer(200, self._shown())
            case "find":
                return listed(self._shown())
            case "void":
                self.given_back.append(call.payment_id)
                return answer(200, self._shown(status="voided"))
        return refusal(404, "not_found")

    def _shown(self, **fields):
        return payment(self.reference, "p1", amount=1, currency=self._currency, **fields)


class SilentUntilAsked:
    """Charges, and loses every answer until it `is_silent` no more."""

    is_silent = True

    def __init__(self, provider):
        self._provider = provider

    def __call__(self, call):
        said = self._provider(call)
        if self.is_silent:
            raise LOST
        return said


@pytest.fixture
def provider():
    return ChargesAnotherAmount()


@pytest.fixture
def wrongly_charged(database, provider):
    """A shop, and the ids of its order and transaction, charged otherwise and in review."""
    shop = scripted_shop(database, provider, [a_method("alpha")])
    result = shop.pay()
    shop.clock.advance(minutes=1)
    assert shop.wired.reconcile.execute().review == 1
    return shop, result.order_id, shop.view(result.order_id).last.id


@pytest.mark.parametrize("conclusion", [Conclusion.CHARGED, Conclusion.NOT_CHARGED])
def test_nobody_concludes_what_the_provider_contradicts(wrongly_charged, conclusion):
    shop, _, transaction_id = wrongly_charged

    with pytest.raises(ReviewNotPossible):
        propose(shop, transaction_id, conclusion, provider_reference="p1")


@pytest.mark.parametrize("conclusion", [Conclusion.CHARGED, Conclusion.NOT_CHARGED])
def test_a_decision_is_not_applied_to_what_was_heard_before_it_could_be(
    database, provider, conclusion
):
    """A check holds the transaction while it is decided, and hears of another amount."""
    shop = scripted_shop(database, SilentUntilAsked(provider), [a_method("alpha")])
    order_id = shop.pay().order_id
    settle(shop, days=8)
    transaction_id = shop.view(order_id).last.id
    proposal = propose(shop, transaction_id, conclusion, provider_reference="p1")
    held_by_a_check(shop, transaction_id)
    decide(shop, proposal)
    shop.clock.advance(minutes=1)
    shop.provider._says.is_silent = False
    shop.services.resolve.execute(transaction_id)

    shop.services.review.handle(a_job(proposal))

    assert shop.statuses(order_id) == [("alpha", "unknown")]
    with pytest.raises(ReviewNotPossible):
        propose(shop, transaction_id, conclusion, provider_reference="p1")
    propose(shop, transaction_id, Conclusion.CHARGED_OTHER_AMOUNT)


def test_agreed_as_another_amount_it_goes_back_and_the_order_is_not_paid(wrongly_charged, provider):
    shop, order_id, transaction_id = wrongly_charged

    decide(shop, propose(shop, transaction_id, Conclusion.CHARGED_OTHER_AMOUNT))
    drain(shop.wired.background)

    assert shop.statuses(order_id) == [("alpha", "not_sent")]
    assert shop.view(order_id).order.status is PaymentStatus.FAILED
    assert provider.given_back == ["p1"]
    assert shop.view(order_id).order.flag == "surplus_charge"


def test_what_goes_back_never_becomes_the_payment(wrongly_charged, provider):
    shop, order_id, transaction_id = wrongly_charged
    decide(shop, propose(shop, transaction_id, Conclusion.CHARGED_OTHER_AMOUNT))

    settle(shop, days=0.5)

    assert provider.given_back == ["p1"]
    assert shop.view(order_id).order.status is PaymentStatus.FAILED


def test_another_amount_is_only_concluded_from_what_the_provider_told(shop, stuck):
    with pytest.raises(ReviewNotPossible):
        propose(shop, stuck[1], Conclusion.CHARGED_OTHER_AMOUNT, provider_reference="p1")


def test_both_steps_are_in_the_journal(shop, stuck, database):
    proposal = propose(shop, stuck[1])
    decide(shop, proposal)

    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT actor, action FROM journal WHERE subject LIKE 'transaction:%%' ORDER BY id"
        ).all()
    assert [tuple(row) for row in rows] == [
        ("fiona@example.com", "review_proposed"),
        ("adam@example.com", "review_approved"),
    ]


@pytest.mark.parametrize("change", [close_account, demote])
def test_who_may_not_propose_any_more_is_no_first_person(change, shop, stuck):
    order_id, transaction_id = stuck
    proposal = propose(shop, transaction_id)
    change(shop.database, FIONA)

    with pytest.raises(ReviewNotPossible, match="no right to it any more"):
        decide(shop, proposal)

    assert shop.statuses(order_id) == [("alpha", "unknown")]
    decide(shop, proposal, is_approved=False)
