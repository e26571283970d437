"""What customers are written, once, on both databases, by a real mail server."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from payorch.application.jobs import NOTIFY_CUSTOMER, GiveUp, NewJob, RetryLater
from payorch.domain.payment_order import Customer
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.infrastructure.persistence.tables import OrderRow, RefundRow, TransactionRow
from tests.journalled import journal_refund
from tests.mail_server import mail_server
from tests.shop import a_card, an_order

DECLINED = "4000000000000515"


def texts_of(message):
    return (
        message.get_body(("plain",)).get_content(),
        message.get_body(("html",)).get_content(),
    )


def add_refund(shop, order_id, amount_minor, *, number=1, **fields):
    """A refund row as the refund flow leaves it behind."""
    with shop.database.tx() as connection:
        order_key, transaction_key, charge = connection.execute(
            select(OrderRow.id, TransactionRow.id, TransactionRow.provider_reference)
            .join(TransactionRow, TransactionRow.order_id == OrderRow.id)
            .where(OrderRow.public_id == order_id)
        ).one()
        at = shop.services.clock.now()
        connection.execute(
            insert(RefundRow).values(
                {
                    "public_id": f"re_{number}",
                    "order_id": order_key,
                    "transaction_id": transaction_key,
                    "kind": RefundKind.REFUND,
                    "is_guard": False,
                    "provider_code": "alpha",
                    "payment_reference": charge,
                    "amount_minor": amount_minor,
                    "currency": "EUR",
                    "status": RefundStatus.SUCCEEDED,
                    "version": 1,
                    "token": 1,
                    "lease_until": at,
                    "reason": "came back",
                    "requested_by": "finn@example.org",
                    "requested_at": at,
                    "changed_at": at,
                    "checks": 0,
                }
                | fields
            )
        )
        journal_refund(connection, f"re_{number}")
    return f"re_{number}"


def test_a_paid_order_sends_its_receipt_by_itself(shop, server):
    order_id = shop.pay().order_id

    shop.drain_mail()

    ((sender, recipients, message),) = server.mails
    text, html = texts_of(message)
    assert sender == "shop@example.com"
    assert recipients == ["ana@example.com"]
    assert message["To"] == "ana@example.com"
    assert message["From"] == "Ana's Books <shop@example.com>"
    assert message["Subject"] == "Your receipt from Ana's Books: €19.99"
    for shown in (
        "€19.99",
        "Two books",
        "Visa •••• 4242",
        "November 22, 2026, 12:00 UTC",
        order_id,
    ):
        assert shown in text
        assert shown in html
    link = f"http://localhost:4321/orders/{shop.services.tokens.token_for(order_id)}?lang=en"
    assert link in text
    assert f'href="{link}"' in html
    assert "Ana Diaz" not in text + html
    (notice,) = shop.notices()
    assert (notice["state"], notice["sent_at"]) == ("sent", shop.services.clock.now())


def test_the_database_holds_no_token_of_an_order(shop):
    order_id = shop.pay().order_id
    shop.drain_mail()

    (notice,) = shop.notices()

    assert shop.services.tokens.token_for(order_id) not in str(dict(notice))


def test_the_letter_is_in_the_language_the_customer_paid_in(shop, server):
    shop.pay(language="es")

    shop.drain_mail()

    ((_, _, message),) = server.mails
    assert message["Subject"].replace("\xa0", " ") == "Tu recibo de Ana's Books: 19,99 €"
    assert "22 de noviembre de 2026" in texts_of(message)[0]


def test_the_language_of_the_shop_is_taken_when_the_customers_is_not_known(shop_with):
    shop = shop_with(default_language="es")
    shop.pay()

    shop.drain_mail()

    assert shop.notices()[0]["subject"].startswith("Tu recibo")


def test_a_job_that_runs_twice_writes_and_sends_once(shop, server):
    order_id = shop.pay().order_id
    shop.drain_mail()

    payload = {"order": order_id, "event": "paid", "transaction": shop.view(order_id).paid_by.id}
    shop.handle(NOTIFY_CUSTOMER, payload)
    shop.handle(NOTIFY_CUSTOMER, payload)

    assert len(shop.notices()) == len(server.mails) == 1


def test_a_refused_connection_is_tried_again_and_the_letter_goes_out_then(shop_with, clock):
    with mail_server() as server:
        port = server.port
    shop = shop_with(
        mail_backend="smtp",
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_starttls=False,
        mail_from="shop@example.com",
    )
    shop.pay()
    shop.drain_mail()
    (notice,) = shop.notices()
    assert notice["state"] == "queued"
    assert "refused" in notice["error"]

    clock.advance(minutes=2)
    with mail_server(port) as server:
        shop.drain_mail()

    (notice,) = shop.notices()
    assert (notice["state"], notice["error"]) == ("sent", None)
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("RCPT", "450 mailbox busy"),
        ("MAIL", "550 who are you"),
        ("DATA", "554 no"),
        ("BODY", "552 too large"),
        ("BODY", "421 going down"),
        ("EHLO", "421 going down"),
    ],
)
def test_whatever_else_the_server_says_is_tried_again(shop, server, verb, answer):
    server.answers[verb] = answer
    order_id = shop.pay().order_id

    with pytest.raises(RetryLater):
        shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "paid"})

    (notice,) = shop.notices()
    assert notice["state"] == "queued"
    assert notice["error"]
    server.answers.clear()
    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "paid"})
    assert [n["state"] for n in shop.notices()] == ["sent"]


def test_a_recipient_who_is_refused_for_good_is_failed_and_not_tried_again(shop, server):
    server.answers["RCPT"] = "550 no such\x1b mailbox"
    order_id = shop.pay().order_id

    shop.drain_mail()

    (notice,) = shop.notices()
    assert notice["state"] == "failed"
    assert notice["error"] == "The mail server said 550 no such  mailbox"
    server.answers.clear()
    shop.handle(
        NOTIFY_CUSTOMER,
        {"order": order_id, "event": "paid", "transaction": shop.view(order_id).paid_by.id},
    )
    assert server.mails == []


def test_a_mail_that_is_sent_again_after_a_crash_has_the_same_message_id(shop, server):
    order_id = shop.pay().order_id
    shop.drain_mail()
    # As if the process had died after the server's yes and before the note of it.
    shop.run(update(_notices()).values(state="queued", sent_at=None))

    payload = {"order": order_id, "event": "paid", "transaction": shop.view(order_id).paid_by.id}
    shop.handle(NOTIFY_CUSTOMER, payload)

    first, second = (message["Message-ID"] for _, _, message in server.mails)
    assert first == second == f"<{shop.notices()[0]['public_id']}@example.com>"


def test_an_order_without_an_address_gets_no_letter(shop, server):
    order = shop.order(customer=None)

    shop.pay(order.id)
    shop.drain_mail()

    assert shop.notices() == []
    assert server.mails == []


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.com\nBcc: all@example.com",
        "ana@example.com, bob@example.com",
        "Ana <ana@example.com>",
        "ana@example.com\r\n\r\nSpam",
        "@example.com",
        "ana",
    ],
)
def test_an_address_can_add_neither_headers_nor_recipients(shop, server, address):
    order = shop.order(customer=Customer(name="Ana", email=address))
    shop.pay(order.id, customer=None)

    shop.drain_mail()

    assert server.mails == []
    assert [n["state"] for n in shop.notices()] == ["failed"]


def test_texts_of_customers_cannot_break_out_of_a_letter(shop, server):
    nasty = '<script>alert(1)</script>\r\nBcc: all@example.com {{7*7}} "on\u202emouse'
    order = shop.order(description=nasty)
    shop.pay(order.id)

    shop.drain_mail()

    ((_, recipients, message),) = server.mails
    text, html = texts_of(message)
    assert recipients == ["ana@example.com"]
    assert message["Bcc"] is None
    assert "script" not in message["Subject"]
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Bcc: all@example.com {{7*7}} &#34;onmouse" in html
    line = 'For: <script>alert(1)</script> Bcc: all@example.com {{7*7}} "onmouse'
    assert line in text.splitlines()


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [(1999, "JPY", "¥1,999"), (1999, "BHD", "BHD1.999"), (1999, "IQD", "IQD1.999")],
)
def test_amounts_have_the_decimals_of_their_currency(shop_with, amount_minor, currency, shown):
    shop = shop_with()
    shop.pay(new_order=an_order(amount_minor, currency))

    shop.drain_mail()

    (notice,) = shop.notices()
    assert f"Amount: {shown}\n" in notice["body"]


def test_an_order_that_is_not_paid_gets_no_receipt(shop):
    order_id = shop.pay(instrument=a_card(DECLINED)).order_id

    with pytest.raises(GiveUp, match="not paid"):
        shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "paid"})

    assert shop.notices() == []


def test_not_charged_after_confirming_is_told_with_the_way_to_pay_again(shop, server, clock):
    order_id = shop.pay(instrument=a_card(DECLINED)).order_id

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "settled_not_charged"})

    ((_, _, message),) = server.mails
    assert "you were not charged" in texts_of(message)[0]
    assert "try again" in texts_of(message)[0]


def test_of_an_order_with_a_flag_nobody_says_that_it_was_not_charged(shop, server):
    order_id = shop.pay(instrument=a_card(DECLINED)).order_id
    shop.run(update(OrderRow).values(flag="surplus_charge"))

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "settled_not_charged"})

    ((_, _, message),) = server.mails
    text = texts_of(message)[0]
    assert "not charged" not in text
    assert "it is given back to you" in " ".join(text.split())


def test_not_charged_offers_no_payment_of_an_expired_order(shop, server, clock):
    order_id = shop.pay(instrument=a_card(DECLINED)).order_id
    clock.advance(days=2)

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "settled_not_charged"})

    ((_, _, message),) = server.mails
    assert "try again" not in texts_of(message)[0]


def test_not_charged_is_not_told_once_the_order_is_paid(shop, server):
    order_id = shop.pay().order_id

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "settled_not_charged"})

    assert server.mails == []


def test_a_late_confirmation_says_that_there_was_one_charge(shop, server):
    order_id = shop.pay().order_id

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "settled_paid"})

    ((_, _, message),) = server.mails
    assert "you were charged once" in texts_of(message)[0]


def test_a_refund_tells_its_amount_and_what_is_left(shop, server):
    order_id = shop.pay().order_id
    add_refund(shop, order_id, 500, number=1)
    refund = add_refund(shop, order_id, 400, number=2)
    # Open and failed ones have given nothing back.
    add_refund(shop, order_id, 100, number=3, status=RefundStatus.PENDING)
    add_refund(shop, order_id, 50, number=4, status=RefundStatus.FAILED)

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "refunded", "refund": refund})

    ((_, _, message),) = server.mails
    text = texts_of(message)[0]
    assert message["Subject"] == "Your refund from Ana's Books: €4.00"
    assert "Refunded now: €4.00" in text
    assert "Refunded in all: €9.00" in text
    assert "Still paid: €10.99" in text


@pytest.mark.breaks_the_books
def test_a_surplus_charge_that_was_given_back_is_told_as_such(shop, server):
    order_id = shop.pay().order_id
    refund = add_refund(shop, order_id, 1999, is_guard=True)

    shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "refunded", "refund": refund})

    ((_, _, message),) = server.mails
    assert "€19.99 too much" in texts_of(message)[0]
    assert "Still paid" not in texts_of(message)[0]


def test_a_refund_is_not_told_before_it_succeeded(shop, server):
    order_id = shop.pay().order_id
    refund = add_refund(shop, order_id, 500, status=RefundStatus.UNKNOWN)
    failed = add_refund(shop, order_id, 500, number=2, status=RefundStatus.FAILED)

    with pytest.raises(RetryLater):
        shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "refunded", "refund": refund})
    with pytest.raises(GiveUp):
        shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "refunded", "refund": failed})

    assert server.mails == []


def test_each_refund_has_a_letter_of_its_own(shop, server):
    order_id = shop.pay().order_id
    for number in (1, 2):
        refund = add_refund(shop, order_id, 500, number=number)
        shop.tell("refunded", order_id, refund=refund)
        shop.tell("refunded", order_id, refund=refund)

    shop.drain_mail()

    assert [m["Subject"].split()[1] for _, _, m in server.mails] == ["receipt", "refund", "refund"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"order": "po_nobody", "event": "paid"},
        {"order": "po_nobody", "event": "birthday"},
        {"order": 7, "event": "paid"},
        {"notice": "no_such"},
        {"notice": None},
    ],
)
def test_a_job_that_makes_no_sense_is_given_up(shop, payload):
    with pytest.raises(GiveUp):
        shop.handle(NOTIFY_CUSTOMER, payload)


def test_another_orders_refund_is_not_told(shop):
    other, order_id = shop.pay().order_id, shop.pay().order_id
    refund = add_refund(shop, other, 500)

    with pytest.raises(GiveUp):
        shop.handle(NOTIFY_CUSTOMER, {"order": order_id, "event": "refunded", "refund": refund})


def test_without_a_mail_server_letters_are_kept_and_said_to_be(shop_with):
    shop = shop_with()
    shop.pay()

    shop.drain_mail()

    (notice,) = shop.notices()
    assert (notice["state"], notice["sent_at"]) == ("kept", None)


def test_letters_can_go_to_a_folder(shop_with, tmp_path):
    shop = shop_with(mail_backend="file", mail_folder=str(tmp_path / "mail"))
    order_id = shop.pay().order_id

    shop.drain_mail()

    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == f"{shop.notices()[0]['public_id']}.eml"
    assert shop.services.tokens.token_for(order_id).encode() in file.read_bytes().replace(
        b"=\r\n", b""
    ).replace(b"=3D", b"=")
    assert shop.notices()[0]["state"] == "sent"


def test_a_dead_letter_job_stays_visible_with_its_error(shop, server, clock):
    server.answers["RCPT"] = "450 busy"
    shop.pay()

    for _ in range(NOTIFY_CUSTOMER.max_attempts):
        shop.drain_mail()
        clock.advance(seconds=timedelta(days=1).total_seconds())

    (job,) = shop.jobs(NOTIFY_CUSTOMER)
    assert job["state"] == "dead"
    assert "450 busy" in shop.notices()[0]["error"]


def test_a_letter_that_was_written_is_sent_by_its_id(shop, server):
    shop.pay()
    shop.drain_mail()
    (notice,) = shop.notices()
    again = shop.services.resend_notice.execute(
        notice["public_id"], key="k", actor="finn@example.org", reason="lost it"
    )
    shop.enqueue(NewJob(NOTIFY_CUSTOMER, {"notice": again.id}))

    shop.drain_mail()

    assert len(server.mails) == 2


def _notices():
    from payorch.infrastructure.persistence.tables import NoticeRow

    return NoticeRow


def test_a_cancelled_order_is_told_once(shop, server):
    order = shop.order()
    for _ in range(2):
        shop.services.end_order.cancel(order.id, actor="finn@example.org", reason="Sold out")

    shop.drain_mail()

    ((_, recipients, message),) = server.mails
    text, html = texts_of(message)
    assert recipients == ["ana@example.com"]
    assert message["Subject"] == "Ana's Books has cancelled your order"
    assert "It can no longer be paid" in text
    assert order.id in html
    assert "Sold out" not in text + html
