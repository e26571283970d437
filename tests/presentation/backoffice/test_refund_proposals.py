"""Large refunds at the desk: one of finance proposes, another one decides."""

import pytest

from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from tests.presentation.backoffice.office import CAST, NOW, QUICK_HASHER
from tests.presentation.backoffice.test_refunds import FinanceDesk

PAGE = "/admin/refund-proposals/1"


@pytest.fixture
def desk(open_office, database_url, sandbox):
    desk = FinanceDesk(open_office, database_url, sandbox, refund_second_person_above="EUR:1000")
    StaffAccounts(desk.office.database, QUICK_HASHER).create(
        "fay@example.org", ["finance"], at=NOW, password="a long enough password"
    )
    return desk


@pytest.fixture
def order_id(desk):
    return desk.paid_order()


def proposed(desk, order_id, **form):
    confirm = desk.typed(order_id, **({"how_much": "full", "reason": "Came back"} | form))
    return confirm, desk.confirmed(order_id, confirm)


def decided(desk, who, decision="approve", reason="Checked it"):
    visitor = desk.office.logged_in(who)
    form = {"decision": decision, "reason": reason}
    return visitor.post(f"{PAGE}/decide", form, token_from=PAGE, follow_redirects=True)


def test_above_the_limit_it_is_proposed_and_another_one_of_finance_sends_it(desk, order_id):
    confirm, own = proposed(desk, order_id)
    queue = desk.office.logged_in("fay").get("/admin/refund-proposals/?state=open").text
    attention = desk.office.logged_in("fay").get("/admin/attention/").text
    others = desk.office.logged_in("fay").get(f"/admin/orders/{order_id}").text
    done = decided(desk, "fay")

    assert "more than one person may give back" in confirm.text
    assert "Propose to give €19.99 back" in confirm.text
    assert "Nothing goes back before somebody else of finance has agreed." in own.text
    assert "It waits for somebody else of finance" in own.text
    assert "Look at it or withdraw it" in own.text
    assert PAGE in queue
    assert "Refunds to approve" in attention
    assert "Approve or reject" in others
    assert "€19.99 was given back." in done.text
    assert "agreed to a void of €19.99" in done.text
    assert "Approve or reject" not in done.text
    (refund,) = desk.refunds(order_id)
    assert (refund.status, refund.requested_by) == (RefundStatus.SUCCEEDED, "finn@example.org")


def test_up_to_the_limit_it_is_given_back_at_once(desk, order_id):
    confirm, done = proposed(desk, order_id, how_much="part", amount="10.00")

    assert "Propose" not in confirm.text
    assert "€10.00 was given back." in done.text


def test_nobody_agrees_with_themselves(desk, order_id):
    proposed(desk, order_id)

    own = decided(desk, "finn")

    assert own.status_code == 422
    assert "Somebody else has to decide on your own proposal. Nothing was done." in own.text
    assert desk.refunds(order_id) == ()


def test_rejected_nothing_goes_back_and_the_page_says_why(desk, order_id):
    proposed(desk, order_id)

    done = decided(desk, "fay", "reject", "Wrong order")

    assert "You rejected the refund. Nothing goes back." in done.text
    assert "rejected a void of €19.99" in done.text
    page = desk.finn.get(PAGE).text
    assert "Wrong order" in page
    assert "fay@example.org" in page
    assert desk.refunds(order_id) == ()


def test_who_proposed_it_withdraws_it(desk, order_id):
    proposed(desk, order_id)

    done = desk.finn.post(
        f"{PAGE}/withdraw", {"reason": "Wrong sum"}, token_from=PAGE, follow_redirects=True
    )

    assert "You have withdrawn the refund." in done.text
    assert "Withdrawn" in desk.finn.get("/admin/refund-proposals/?state=over").text


@pytest.mark.parametrize(
    ("decision", "reason", "problem"),
    [("perhaps", "x", "Choose whether you agree."), ("approve", " ", "Say why")],
)
def test_what_is_missing_is_said_before_anything_happens(desk, order_id, decision, reason, problem):
    proposed(desk, order_id)

    answer = decided(desk, "fay", decision, reason)

    assert answer.status_code == 422
    assert problem in answer.text
    assert desk.refunds(order_id) == ()


def test_who_may_not_refund_looks_and_decides_nothing(desk, order_id):
    proposed(desk, order_id)

    for name in set(CAST) - {"finn"}:
        visitor = desk.office.logged_in(name)
        page = visitor.get(PAGE)
        assert page.status_code == 200
        assert "It waits for somebody else of finance." in page.text
        assert "<form" not in page.text.split("<main", 1)[1] or "/decide" not in page.text
        for what in ("decide", "withdraw"):
            refused = visitor.post(f"{PAGE}/{what}", {"reason": "x"}, token_from="/admin/account/")
            assert refused.status_code == 403
    assert desk.finn.get("/admin/refund-proposals/99").status_code == 404
