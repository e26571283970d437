from datetime import timedelta

import pytest

from tests.presentation.backoffice.payments_site import (
    START,
    Payment,
    T,
    a_journal_entry,
    providers,
    store,
)


@pytest.fixture(autouse=True)
def some_entries(payments):
    store(
        payments,
        a_journal_entry(),
        a_journal_entry(
            at=START + timedelta(minutes=1),
            actor="system",
            action="payment_method.disable",
            subject="payment_method:alpha",
            reason="<b>refused</b>",
            before=None,
            after={"is_enabled": False},
        ),
    )


def test_entries_show_who_what_why_and_both_states(read):
    page = read("/admin/journal/").text

    for shown in ("olga@example.com", "routing_policy.publish", "Alpha is slow", "Before", "After"):
        assert shown in page
    assert "&lt;b&gt;refused" in page
    assert "&#34;is_enabled&#34;: false" in page


def test_what_was_changed_leads_to_its_entries(read):
    page = read("/admin/journal/", subject="payment_method:alpha").text

    assert "1 found" in page
    assert "routing_policy.publish" not in page


def test_journal_is_closed_to_people_without_the_permission(read):
    assert read("/admin/journal/", staff="finn").status_code == 403


def test_entries_are_told_in_plain_words_and_lead_to_what_was_changed(payments, read):
    store(
        payments,
        *providers(),
        a_journal_entry(
            action="disable_payment_method",
            subject="payment_method:alpha",
            before={"is_enabled": True},
            after={"is_enabled": False},
        ),
        a_journal_entry(
            action="refund_requested",
            subject="order:po_0001",
            after={"kind": "void", "amount_minor": 500, "currency": "EUR"},
        ),
        a_journal_entry(action="something_of_another_release", subject="payment_method:beta"),
    )
    page = read("/admin/journal/").text

    assert "disabled Alpha Pay" in page
    assert "asked for a void of €5.00" in page
    assert 'href="/admin/orders/po_0001"' in page
    assert "something of another release" in page


@pytest.mark.breaks_the_books
def test_whoever_may_read_a_thing_reads_its_entries(payments, read):
    Payment(1).submitted().tried("alpha", T.DECLINED).save(payments)
    store(
        payments,
        a_journal_entry(action="order_note_added", subject="order:po_0001", reason="She called"),
        a_journal_entry(
            action="transaction_checked",
            subject="transaction:pa_0001_1",
            reason="She waits",
            after={"resolution": "still_open", "asked": "find", "answer": "Unknown"},
        ),
    )

    page = read("/admin/entries/order/po_0001", staff="finn").text

    assert "wrote a note" in page
    assert "checked the payment now" in page
    assert "She waits" in page
    assert "Alpha is slow" not in page
    assert read("/admin/entries/payment_method/alpha", staff="finn").status_code == 403
    assert read("/admin/entries/order/po_0001", staff="nobody").status_code == 403


@pytest.mark.parametrize("odd", ["staff/olga", "routing_policy/x", "order", "order/%00"])
def test_other_entries_are_for_readers_of_the_journal_only(read, odd):
    assert read(f"/admin/entries/{odd}").status_code == 404
