from datetime import timedelta

import pytest

from tests.presentation.backoffice.payments_site import START, a_journal_entry, store


@pytest.fixture(autouse=True)
def some_entries(payments):
    store(
        payments,
        a_journal_entry(),
        a_journal_entry(
            created_at=START + timedelta(minutes=1),
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
