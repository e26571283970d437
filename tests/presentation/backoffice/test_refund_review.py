"""Finance settles a refund that nobody can prove: the pages, with two people at them."""

import pytest

from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from tests.presentation.backoffice.office import CAST, NOW, QUICK_HASHER
from tests.presentation.backoffice.test_refunds import FinanceDesk


@pytest.fixture
def desk(open_office, database_url, sandbox):
    desk = FinanceDesk(open_office, database_url, sandbox)
    StaffAccounts(desk.office.database, QUICK_HASHER).create(
        "fay@example.org", ["finance"], at=NOW, password="a long enough password"
    )
    return desk


@pytest.fixture
def stuck(desk, sandbox):
    """(order id, refund) that waits for two people."""
    order_id = desk.paid_order()
    sandbox.patch_profile("alpha", refund_faults={"error_500_before": 1})
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="Book"))
    sandbox.patch_profile("alpha", refund_faults=None)
    with desk.office.database.tx() as connection:
        connection.exec_driver_sql(
            "UPDATE refunds SET review_since = '2026-11-22 12:00:00', lease_until = requested_at"
        )
    (refund,) = desk.refunds(order_id)
    assert refund.status is RefundStatus.UNKNOWN
    return order_id, refund


def proposed(desk, page, who=None, **form):
    fields = {"conclusion": "not_given_back", "evidence": "Not in the statement."} | form
    return (who or desk.finn).post(page, fields, token_from=page, follow_redirects=True)


def decided(desk, page, name, decision="approve", reason="Checked it"):
    visitor = desk.office.logged_in(name)
    return visitor.post(
        f"{page}/1", {"decision": decision, "reason": reason}, token_from=page,
        follow_redirects=True,
    )  # fmt: skip


def test_one_proposes_and_another_one_settles(desk, stuck):
    order_id, refund = stuck
    page = f"/admin/refunds/{refund.id}/review"

    assert page in desk.finn.get("/admin/refunds/").text
    assert page in desk.finn.get(f"/admin/orders/{order_id}").text
    waiting = proposed(desk, page)
    own = decided(desk, page, "finn")
    settled = decided(desk, page, "fay")

    assert "Somebody else of finance has to agree" in waiting.text
    assert "Somebody else has to decide on your own proposal." in own.text
    assert "Agreed, and settled." in settled.text
    assert "Two people of the staff found that nothing was given back." in settled.text
    assert [r.status for r in desk.refunds(order_id)] == [RefundStatus.FAILED]


def test_rejected_nothing_changes(desk, stuck):
    order_id, refund = stuck
    page = f"/admin/refunds/{refund.id}/review"
    proposed(desk, page)

    assert "Rejected; nothing changed." in decided(desk, page, "fay", "reject").text
    assert [r.status for r in desk.refunds(order_id)] == [RefundStatus.UNKNOWN]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"conclusion": "perhaps"}, "Say what happened."),
        ({"evidence": " "}, "Say what the conclusion rests on"),
        ({"conclusion": "given_back"}, "Name the provider&#39;s own id of the refund."),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(desk, stuck, form, problem):
    _, refund = stuck
    page = f"/admin/refunds/{refund.id}/review"

    answer = proposed(desk, page, **{"evidence": "Typed with care", **form})

    assert answer.status_code == 422
    assert problem in answer.text
    assert form.get("evidence", "Typed with care") in answer.text


def test_a_settled_refund_offers_nothing_to_settle(desk):
    order_id = desk.paid_order()
    desk.confirmed(order_id, desk.typed(order_id, how_much="part", amount="5.00", reason="Book"))
    (refund,) = desk.refunds(order_id)

    page = desk.finn.get(f"/admin/refunds/{refund.id}/review")

    assert "This refund waits for nobody" in page.text
    assert "Propose" not in page.text


def test_nobody_but_finance_sees_it(desk, stuck):
    _, refund = stuck
    for name in set(CAST) - {"finn"}:
        other = desk.office.logged_in(name)
        assert other.get(f"/admin/refunds/{refund.id}/review").status_code == 403
    assert desk.finn.get("/admin/refunds/re_unknown/review").status_code == 404
