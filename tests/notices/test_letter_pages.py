"""E-mails and work queues in the back office of the real application, on both databases."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from payorch.application.jobs import ALERT_STAFF, NOTIFY_CUSTOMER
from payorch.domain.payment_status import TransactionStatus
from payorch.infrastructure.persistence.tables import (
    JobRow,
    JournalRow,
    OrderRow,
    SubmissionRow,
    TransactionRow,
    WebhookEventRow,
)
from tests.notices.conftest import MailingShop
from tests.presentation.backoffice.office import Office

COUNTED = re.compile(r'Waiting: </span>(\S+)</p>\s*<div>\s*<h2>(?:<a href="[^"]+">)?([^<]+)')


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


@pytest.fixture
def shop(database, sandbox, office):
    """Works on the database that the office shows."""
    return MailingShop(database, sandbox_url=sandbox.base_url, methods=[])


def resend_form(page):
    return {"key": re.search(r'name="key" value="([^"]+)"', page.text)[1], "reason": "lost it"}


def receipt_of(shop, **fields):
    """(order id, path of the receipt's page) of a new paid order."""
    order_id = shop.pay(**fields).order_id
    shop.drain_mail()
    return order_id, f"/admin/emails/{shop.notices()[-1]['public_id']}"


def test_the_list_finds_letters_by_order_address_and_state(shop, office):
    order_id, path = receipt_of(shop)
    viewer = office.logged_in("vera")

    for query in (
        f"search={order_id}",
        "search=ANA@example.com",
        "state=kept&kind=paid",
        "to=ana@example.com",
    ):
        assert path in viewer.get(f"/admin/emails/?{query}").text, query
    for query in ("search=po_nobody", "state=failed", "kind=alert"):
        assert path not in viewer.get(f"/admin/emails/?{query}").text, query


def test_a_letter_is_shown_as_text_and_in_a_frame_that_runs_nothing(shop, office):
    order = shop.order(description="<img src=x onerror=alert(1)>")
    _, path = receipt_of(shop, order_id=order.id)

    page = office.logged_in("vera").get(path).text

    assert 'sandbox srcdoc="&lt;!doctype html&gt;' in page
    assert "<img" not in page
    assert "{token}" in page
    assert shop.services.tokens.token_for(order.id) not in page
    assert "Mail is only kept here" in page


def test_finance_sends_a_receipt_again_once_per_wish_with_a_reason(shop, office):
    order_id, path = receipt_of(shop)
    finance = office.logged_in("finn")
    form = resend_form(finance.get(path))

    first = finance.post(f"{path}/resend", form, token_from=path)
    second = finance.post(f"{path}/resend", form, token_from=path)
    shop.drain_mail()

    assert first.status_code == 303
    assert first.location == second.location != path
    original, copy = shop.notices()
    assert (copy["recipient"], copy["body"]) == (original["recipient"], original["body"])
    assert copy["state"] == "kept"
    (entry,) = shop._rows(select(JournalRow.__table__).where(JournalRow.action == "notice.resend"))
    assert (entry["actor"], entry["reason"]) == ("finn@example.org", "lost it")
    assert entry["subject"] == f"order:{order_id}"
    assert len(shop.jobs(NOTIFY_CUSTOMER)) == 2


def test_nothing_is_sent_again_without_a_reason(shop, office):
    _, path = receipt_of(shop)
    finance = office.logged_in("finn")
    form = resend_form(finance.get(path)) | {"reason": " "}

    finance.post(f"{path}/resend", form, token_from=path)

    assert "Say why" in finance.get(path).text
    assert len(shop.notices()) == 1


@pytest.mark.parametrize("name", ["vera", "ada", "ari"])
def test_who_may_not_send_sees_no_button_and_is_refused(shop, office, name):
    _, path = receipt_of(shop)
    visitor = office.logged_in(name)

    assert "Send it again" not in visitor.get(path).text
    assert (
        visitor.post(f"{path}/resend", {"key": "k", "reason": "r"}, token_from=path).status_code
        == 403
    )
    assert len(shop.notices()) == 1


def test_an_alert_to_staff_cannot_be_sent_again(shop, office):
    shop.handle(ALERT_STAFF, {"alert": "late_approval", "transaction": "pa_1"})
    path = f"/admin/emails/{shop.notices()[0]['public_id']}"
    ops = office.logged_in("olga")

    assert "Send it again" not in ops.get(path).text
    assert (
        ops.post(f"{path}/resend", {"key": "k", "reason": "r"}, token_from=path).status_code == 404
    )


def test_the_orders_timeline_shows_its_letters_and_offers_the_last_receipt(shop, office):
    order_id, path = receipt_of(shop)

    page = office.logged_in("finn").get(f"/admin/orders/{order_id}").text

    assert f'<a href="{path}">Receipt</a>' in page
    assert page.count("Resend receipt") == 1
    assert f'href="{path}#resend"' in page
    assert "Resend receipt" not in office.logged_in("vera").get(f"/admin/orders/{order_id}").text


@pytest.mark.parametrize("path", ["/admin/emails/", "/admin/emails/no_x", "/admin/attention/"])
def test_strangers_see_nothing(office, path):
    answer = office.visitor().get(path)

    assert answer.status_code == 302
    assert "/admin/login" in answer.location


@pytest.mark.parametrize("letter", ["no_such", "1", "%00", "x" * 80])
def test_a_letter_that_is_not_there_is_not_found(office, letter):
    assert office.logged_in("vera").get(f"/admin/emails/{letter}").status_code == 404


def test_a_quiet_shop_says_that_nothing_waits(shop, office):
    shop.pay()

    page = office.logged_in("vera").get("/admin/attention/").text

    assert "Nothing waits for a person." in page
    assert "menu-count" not in page


def test_each_queue_is_counted_and_leads_to_its_rows(shop, office):
    at = shop.services.clock.now()
    confirming = an_unknown_payment(shop)
    review = an_unknown_payment(shop, review_since=at)
    an_unknown_payment(shop, started_at=at)
    flagged = shop.pay().order_id
    shop.run(update(OrderRow).where(OrderRow.public_id == flagged).values(flag="late_approval"))
    shop.run(insert(WebhookEventRow), **an_orphan(at))
    shop.run(insert(JobRow), **a_dead_job(at))
    viewer = office.logged_in("olga")

    page = viewer.get("/admin/attention/").text

    counted = {title: count for count, title in COUNTED.findall(page)}
    assert counted == {
        "Payments to review": "1",
        "Confirming for over 15 minutes": "1",
        "Flagged orders": "1",
        "Providers that payorch has switched off": "0",
        "Orphan money": "1",
        "Refunds that failed": "0",
        "Refunds to approve": "0",
        "Refunds nobody can prove": "0",
        "Settlement differences": "0",
        "Dead background jobs": "1",
    }
    assert re.search(r'attention/"[^>]*>[^<]*(<span[^>]*>)+waiting: </span>5</span>', page)
    # Who may not see the jobs is not sent to them either.
    assert "Dead background jobs" not in office.logged_in("vera").get("/admin/attention/").text
    assert review in viewer.get("/admin/transactions/?waits=review").text
    assert review in viewer.get("/admin/reviews/?state=open").text
    assert confirming not in viewer.get("/admin/reviews/?state=open").text
    listed = viewer.get("/admin/transactions/?waits=confirming").text
    assert confirming in listed
    assert review not in listed


def an_unknown_payment(shop, **fields):
    order_id = shop.pay().order_id
    transaction = shop.view(order_id).transactions[0].id
    values = {"started_at": shop.services.clock.now() - timedelta(minutes=20)} | fields
    shop.run(
        update(OrderRow)
        .where(OrderRow.public_id == order_id)
        .values(status="processing", paid_transaction_id=None)
    )
    of_order = select(OrderRow.id).where(OrderRow.public_id == order_id).scalar_subquery()
    shop.run(
        update(SubmissionRow)
        .where(SubmissionRow.order_id == of_order)
        .values(result=None, finished_at=None)
    )
    shop.run(
        update(TransactionRow)
        .where(TransactionRow.public_id == transaction)
        .values(status=TransactionStatus.UNKNOWN, **values)
    )
    return transaction


def an_orphan(at):
    return {
        "provider_code": "alpha",
        "event_id": "evt_1",
        "event_type": "payment.approved",
        "source": "webhook",
        "subject": "payment",
        "body": {},
        "state": "alerted",
        "received_at": at,
    }


def a_dead_job(at):
    return {
        "queue": "mail",
        "kind": "notify_customer",
        "payload": {},
        "state": "dead",
        "run_at": at,
        "max_attempts": 1,
        "created_at": at,
    }
