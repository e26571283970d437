"""Two people of the staff settle a payment that nobody can prove: the real application."""

import html

import pytest
from sqlalchemy import select

from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.tables import JournalRow
from payorch.wiring import Seams
from tests.fakes import SkippingClock
from tests.presentation.backoffice.office import CAST
from tests.shop import a_card, a_method, a_payment, an_order

CHARGED_WITHOUT_ANSWER = "4100000000000027"


class ReviewDesk:
    """An office whose provider Alpha can be asked nothing, with a payment in review there."""

    def __init__(self, open_office, database_url, sandbox) -> None:
        self.office = open_office(
            database_url,
            sandbox_url=sandbox.base_url,
            methods=[a_method("alpha", capabilities=Capabilities(), timeout_s=0.3)],
            seams=Seams(clock=SkippingClock()),
        )
        self.people = {name: self.office.logged_in(name) for name in ("finn", "ada", "olga")}
        payment = a_payment(new_order=an_order(), instrument=a_card(CHARGED_WITHOUT_ANSWER))
        self.order_id = self.office.services.pay_order.execute(payment).order_id
        self.page = f"/admin/orders/{self.order_id}"
        self.office.let_go()
        self.checked = self.people["olga"].post(
            f"{self.page}/check",
            {"reason": "It waits"},
            token_from=f"{self.page}/check",
            follow_redirects=True,
        )
        self.transaction_id = self.order().transactions[0].id
        self.review = f"/admin/reviews/{self.transaction_id}"

    def order(self):
        return self.office.services.orders.by_id(self.order_id)

    def status(self):
        view = self.order()
        return view.order.status, view.transactions[0].status.value

    def post(self, name, step, form):
        return self.people[name].post(
            f"{self.review}/{step}", form, token_from=self.review, follow_redirects=True
        )

    def propose(self, name="finn", **form):
        typed = {"conclusion": "not_charged", "evidence": "Not on the statement of 24 November."}
        return self.post(name, "propose", typed | form)

    def decide(self, name, decision="approve", reason="Looked it up myself."):
        return self.post(name, "decide", {"decision": decision, "reason": reason})

    def approve(self, name, reason="Looked it up myself."):
        page = self.decide(name, reason=reason).text
        number = page.split('name="review" value="')[1].split('"')[0]
        return self.post(name, "approve", {"review": number, "reason": reason})

    def journal(self):
        with self.office.database.read() as connection:
            return [
                tuple(row)
                for row in connection.execute(
                    select(JournalRow.actor, JournalRow.action, JournalRow.reason).order_by(
                        JournalRow.id
                    )
                )
                if row[1].startswith("review")
            ]


@pytest.fixture
def desk(open_office, database_url, sandbox):
    return ReviewDesk(open_office, database_url, sandbox)


def test_the_queue_leads_to_each_payment_with_its_evidence(desk):
    finn = desk.people["finn"]

    attention = finn.get("/admin/attention/").text
    queue = finn.get("/admin/reviews/?state=open").text
    page = finn.get(desk.review).text

    assert "/admin/reviews/?state=open" in attention
    assert f'href="{desk.review}"' in queue
    assert "Nobody has proposed anything yet" in queue
    for shown in (
        desk.order_id,
        desk.transaction_id,
        "€19.99",
        "no answer in time",
        "olga@example.org checked the payment now. The provider offers no way to ask",
        "In review since",
        "Propose it",
    ):
        assert shown in page
    assert f'href="{desk.review}"' in finn.get(desk.page).text


def test_a_second_person_agrees_that_it_was_not_charged(desk):
    proposed = desk.propose()
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")
    asked = desk.decide("ada")
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")
    desk.approve("ada")

    assert "A second person has to decide" in proposed.text
    assert "This cannot be undone." in asked.text
    assert "pays twice" in asked.text
    assert desk.status() == (PaymentStatus.FAILED, "not_sent")
    assert desk.journal() == [
        ("finn@example.org", "review_proposed", "Not on the statement of 24 November."),
        ("ada@example.org", "review_approved", "Looked it up myself."),
    ]
    page = desk.people["finn"].get(desk.page).text
    assert "proposed “not charged”" in page
    assert "approved the proposal “not charged” of finn@example.org" in page
    assert "Looked it up myself." in page
    assert "This payment is settled" in desk.people["finn"].get(desk.review).text


def test_a_second_person_agrees_that_it_was_charged(desk):
    desk.propose(conclusion="charged", provider_reference="alpha_77")
    desk.approve("ada")

    assert desk.status() == (PaymentStatus.PAID, "approved")
    assert "alpha_77" in desk.people["finn"].get(desk.page).text


def test_nobody_decides_on_their_own_proposal(desk):
    desk.propose()

    page = desk.people["finn"].get(desk.review).text
    confirm = desk.decide("finn")
    number = confirm.text.split('name="review" value="')[1].split('"')[0]
    done = desk.post("finn", "approve", {"review": number, "reason": "Mine"})

    assert "your own proposal: somebody else has to decide" in page
    assert 'name="decision"' not in page
    assert "Somebody else has to decide on your own proposal." in done.text
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")


def test_a_rejection_says_why_and_makes_room_for_another_proposal(desk):
    desk.propose()
    rejected = desk.decide("ada", "reject", "That is the statement of another account.")
    desk.propose(evidence="The provider wrote so on 25 November.")

    page = desk.people["ada"].get(desk.review).text
    assert "You rejected the proposal" in rejected.text
    assert "That is the statement of another account." in page
    assert "The provider wrote so on 25 November." in page
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")


def test_what_is_no_proposal_is_said_and_changes_nothing(desk):
    for form, problem in (
        ({"conclusion": ""}, "Choose what happened."),
        ({"conclusion": "perhaps"}, "Choose what happened."),
        ({"evidence": "  "}, "Say what the conclusion rests on"),
        ({"evidence": "x" * 1001}, "at most 1000 characters"),
        ({"conclusion": "charged", "provider_reference": " "}, "own id of the charge"),
        ({"conclusion": "charged", "provider_reference": "x" * 121}, "at most 120 characters"),
    ):
        answer = desk.propose(**form)

        assert answer.status_code == 422, form
        assert problem in html.unescape(answer.text), form
    assert desk.journal() == []


def test_the_charge_of_another_order_is_no_evidence(desk):
    other = desk.office.services.pay_order.execute(a_payment(new_order=an_order())).order_id
    (charge,) = desk.office.services.orders.by_id(other).transactions
    with desk.office.database.read() as connection:
        reference = connection.exec_driver_sql(
            f"SELECT provider_reference FROM transactions WHERE public_id = '{charge.id}'"
        ).scalar()

    answer = desk.propose(conclusion="charged", provider_reference=reference)

    assert answer.status_code == 422
    assert f"is the charge of order {other} already" in answer.text


def test_a_decision_needs_a_choice_and_a_reason(desk):
    desk.propose()

    assert desk.decide("ada", "perhaps").status_code == 422
    assert "Say why" in desk.decide("ada", "approve", " ").text
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")


def test_a_decision_that_came_too_late_changes_nothing(desk):
    desk.propose()
    page = desk.decide("ada").text
    number = page.split('name="review" value="')[1].split('"')[0]
    desk.decide("ada", "reject", "Changed my mind")

    late = desk.post("ada", "approve", {"review": number, "reason": "Late"})

    assert "decided meanwhile. Nothing was changed." in late.text
    assert desk.status() == (PaymentStatus.PROCESSING, "unknown")


def test_only_finance_proposes(desk):
    for name in sorted(set(CAST) - {"finn"}):
        desk.people[name] = desk.office.logged_in(name)

        assert 'name="evidence"' not in desk.people[name].get(desk.review).text, name
        assert desk.propose(name).status_code == 403, name


def test_only_finance_and_admin_decide(desk):
    desk.propose()
    for name in ("olga", "vera", "ari"):
        desk.people[name] = desk.office.logged_in(name)

        assert 'name="decision"' not in desk.people[name].get(desk.review).text, name
        assert desk.decide(name).status_code == 403, name
        late = desk.post(name, "approve", {"review": "1", "reason": "x"})
        assert late.status_code == 403, name


def test_a_payment_that_is_not_in_review_has_no_review(desk):
    for odd in ("pa_nothing", "1", "%00", "x" * 500):
        assert desk.people["finn"].get(f"/admin/reviews/{odd}").status_code == 404, odd
