"""A customer is forgotten: on request and after the time that the settings give."""

from functools import partial

import pytest
from sqlalchemy import select, update

from payorch.domain.errors import (
    NoticeNotFound,
    OrderNotErasable,
    OrderNotFound,
    ReasonRequired,
)
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.jobs.drain import drain
from payorch.infrastructure.persistence.tables import JournalRow, NoticeRow, OrderRow
from tests.concurrency.racing import race
from tests.personal_data.conftest import CANARY, TRACES
from tests.refunds.refund_shop import a_refund
from tests.shop import a_customer, an_order

WHO = {"actor": "finn@example.com", "reason": "Asked for it by letter."}


def erase(shop, order_id):
    shop.services.erase_customer.of_order(OrderId(order_id), **WHO)


def journalled(shop):
    with shop.database.read() as connection:
        return connection.execute(
            select(JournalRow.actor, JournalRow.subject).where(
                JournalRow.action == "customer_erased"
            )
        ).all()


def test_an_erased_customer_is_gone_and_the_books_are_whole(shop):
    order_id = shop.paid()
    sealed_before = shop.dump()

    erase(shop, order_id)

    view = shop.view(order_id)
    assert view.order.customer is None
    assert (view.order.money.amount_minor, view.paid_by.provider_code) == (1999, "alpha")
    with shop.database.read() as connection:
        order = connection.execute(select(OrderRow.__table__)).mappings().one()
        letter = connection.execute(select(NoticeRow.__table__)).mappings().one()
    assert order["customer_sealed"] is order["customer_email_index"] is None
    assert (letter["sealed"], letter["recipient_index"], letter["body"]) == (None, None, "")
    assert order["erased_by"] == "finn@example.com"
    assert sealed_before != shop.dump()
    assert [tuple(entry) for entry in journalled(shop)] == [
        ("finn@example.com", f"order:{order_id}")
    ]
    assert shop.wired.verify.execute(since=None, limit=100).errors == ()
    assert not shop.services.erase_customer._book.of_email(CANARY["email"])


def test_erasing_again_changes_nothing(shop):
    order_id = shop.paid()
    erase(shop, order_id)

    erase(shop, order_id)

    assert len(journalled(shop)) == 1


def test_rows_in_the_clear_are_erased_too(shop):
    order_id = shop.paid()
    shop.put_in_clear(order_id)

    erase(shop, order_id)

    assert not [trace for trace in TRACES if trace in shop.dump()]


def test_an_order_that_can_still_be_paid_is_refused(shop):
    order = shop.order(customer=a_customer(**CANARY))

    with pytest.raises(OrderNotErasable, match="can still be paid"):
        erase(shop, order.id)
    assert shop.view(order.id).order.customer is not None


def test_an_order_whose_flag_waits_is_refused(shop):
    order_id = shop.paid()
    shop.run(update(OrderRow).values(flag="surplus_charge"))

    with pytest.raises(OrderNotErasable, match="flag"):
        erase(shop, order_id)


def test_an_order_with_an_open_refund_is_refused(shop):
    order_id = shop.paid()
    shop.services.refund_payment.execute(a_refund(order_id, 500))

    def why_not():
        return shop.services.erase_customer.why_not(OrderId(order_id))

    assert why_not() in {"A refund of it is open.", None}
    drain(shop.wired.background)
    assert why_not() is None


def test_no_reason_and_no_order_are_refused(shop):
    with pytest.raises(ReasonRequired):
        shop.services.erase_customer.of_order(OrderId("po_x"), actor="finn", reason=" ")
    with pytest.raises(OrderNotFound):
        erase(shop, "po_nobody")


def test_all_finished_orders_of_an_address_are_erased_and_others_are_named(shop):
    finished = [shop.paid(), shop.paid()]
    stranger = shop.paid(email="other@example.com")
    open_order = shop.order(customer=a_customer(**CANARY)).id

    erasure = shop.services.erase_customer.of_email(CANARY["email"].upper(), **WHO)

    assert sorted(erasure.erased) == sorted(finished)
    assert [(one.id, one.why_not) for one in erasure.refused] == [
        (open_order, "It can still be paid, or is being paid.")
    ]
    assert shop.view(stranger).order.customer is not None


def test_a_refund_after_the_erasure_writes_to_nobody(shop):
    order_id = shop.paid()
    erase(shop, order_id)

    shop.services.refund_payment.execute(a_refund(order_id, 500))
    drain(shop.wired.background)

    assert shop.view(order_id).refunded_minor == 500
    assert len(shop.notices()) == 1


def test_orders_older_than_the_setting_are_erased_by_the_job(shop_with, clock):
    shop = shop_with(keep_personal_data_days=30)
    old = shop.paid()
    waiting = shop.order(customer=a_customer(**CANARY)).id
    clock.advance(days=20)
    young = shop.paid()
    clock.advance(days=11)

    shop.wired.handlers["erase_old_customers"](None)

    assert shop.view(old).order.customer is None
    assert shop.view(young).order.customer is not None
    # It could still be paid: closing it is another job's work.
    assert shop.view(waiting).order.customer is not None
    assert [entry.actor for entry in journalled(shop)] == ["system"]


def test_without_the_setting_nothing_is_erased(shop, clock):
    order_id = shop.paid()
    clock.advance(days=4000)

    shop.wired.handlers["erase_old_customers"](None)

    assert shop.view(order_id).order.customer is not None


def erased_meanwhile(shop, order_id):
    """The customer is erased when a letter was composed, and before it is stored."""
    data = shop.wired.personal_data
    compose = data.letter_values

    def letter_values(*args):
        data.letter_values = compose
        values = compose(*args)
        erase(shop, order_id)
        return values

    data.letter_values = letter_values


def letters_with_content(shop):
    with shop.database.read() as connection:
        return connection.scalars(select(NoticeRow.id).where(NoticeRow.sealed.is_not(None))).all()


def test_a_receipt_that_was_being_written_is_not_stored_after_the_erasure(shop):
    bought = an_order(customer=a_customer(**CANARY))
    order_id = shop.pay(new_order=bought).order_id
    erased_meanwhile(shop, order_id)

    shop.drain_mail()

    assert letters_with_content(shop) == []
    assert shop.view(order_id).order.customer is None


def test_a_letter_is_not_copied_after_the_erasure(shop):
    order_id = shop.paid()
    with shop.database.read() as connection:
        letter = connection.scalar(select(NoticeRow.public_id))
    erased_meanwhile(shop, order_id)

    with pytest.raises(NoticeNotFound):
        shop.services.resend_notice.execute(letter, key="a key of a form", **WHO)

    assert letters_with_content(shop) == []
    with pytest.raises(NoticeNotFound):
        shop.services.resend_notice.execute(letter, key="another key", **WHO)


def test_erasing_and_copying_at_once_leaves_nothing(shop):
    for number in range(6):
        order_id = shop.paid(email=f"customer{number}@example.com")
        with shop.database.read() as connection:
            letter = connection.scalar(
                select(NoticeRow.public_id).order_by(NoticeRow.id.desc()).limit(1)
            )

        race(
            partial(erase, shop, order_id),
            partial(shop.services.resend_notice.execute, letter, key="a key", **WHO),
        )

        assert letters_with_content(shop) == []
