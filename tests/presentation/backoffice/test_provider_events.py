"""The list of provider events, the page of one, and the queue of money without an order."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from payorch.application.provider_events import EventState
from payorch.infrastructure.persistence.tables import JournalRow, WebhookEventRow

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = EventState


def store_event(office, number, **fields):
    at = START + timedelta(minutes=number)
    defaults = {
        "provider_code": "alpha",
        "event_id": f"evt_{number}",
        "event_type": "payment.approved",
        "source": "webhook",
        "subject": "payment",
        "provider_reference": f"alpha_pay_{number}",
        "our_reference": f"pa_{number}",
        "body": {"status": "<b>approved</b>"},
        "state": S.APPLIED,
        "received_at": at,
    }
    with office.database.tx() as connection:
        statement = insert(WebhookEventRow).values(**(defaults | fields))
        return connection.execute(statement.returning(WebhookEventRow.id)).scalar_one()


def conclusions(connection):
    journal = JournalRow.__table__
    statement = select(journal).where(journal.c.action == "provider_event.conclude")
    return list(connection.execute(statement))


def test_the_list_shows_what_came_and_what_became_of_it(office):
    store_event(office, 1, note="The provider was asked: settled.")
    store_event(office, 2, state=S.ORPHAN, event_type="refund.failed")

    page = office.logged_in("vera").get("/admin/provider-events/").text

    assert page.index("evt_2") < page.index("evt_1")
    assert "The provider was asked: settled." in page
    assert "No match yet" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "orphaned"}, {"evt_2", "evt_3"}),
        ({"state": "received"}, {"evt_4"}),
        ({"provider": "beta"}, {"evt_3"}),
        ({"our_reference": "pa_1"}, {"evt_1"}),
        ({"provider_reference": "alpha_pay_4"}, {"evt_4"}),
        ({"search": "evt_2"}, {"evt_2"}),
        ({"search": "pa_3"}, {"evt_3"}),
        ({"since": "2026-03-01T12:03"}, {"evt_3", "evt_4"}),
    ],
)
def test_filters_are_exact(office, query, found):
    store_event(office, 1)
    store_event(office, 2, state=S.ORPHAN)
    store_event(office, 3, state=S.ALERTED, provider_code="beta")
    store_event(office, 4, state=S.RECEIVED)

    page = office.logged_in("vera").get("/admin/provider-events/", query_string=query).text

    assert {f"evt_{n}" for n in range(1, 5) if f">evt_{n}<" in page} == found


def test_pages_go_on_where_the_last_one_ended(office):
    for number in range(60):
        store_event(office, number)
    visitor = office.logged_in("vera")

    first = visitor.get("/admin/provider-events/").text
    (older,) = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = visitor.get(older.replace("&amp;", "&")).text

    assert "60 found" in first
    assert ">evt_59<" in first
    assert ">evt_9<" in second
    assert ">evt_10<" not in second


def test_the_page_of_an_event_shows_its_claims_as_text(office):
    key = store_event(office, 1)

    page = office.logged_in("vera").get(f"/admin/provider-events/{key}").text

    assert "&lt;b&gt;approved" in page
    assert "<b>approved" not in page
    assert "Dealt with" not in page


@pytest.mark.parametrize("key", ["0", "99", "x", "1;", "%00", "9" * 40])
def test_an_event_that_is_not_there_is_not_found(office, key):
    assert office.logged_in("vera").get(f"/admin/provider-events/{key}").status_code == 404


def test_the_menu_counts_what_needs_a_person(office):
    visitor = office.logged_in("finn")
    assert "menu-count" not in visitor.get("/admin/orders/").text

    store_event(office, 1, state=S.ORPHAN)
    store_event(office, 2, state=S.ALERTED)

    assert "</span>2</span>" in visitor.get("/admin/orders/").text


def test_finance_takes_an_orphan_off_the_queue_with_a_reason(office):
    key = store_event(office, 1, state=S.ALERTED)
    page = f"/admin/provider-events/{key}"
    visitor = office.logged_in("finn")
    assert "Dealt with" in visitor.get(page).text

    answer = visitor.post(f"{page}/conclude", {"reason": "Given back at Alpha."}, token_from=page)

    assert answer.status_code == 303
    with office.database.read() as connection:
        event = connection.execute(select(WebhookEventRow.__table__)).one()
        (entry,) = conclusions(connection)
    assert event.state is S.NO_CHANGE
    assert event.note == "Dealt with by finn@example.org: Given back at Alpha."
    assert (entry.actor, entry.subject, entry.reason) == (
        "finn@example.org",
        "alpha/evt_1",
        "Given back at Alpha.",
    )


def test_without_a_reason_it_stays_on_the_queue(office):
    key = store_event(office, 1, state=S.ALERTED)
    page = f"/admin/provider-events/{key}"

    office.logged_in("finn").post(f"{page}/conclude", {"reason": "  "}, token_from=page)

    with office.database.read() as connection:
        assert connection.scalar(select(WebhookEventRow.state)) is S.ALERTED
        assert conclusions(connection) == []


@pytest.mark.parametrize("state", [S.RECEIVED, S.ORPHAN, S.APPLIED, S.NO_CHANGE])
def test_only_what_needs_a_person_can_be_concluded(office, state):
    key = store_event(office, 1, state=state)
    page = f"/admin/provider-events/{key}"

    office.logged_in("finn").post(f"{page}/conclude", {"reason": "no"}, token_from=page)

    with office.database.read() as connection:
        assert connection.scalar(select(WebhookEventRow.state)) is state
        assert conclusions(connection) == []


@pytest.mark.parametrize("name", ["olga", "vera", "ari"])
def test_others_may_look_and_not_conclude(office, name):
    key = store_event(office, 1, state=S.ALERTED)
    page = f"/admin/provider-events/{key}"
    visitor = office.logged_in(name)

    assert "Dealt with" not in visitor.get(page).text
    answer = visitor.post(f"{page}/conclude", {"reason": "mine"}, token_from=page)

    assert answer.status_code == 403


def test_a_visitor_sees_nothing(office):
    assert office.visitor().get("/admin/provider-events/").status_code == 302


def test_an_event_leads_to_its_order(office):
    from tests.presentation.backoffice.payments_site import paid_after_fallback

    paid_after_fallback(7).save(office.app)
    store_event(office, 1, our_reference="pa_0007_2")

    page = office.logged_in("vera").get("/admin/provider-events/").text

    assert "/admin/orders/po_0007#pa_0007_2" in page


def test_an_order_shows_its_events(office):
    from tests.presentation.backoffice.payments_site import paid_after_fallback

    paid_after_fallback(7).save(office.app)
    store_event(office, 1, our_reference="pa_0007_2", note="The books say the same.")
    store_event(office, 2, our_reference="pa_0008_1", event_type="payment.declined")

    page = office.logged_in("vera").get("/admin/orders/po_0007").text

    assert "Provider told: <a" in page
    assert "payment.approved" in page
    assert "The books say the same." in page
    assert "payment.declined" not in page
