"""What staff do at one order, in the real application: check, cancel, flags and notes."""

import re

import pytest
from sqlalchemy import func, select

from payorch.application.jobs import NOTIFY_CUSTOMER
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.settlement import FLAG_CONTRADICTION
from payorch.infrastructure.persistence.attempt_statements import flag_order
from payorch.infrastructure.persistence.database import db
from payorch.infrastructure.persistence.tables import JobRow, JournalRow, OrderNoteRow
from payorch.presentation.backoffice.notices.work_queues import queue_counts
from tests.presentation.backoffice.office import CAST
from tests.shop import a_card, a_payment, an_order

CHARGED_WITHOUT_ANSWER = "4100000000000027"
CHALLENGE = "4200000000000018"
DECLINED = "4000000000000416"


class Counter:
    """An office with the practice provider behind it, and its people."""

    def __init__(self, open_office, database_url, sandbox) -> None:
        self.office = open_office(database_url, sandbox_url=sandbox.base_url)
        self.people = {}

    def person(self, name):
        if name not in self.people:
            self.people[name] = self.office.logged_in(name)
        return self.people[name]

    def paid(self, number="4242424242424242"):
        payment = a_payment(new_order=an_order(), instrument=a_card(number))
        return self.office.services.pay_order.execute(payment).order_id

    def order(self):
        return self.office.services.create_order.execute(an_order()).order.id

    def status(self, order_id):
        return self.office.services.orders.by_id(order_id).order.status

    def page(self, order_id, name="finn"):
        return self.person(name).get(f"/admin/orders/{order_id}").text

    def act(self, order_id, action, form, name="finn"):
        """Post the form of the action's own page."""
        address = f"/admin/orders/{order_id}/{action}"
        visitor = self.person(name)
        hidden = dict(
            re.findall(
                r'type="hidden" name="(key|version)" value="([^"]*)"', visitor.get(address).text
            )
        )
        return visitor.post(
            address, hidden | form, token_from=f"/admin/orders/{order_id}", follow_redirects=True
        )

    def flag(self, order_id, flag=FLAG_CONTRADICTION):
        transaction = self.office.services.orders.by_id(order_id).transactions[0].id
        with self.office.database.tx() as connection:
            connection.execute(flag_order, {"transaction": transaction, "new_flag": flag})

    def journal(self):
        with self.office.database.read() as connection:
            rows = connection.execute(
                select(JournalRow.actor, JournalRow.action, JournalRow.reason)
                .where(JournalRow.action.like("%order%") | JournalRow.action.like("%transaction%"))
                .order_by(JournalRow.id)
            )
            return [tuple(row) for row in rows]

    def count(self, statement):
        with self.office.database.read() as connection:
            return connection.scalar(statement)

    def flagged(self):
        """How many orders the work queue has."""
        with self.office.app.app_context():
            counts = queue_counts(db.session, self.office.services.clock.now())
            db.session.remove()
        return counts["flagged"]


@pytest.fixture
def counter(open_office, database_url, sandbox):
    return Counter(open_office, database_url, sandbox)


def test_check_now_asks_the_provider_and_says_what_it_answered(counter):
    order_id = counter.paid(CHALLENGE)
    assert counter.status(order_id) is PaymentStatus.PROCESSING
    counter.office.let_go()

    page = counter.act(order_id, "check", {"reason": "The customer called"}, "olga").text

    assert "Alpha: Read by the provider&#39;s own id. Answer: the customer has to act." in page
    assert "Nothing is proved yet" in page
    assert counter.journal() == [
        ("olga@example.org", "transaction_checked", "The customer called"),
    ]
    assert "checked the payment now. Read by the provider&#39;s own id" in page


def test_check_now_is_offered_only_while_something_is_open(counter):
    order_id = counter.paid()

    assert f"/admin/orders/{order_id}/check" not in counter.page(order_id)
    answer = counter.act(order_id, "check", {"reason": "Just so"})
    assert "settled already" in answer.text
    assert counter.journal() == []


def test_an_order_nobody_paid_is_cancelled_with_a_reason_and_a_letter(counter):
    order_id = counter.order()
    form = counter.person("finn").get(f"/admin/orders/{order_id}/cancel").text

    nothing = counter.act(order_id, "cancel", {"reason": "  "})
    page = counter.act(order_id, "cancel", {"reason": "Sold out"}).text

    assert "This cannot be undone." in form
    assert "a•••@example.com is told so by e-mail." in form
    assert "Say why" in nothing.text
    assert counter.status(order_id) is PaymentStatus.CANCELLED
    assert "The order is cancelled." in page
    assert "cancelled the order" in page
    assert "Sold out" in page
    assert counter.journal() == [("finn@example.org", "order_cancelled", "Sold out")]
    jobs = select(func.count()).where(JobRow.kind == NOTIFY_CUSTOMER.name)
    assert counter.count(jobs) == 1
    assert f"/admin/orders/{order_id}/cancel" not in page


def test_an_order_that_is_paid_or_being_paid_cannot_be_cancelled(counter):
    for order_id, status in (
        (counter.paid(), PaymentStatus.PAID),
        (counter.paid(CHALLENGE), PaymentStatus.PROCESSING),
    ):
        assert f"/admin/orders/{order_id}/cancel" not in counter.page(order_id)
        counter.act(order_id, "cancel", {"reason": "By mistake"})

        assert counter.status(order_id) is status
    assert counter.journal() == []


def test_a_flag_that_is_dealt_with_leaves_the_queue_and_stays_on_the_order(counter):
    order_id = counter.paid()
    counter.flag(order_id)
    assert counter.flagged() == 1
    assert "Mark as dealt with" in counter.page(order_id)

    page = counter.act(order_id, "flag", {"reason": "The provider has corrected it"}).text

    assert counter.flagged() == 0
    assert "Contradicting answer" in page
    assert "marked the flag “Contradicting answer” as dealt with" in page
    assert "The provider has corrected it" in page
    assert counter.journal() == [
        ("finn@example.org", "order_flag_dealt_with", "The provider has corrected it"),
    ]
    queue = counter.person("finn").get("/admin/orders/?flag=open").text
    assert order_id not in queue
    assert order_id in counter.person("finn").get("/admin/orders/?flag=any").text


def test_a_flag_is_taken_up_again(counter):
    order_id = counter.paid()
    counter.flag(order_id)
    counter.act(order_id, "flag", {"reason": "Looks right"})

    page = counter.act(order_id, "flag/reopen", {"reason": "It was the wrong order"}).text

    assert counter.flagged() == 1
    assert "took the flag “Contradicting answer” up again" in page
    assert [action for _, action, _ in counter.journal()] == [
        "order_flag_dealt_with",
        "order_flag_reopened",
    ]


def test_the_next_flag_puts_the_order_back_on_the_queue(counter):
    order_id = counter.paid()
    counter.flag(order_id)
    counter.act(order_id, "flag", {"reason": "Looks right"})

    counter.flag(order_id)

    assert counter.flagged() == 1


def test_nobody_is_through_with_a_flag_they_have_not_read(counter):
    order_id = counter.paid()
    counter.flag(order_id)
    form = counter.person("finn").get(f"/admin/orders/{order_id}/flag").text
    seen = re.search(r'name="version" value="(\d+)"', form)[1]
    counter.flag(order_id, "amount_mismatch")

    answer = counter.act(order_id, "flag", {"version": seen, "reason": "Looks right"})

    assert "has changed since you read it" in answer.text
    assert counter.flagged() == 1


def test_a_note_is_kept_once_and_shown_as_text(counter):
    order_id = counter.order()
    form = {"key": "k" * 20, "reason": "Called <b>Ana</b>:\nshe pays tomorrow"}

    counter.act(order_id, "note", form, "olga")
    page = counter.act(order_id, "note", form, "olga").text

    assert counter.count(select(func.count()).select_from(OrderNoteRow)) == 1
    assert "Note of olga@example.org" in page
    assert "Called &lt;b&gt;Ana&lt;/b&gt;" in page
    assert [row[:2] for row in counter.journal()] == [("olga@example.org", "order_note_added")]


def test_a_note_that_says_nothing_or_too_much_is_refused(counter):
    order_id = counter.order()

    assert "Write something first." in counter.act(order_id, "note", {"reason": " "}).text
    assert "at most 1000" in counter.act(order_id, "note", {"reason": "x" * 1001}).text
    assert counter.count(select(func.count()).select_from(OrderNoteRow)) == 0


def test_actions_are_for_those_who_may(counter):
    order_id = counter.paid()
    counter.flag(order_id)
    may = {
        "check": {"finn", "olga"},
        "cancel": {"finn"},
        "note": {"finn", "olga"},
        "flag": {"finn"},
        "flag/reopen": {"finn"},
    }
    for name in CAST:
        for action, people in may.items():
            address = f"/admin/orders/{order_id}/{action}"
            if name not in people:
                assert counter.person(name).get(address).status_code == 403, (name, action)
                answer = counter.act(order_id, action, {"reason": "x"}, name)
                assert answer.status_code == 403, (name, action)
        page = counter.page(order_id, name)
        assert ("Mark as dealt with" in page) is (name == "finn"), name
        assert ("Add a note" in page) is (name in may["note"]), name
        assert ("Refund or void" in page) is (name == "finn"), name


def test_a_refunded_order_says_so_everywhere(counter):
    order_id = counter.paid()
    finn = counter.person("finn")
    form = {"how_much": "part", "amount": "5.00", "reason": "One book"}
    start = f"/admin/refunds/order/{order_id}"
    confirm = finn.post(f"{start}/confirm", form, token_from=start).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', confirm))
    fields.pop("csrf_token", None)
    finn.post(start, fields)

    page = counter.page(order_id)
    assert "Paid, refunded €5.00" in page
    assert "the order is paid, and then €5.00 of it was refunded." in page
    assert "Paid, refunded €5.00" in finn.get("/admin/orders/").text
    customer = finn.get(f"/orders/{counter.office.services.tokens.token_for(order_id)}").text
    assert "Thank you, your payment arrived" not in customer
    assert "Your payment arrived, and a part of it was refunded" in customer
    assert "up to 10 working days" in customer


def test_a_voided_order_says_so_everywhere(counter):
    order_id = counter.paid()
    finn = counter.person("finn")
    start = f"/admin/refunds/order/{order_id}"
    typed = {"how_much": "full", "reason": "Changed her mind"}
    confirm = finn.post(f"{start}/confirm", typed, token_from=start).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', confirm))
    fields.pop("csrf_token", None)
    finn.post(start, fields)

    page = counter.page(order_id)
    assert ">Voided</span>" in page
    assert "and then the whole payment was voided" in page
    customer = finn.get(f"/orders/{counter.office.services.tokens.token_for(order_id)}").text
    assert "Your payment was refunded" in customer
    assert "Thank you, your payment arrived" not in customer


def test_the_timeline_is_in_the_order_of_time(counter):
    order_id = counter.paid(DECLINED)
    counter.act(order_id, "note", {"reason": "A note in between"})
    counter.office.services.pay_order.execute(a_payment(order_id=order_id))

    page = counter.page(order_id)

    timeline = page[page.index('<ol class="timeline">') :]
    times = re.findall(r'<p class="timeline-head"><time datetime="([^"]+)"', timeline)
    assert len(times) >= 6
    assert times == sorted(times)
    assert timeline.index("A note in between") < timeline.index("Payment 2 submitted")
    assert "times are UTC" in page


def test_providers_that_payorch_switched_off_need_attention(counter):
    change = counter.office.services.change_method.set_enabled
    change("alpha", is_enabled=False, actor="system", reason="The provider refused credentials.")
    change("beta", is_enabled=False, actor="olga@example.org", reason="Too dear")

    page = counter.person("vera").get("/admin/attention/").text

    assert "The provider refused credentials." in page
    assert "/admin/providers/alpha" in page
    assert "Too dear" not in page
    change("alpha", is_enabled=True, actor="olga@example.org", reason="Mended")
    assert "The provider refused" not in counter.person("vera").get("/admin/attention/").text
