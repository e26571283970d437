"""What becomes of an event: the provider is asked, and the one path that settles payments acts."""

import pytest

from payorch.application.closed_payment_events import ASKED_ABOUT_ANOTHER_REFERENCE
from payorch.application.jobs import GiveUp, Job
from payorch.application.payment_result import ResultKind
from payorch.domain.payment_status import PaymentStatus
from tests.fakes import CrashAt, Meanwhile, SimulatedCrash
from tests.shop import FULL_CAPABILITIES, a_card, a_method
from tests.webhooks.challenge import press
from tests.webhooks.events import event_rows, job_rows

CHALLENGE = "4200000000000018"
PENDING_THEN_APPROVED = "4200000000000026"
PENDING_THEN_DECLINED = "4200000000000034"
NEVER_ANSWERED = "4100000000000175"
CHARGED_WITHOUT_ANSWER = "4100000000000027"
DECLINED = "4000000000000515"
AFTER_CALL = 4


def payment_of(sandbox, shop, order_id):
    """The provider's object of the order's last attempt."""
    (payment,) = sandbox.payments_of(shop.view(order_id).last.id)
    return payment


def status(shop, order_id):
    return shop.view(order_id).order.status


def test_a_customer_who_approved_and_closed_the_tab_has_paid_as_soon_as_the_event_comes(
    shop, sandbox
):
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("approve", result.redirect_url)

    assert shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id))) == ["done"]

    assert status(shop, result.order_id) is PaymentStatus.PAID
    assert shop.states() == ["applied"]


def test_a_customer_who_refused_and_closed_the_tab_may_pay_again(shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("decline", result.redirect_url)

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))

    assert shop.statuses(result.order_id) == [("alpha", "declined")]
    assert shop.pay(result.order_id).kind is ResultKind.PAID


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (PENDING_THEN_APPROVED, PaymentStatus.PAID),
        (PENDING_THEN_DECLINED, PaymentStatus.FAILED),
    ],
)
def test_a_method_that_settles_later_is_settled_by_its_event(shop, sandbox, card, expected):
    sandbox.patch_profile("alpha", pending_settles_after_s=0)
    result = shop.pay(instrument=a_card(card))
    assert result.kind is ResultKind.CONFIRMING

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))

    assert status(shop, result.order_id) is expected


def test_an_event_that_says_approved_is_not_believed(shop, sandbox):
    """Signed, genuine in form, and untrue: the provider says something else when it is asked."""
    result = shop.pay(instrument=a_card(CHALLENGE))
    payment = payment_of(sandbox, shop, result.order_id)
    lie = shop.event(of=payment, status="approved", captured_amount=payment["amount"])

    for _ in range(5):
        shop.tell(lie)
        shop.clock.advance(minutes=1)

    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]
    # A charge is not forgotten while the payment is open: it is asked about again.
    assert shop.states() == ["received"]


def test_an_event_that_says_declined_is_not_believed(shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    lie = shop.event(of=payment_of(sandbox, shop, result.order_id), status="declined")

    for _ in range(5):
        shop.tell(lie)
        shop.clock.advance(minutes=1)

    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]


def test_an_event_of_another_amount_changes_nothing(shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    payment = payment_of(sandbox, shop, result.order_id)

    shop.tell(shop.event(of=payment, status="approved", amount=1, currency="USD"))

    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]


def test_an_event_before_our_own_commit_waits_for_it(shop_with, sandbox, clock):
    """The provider is quicker than the answer: the attempt is there, and its holder is at work."""
    told = []

    def tell_early():
        (payment,) = sandbox.ledger()["payments"]
        told.extend(early.tell(early.event(of=payment)))

    early = shop_with(a_method("alpha"))
    shop = shop_with(checkpoint=Meanwhile("after_call", tell_early))

    result = shop.pay()

    assert told == ["Somebody is at work on the payment."]
    assert result.kind is ResultKind.PAID
    clock.advance(seconds=3)
    assert early.work() == ["done"]
    assert early.states() == ["no_change"]
    assert status(shop, result.order_id) is PaymentStatus.PAID


def test_an_event_settles_an_unknown_payment_without_waiting_for_the_ladder(
    shop_with, sandbox, clock
):
    shop = shop_with(a_method("alpha", timeout_s=0.3), page_budget_s=0.0)
    result = shop.pay(instrument=a_card(CHARGED_WITHOUT_ANSWER))
    assert shop.statuses(result.order_id) == [("alpha", "unknown")]
    event = shop.event(of=payment_of(sandbox, shop, result.order_id))

    shop.tell(event)
    clock.advance(seconds=6)
    shop.work()

    assert status(shop, result.order_id) is PaymentStatus.PAID
    assert shop.wired.reconcile.execute().checked == 0


def test_an_event_finds_the_payment_of_a_process_that_died(shop_with, sandbox, clock):
    shop_with(a_method("alpha"))
    dying = shop_with(checkpoint=CrashAt(AFTER_CALL))
    order = dying.order()
    with pytest.raises(SimulatedCrash):
        dying.pay(order.id)
    shop = shop_with()
    event = shop.event(of=sandbox.ledger()["payments"][0])

    first = shop.tell(event)
    results = []
    for _ in range(7):
        clock.advance(seconds=16)
        results += shop.work()

    assert first == ["Somebody is at work on the payment."]
    assert results[-1] == "done"
    assert status(shop, order.id) is PaymentStatus.PAID


def test_events_in_the_wrong_order_never_take_back_what_is_settled(shop, sandbox, clock):
    result = shop.pay(instrument=a_card(CHALLENGE))
    waiting = payment_of(sandbox, shop, result.order_id)
    press("approve", result.redirect_url)
    approved = payment_of(sandbox, shop, result.order_id)

    shop.tell(shop.event(of=approved))
    shop.tell(shop.event(of=waiting))
    shop.tell(shop.event(of=waiting, status="declined"))

    assert status(shop, result.order_id) is PaymentStatus.PAID
    assert shop.states() == ["applied", "no_change", "no_change"]


def test_the_return_page_and_the_event_settle_once(database, shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("approve", result.redirect_url)
    event = shop.event(of=payment_of(sandbox, shop, result.order_id))
    shop.receive(event)

    shop.services.resolve.check_order_now(result.order_id)
    assert shop.work() == ["done"]

    assert status(shop, result.order_id) is PaymentStatus.PAID
    with database.read() as connection:
        applied = connection.exec_driver_sql(
            "SELECT count(*) FROM transaction_evidence WHERE was_applied"
        ).scalar_one()
    assert applied == 1


def test_an_event_of_an_approved_payment_changes_nothing(shop, sandbox):
    result = shop.pay()
    before = shop.view(result.order_id)

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))

    assert shop.view(result.order_id) == before
    assert shop.states() == ["no_change"]


def test_an_event_that_tells_what_is_known_asks_nobody(shop_with, sandbox):
    shop_with(a_method("alpha"))
    paid = shop_with().pay()
    declined = shop_with().pay(instrument=a_card(DECLINED))
    nobody = shop_with(sandbox_url="http://127.0.0.1:9")

    for order_id in (paid.order_id, declined.order_id):
        payment = payment_of(sandbox, nobody, order_id)
        nobody.tell(nobody.event(of=payment))
        nobody.tell(nobody.event(of=payment, status="pending"))

    assert nobody.states() == ["no_change"] * 4


def test_an_event_of_a_declined_payment_changes_nothing(shop, sandbox):
    result = shop.pay(instrument=a_card(DECLINED))
    before = shop.view(result.order_id)

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))

    assert shop.view(result.order_id) == before
    assert shop.states() == ["no_change"]


class LateOutcomes:
    """Takes down what the single writer would be handed."""

    def __init__(self):
        self.taken = []

    def record_late(self, transaction_id, source, answer):
        self.taken.append((transaction_id, source, answer.outcome))


@pytest.fixture
def late_outcomes(shop, monkeypatch):
    taken = LateOutcomes()
    closed = shop.wired.events.process._closed_payments
    monkeypatch.setattr(closed, "_late_outcomes", taken)
    return taken


def charge_again(sandbox, reference, *, account="alpha", **fields):
    """The provider charges once more for a reference of ours, and why does not matter."""
    body = {
        "reference": reference,
        "amount": 1999,
        "currency": "EUR",
        "method": "card",
        "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    }
    status, payment = sandbox.call(
        account, "POST", "/payments", body=body | fields, key=f"again-{reference}"
    )
    assert status == 201
    return payment


def test_a_charge_for_an_attempt_that_was_declined_goes_to_the_guard(shop, sandbox, late_outcomes):
    result = shop.pay(instrument=a_card(DECLINED))
    attempt = shop.view(result.order_id).last
    charged = charge_again(sandbox, attempt.id)

    shop.tell(shop.event(of=charged))

    ((transaction_id, source, outcome),) = late_outcomes.taken
    assert (transaction_id, source) == (attempt.id, "webhook")
    assert outcome.provider_reference == charged["id"]
    assert shop.statuses(result.order_id) == [("alpha", "declined")]
    assert shop.states() == ["applied"]


def test_a_second_charge_for_an_approved_attempt_goes_to_the_guard(shop, sandbox, late_outcomes):
    result = shop.pay()
    attempt = shop.view(result.order_id).last
    charged = charge_again(sandbox, attempt.id)

    shop.tell(shop.event(of=charged))

    ((_, _, outcome),) = late_outcomes.taken
    assert outcome.provider_reference == charged["id"]
    assert status(shop, result.order_id) is PaymentStatus.PAID


def test_a_claimed_charge_that_the_provider_does_not_confirm_goes_nowhere(
    shop, sandbox, late_outcomes
):
    result = shop.pay(instrument=a_card(DECLINED))
    payment = payment_of(sandbox, shop, result.order_id)

    shop.tell(shop.event(of=payment, status="approved"))
    shop.tell(shop.event(of=payment, status="approved", id="pay_that_never_was"))

    assert late_outcomes.taken == []
    assert shop.states() == ["no_change", "no_change"]


def test_somebody_elses_payment_under_our_reference_is_asked_about_and_then_told(
    shop, sandbox, clock, late_outcomes
):
    """The event names our attempt, but the object that it names belongs to another payment."""
    result = shop.pay(instrument=a_card(DECLINED))
    foreign = charge_again(sandbox, "somebody-else")

    shop.tell(shop.event(of=foreign, reference=shop.view(result.order_id).last.id))

    assert shop.states() == ["received"]
    for _ in range(ASKED_ABOUT_ANOTHER_REFERENCE):
        clock.advance(hours=6)
        shop.work()
    assert shop.states() == ["alerted"]
    assert late_outcomes.taken == []


def test_while_the_provider_does_not_answer_the_event_is_tried_again(
    shop, sandbox, clock, late_outcomes
):
    result = shop.pay(instrument=a_card(DECLINED))
    charged = charge_again(sandbox, shop.view(result.order_id).last.id)
    sandbox.start_outage("alpha", "error_500_before", scope="all")

    assert shop.tell(shop.event(of=charged)) == ["The provider did not say: server_error."]
    sandbox.end_outages()
    clock.advance(minutes=1)

    assert shop.work() == ["done"]
    assert len(late_outcomes.taken) == 1


def test_a_crash_after_the_late_outcome_hands_it_on_again(shop_with, sandbox):
    """At least once: the guard knows each charge that it gave back already."""
    shop_with(a_method("alpha"))
    dying = shop_with(checkpoint=Meanwhile("event_followed_up", crash))
    dying.wired.events.process._closed_payments._late_outcomes = taken = LateOutcomes()
    result = dying.pay(instrument=a_card(DECLINED))
    charged = charge_again(sandbox, dying.view(result.order_id).last.id)

    with pytest.raises(SimulatedCrash):
        dying.tell(dying.event(of=charged))
    assert dying.states() == ["received"]
    assert dying.work() == ["done"]

    assert len(taken.taken) == 2
    assert dying.states() == ["applied"]


def crash():
    raise SimulatedCrash


def test_events_of_all_methods_of_an_account_come_to_one_address(shop_with, sandbox):
    shop = shop_with(
        a_method("alpha_main", account="alpha", is_enabled=False),
        a_method("alpha_late", account="alpha"),
    )
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("approve", result.redirect_url)

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)), "alpha_main")

    assert status(shop, result.order_id) is PaymentStatus.PAID


def test_an_event_cannot_name_the_payment_of_another_account(shop_with, sandbox, clock):
    shop = shop_with(a_method("alpha"), a_method("beta"))
    result = shop.pay(instrument=a_card(CHALLENGE))
    payment = payment_of(sandbox, shop, result.order_id)
    press("approve", result.redirect_url)

    shop.tell(shop.event(of={**payment, "account": "beta"}, account="beta"), "beta")

    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]
    assert shop.states() == ["orphan"]


def test_a_payment_is_found_by_the_providers_id_as_well(shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("approve", result.redirect_url)
    payment = payment_of(sandbox, shop, result.order_id)

    shop.tell(shop.event(of=payment, reference=None))

    assert status(shop, result.order_id) is PaymentStatus.PAID


def test_an_event_that_is_about_something_else_is_only_kept(shop):
    shop.tell(shop.event(type="account.updated"))

    assert shop.states() == ["no_change"]


def test_following_an_event_up_again_does_nothing(shop, sandbox):
    result = shop.pay(instrument=a_card(CHALLENGE))
    press("approve", result.redirect_url)
    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))
    before = shop.view(result.order_id), event_rows(shop.database), len(job_rows(shop.database))

    shop.wired.events.process(Job(1, "process_event", {"event": 1}, 1))

    after = shop.view(result.order_id), event_rows(shop.database), len(job_rows(shop.database))
    assert after == before


def test_an_event_that_is_gone_is_given_up(shop):
    with pytest.raises(GiveUp):
        shop.wired.events.process(Job(1, "process_event", {"event": 99}, 1))


def test_a_void_that_was_made_elsewhere_is_told_to_staff(shop, sandbox):
    result = shop.pay()
    payment = payment_of(sandbox, shop, result.order_id)
    sandbox.call("alpha", "POST", f"/payments/{payment['id']}/void")

    shop.tell(shop.event(of=payment_of(sandbox, shop, result.order_id)))

    (job,) = job_rows(shop.database, "alert_staff")
    assert job.payload["alert"] == "voided_elsewhere"
    assert status(shop, result.order_id) is PaymentStatus.PAID


def test_a_provider_that_cannot_be_searched_is_asked_by_the_id_in_its_event(
    shop_with, sandbox, clock
):
    """Without a search by our reference only the event tells under which id to look."""
    bare = FULL_CAPABILITIES.__class__()
    shop_with(a_method("alpha", capabilities=bare))
    dying = shop_with(checkpoint=CrashAt(AFTER_CALL))
    order = dying.order()
    with pytest.raises(SimulatedCrash):
        dying.pay(order.id)
    shop = shop_with()
    clock.advance(minutes=2)

    shop.tell(shop.event(of=sandbox.ledger()["payments"][0]))

    assert status(shop, order.id) is PaymentStatus.PAID
