"""Two people concluded that nothing went back; if they erred, a retry must not give back twice."""

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import update

from payorch.application.jobs import Job
from payorch.application.review_refund import RefundConclusion
from payorch.domain.errors import RefundTooLarge, ReviewNotPossible
from payorch.domain.refund import RefundStatus
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence import refund_ledger
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_ledger import SqlAlchemyRefundLedger
from payorch.infrastructure.persistence.tables import RefundRow
from tests.people import hire
from tests.refunds.refund_shop import a_refund
from tests.scripted_provider import LOST, answer, listed, payment, refusal, scripted_shop, settle
from tests.shop import FULL_CAPABILITIES, a_method


class Provider:
    """Gives back whatever it is asked to, knows no keys, and may lose answers or fall silent."""

    def __init__(self) -> None:
        self.given_back = []
        self.is_silent = False
        self.loses_refunds = False
        self.finds = True
        self._ids = itertools.count(1)

    def __call__(self, call):
        if self.is_silent:
            raise LOST
        match call.operation:
            case "charge":
                return answer(201, payment(call.reference, "p1"))
            case "refund":
                self.given_back.append(self._refund(call))
                if self.loses_refunds:
                    raise LOST
                return answer(201, self.given_back[-1])
            case "find_refund":
                shown = self.given_back if self.finds else []
                return listed(*(it for it in shown if it["reference"] == call.reference))
            case _:
                return refusal(404, "not_found")

    def _refund(self, call):
        return {
            "object": "refund",
            "id": f"r{next(self._ids)}",
            "payment_id": "p1",
            "reference": call.reference,
            "status": "succeeded",
            "amount": call.body["amount"],
            "currency": "EUR",
        }


@pytest.fixture
def provider():
    return Provider()


class LostRefundShop:
    """A refund of 500 that went back though its answer was lost, and now nobody can be asked."""

    def __init__(self, database, provider, **capabilities) -> None:
        capabilities = {"idempotency_window_s": 0, "void": False, **capabilities}
        method = a_method("alpha", capabilities=replace(FULL_CAPABILITIES, **capabilities))
        self.shop = scripted_shop(database, provider, [method])
        self.services = self.shop.services
        transactions = LedgerTransactions(database, self.shop.clock, uses_database_clock=False)
        self.ledger = SqlAlchemyRefundLedger(transactions, self.shop.clock)
        self.order_id = self.shop.pay(self.shop.order().id).order_id
        provider.loses_refunds = True
        refund = self.services.refund_payment.execute(a_refund(self.order_id, 500)).refund
        provider.loses_refunds, provider.is_silent = False, True
        self.id = refund.id
        settle(self.shop, days=9)
        assert self.refund.is_in_review

    @property
    def refund(self):
        return self.ledger.find(self.id)

    @property
    def left_minor(self) -> int:
        return self.ledger.refundable(self.order_id).left_minor

    def propose_not_given_back(self):
        hire(self.shop.database, "fiona@example.com")
        return self.services.review_refund.propose(
            self.id,
            RefundConclusion.NOT_GIVEN_BACK,
            provider_reference=None,
            evidence="Not in the statement.",
            actor="fiona@example.com",
        )

    def conclude(self, proposal) -> None:
        self.services.review_refund.decide(
            proposal.id, is_approved=True, actor="adam@example.com", reason="Right."
        )

    def hear_of_it(self) -> None:
        """An event of the provider speaks of the refund."""
        self.shop.wired.handlers["send_refund"](
            Job(id=0, kind="send_refund", payload={"refund": self.id}, attempts=1)
        )

    def retry(self):
        return self.services.refund_payment.retry(self.id, actor="finn", reason="Once more.")


def test_it_is_searched_for_before_it_is_sent_again(database, provider):
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False

    again = lost.retry()

    assert (again.status, again.provider_reference) == (RefundStatus.SUCCEEDED, "r1")
    assert [refund["amount"] for refund in provider.given_back] == [500]
    assert lost.left_minor == 1499


def test_it_is_sent_once_where_a_search_finds_none(database, provider):
    lost = LostRefundShop(database, provider)
    provider.given_back.clear()
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False

    again = lost.retry()

    assert again.status is RefundStatus.SUCCEEDED
    assert [refund["amount"] for refund in provider.given_back] == [500]


@pytest.mark.parametrize("finds", [True, False])
def test_leave_to_send_again_is_for_one_request(database, provider, finds):
    """Its answer is lost too: whatever a search tells, it is not sent a third time."""
    lost = LostRefundShop(database, provider, find_by_reference=finds)
    provider.given_back.clear()
    provider.finds = False
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent, provider.loses_refunds = False, True

    assert lost.retry().status is RefundStatus.UNKNOWN
    settle(lost.shop, days=9)

    assert len(provider.given_back) == 1
    assert lost.refund.is_in_review


def test_what_the_provider_says_went_back_counts_against_what_is_left(database, provider):
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    assert lost.left_minor == 1999
    provider.is_silent = False

    lost.hear_of_it()

    assert lost.refund.status is RefundStatus.FAILED
    assert lost.left_minor == 1499
    assert lost.shop.view(lost.order_id).refunding_minor == 500
    with pytest.raises(RefundTooLarge):
        lost.services.refund_payment.execute(a_refund(lost.order_id, 1999))


def test_a_contradicted_refund_is_only_asked_about_again(database, provider):
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False
    lost.hear_of_it()
    provider.finds = False

    again = lost.retry()

    assert again.status is RefundStatus.UNKNOWN
    assert [refund["amount"] for refund in provider.given_back] == [500]
    provider.finds = True
    settle(lost.shop)
    assert lost.refund.status is RefundStatus.SUCCEEDED
    assert lost.left_minor == 1499


@pytest.mark.parametrize("keeps_trace", [True, False])
def test_a_word_of_the_provider_that_comes_during_a_retry_counts(
    database, provider, monkeypatch, keeps_trace
):
    """The retry has read the refund before the provider's word was kept with it."""
    lost = LostRefundShop(database, provider, find_by_reference=False)
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False
    with database.tx() as connection:
        connection.execute(update(RefundRow).values(contradicted_at=lost.shop.clock.now()))
    read_before = {"keeps_trace": keeps_trace, "may_send_once_more": True}
    monkeypatch.setattr(refund_ledger, "trace_of", lambda _refund: read_before)

    lost.retry()

    assert [refund["amount"] for refund in provider.given_back] == [500]


def test_a_decision_on_an_earlier_try_is_not_applied_to_a_retry(database, provider):
    """The job that would have applied it comes only after the retry."""
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    assert lost.retry().status is RefundStatus.UNKNOWN

    drain(lost.shop.wired.background)

    assert lost.refund.is_open


def test_a_proposal_on_an_earlier_try_is_not_agreed_to_after_a_retry(database, provider):
    lost = LostRefundShop(database, provider)
    proposal = lost.propose_not_given_back()
    provider.given_back[0]["status"] = "failed"
    provider.is_silent = False
    settle(lost.shop)
    assert lost.refund.status is RefundStatus.FAILED
    provider.loses_refunds, provider.finds = True, False
    assert lost.retry().is_open

    with pytest.raises(ReviewNotPossible, match="tried again since"):
        lost.conclude(proposal)


def test_people_do_not_conclude_against_the_provider_s_word(database, provider):
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False
    lost.hear_of_it()
    provider.finds = False
    lost.retry()
    settle(lost.shop, days=1)
    assert lost.refund.is_in_review

    with pytest.raises(ReviewNotPossible, match="has said that it was given back"):
        lost.propose_not_given_back()


def test_the_provider_s_own_refusal_ends_a_contradiction(database, provider):
    lost = LostRefundShop(database, provider)
    lost.conclude(lost.propose_not_given_back())
    provider.is_silent = False
    lost.hear_of_it()
    provider.given_back[0]["status"] = "failed"

    assert lost.retry().status is RefundStatus.FAILED

    assert not lost.refund.is_contradicted
    assert lost.left_minor == 1999
