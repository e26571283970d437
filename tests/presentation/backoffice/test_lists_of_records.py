"""Jobs, journal and providers' events: arranged like the lists of payments, on each database."""

import pytest
from sqlalchemy import select

from payorch.application.jobs import NOTIFY_CUSTOMER, SEND_REFUND, NewJob
from payorch.application.provider_events import EventState
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.factory import wired
from payorch.infrastructure.persistence.tables import JournalRow, TransactionRow
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.test_exported_lists import taken
from tests.presentation.backoffice.test_exported_workbooks import assert_same, lines_of, sheet_of
from tests.presentation.backoffice.test_own_lists import choose, headings, save, tabs
from tests.presentation.backoffice.test_provider_events import store_event

JOBS, JOURNAL, EVENTS = (f"/admin/{name}/" for name in ("jobs", "journal", "provider-events"))
NAMES = frozenset({"send_refund", "notify_customer"})


@pytest.fixture
def office(open_office, database_url):
    return open_office(database_url)


@pytest.fixture
def jobs(office):
    """A refund that is dead, and a letter that waits."""
    queue = wired(office.app).background.queue
    queue.enqueue(
        [
            NewJob(SEND_REFUND, {"refund": "re_1"}, dedup_key="refund:re_1", destination="alpha"),
            NewJob(NOTIFY_CUSTOMER, {"order": "po_secret"}),
        ]
    )
    (refund,) = queue.claim("refunds", kinds=NAMES, limit=1, lease_s=20)
    queue.bury(refund, error="=HYPERLINK(1)")


@pytest.mark.parametrize(
    ("name", "page", "columns", "shown"),
    [
        ("olga", JOBS, ["dedup_key", "kind"], ["Kind", "Dedup key"]),
        ("ari", JOURNAL, ["hash", "id", "action"], ["What", "Number", "Hash"]),
        ("vera", EVENTS, ["processed_at", "source", "state"], ["State", "Told by", "Processed"]),
    ],
)
def test_columns_are_chosen_and_reset(office, name, page, columns, shown):
    visitor = office.logged_in(name)
    before = headings(visitor, page)

    choose(visitor, *columns, page=page)
    assert headings(visitor, page) == shown

    choose(visitor, page=page, reset="yes")
    assert headings(visitor, page) == before


@pytest.mark.parametrize(
    ("name", "page", "filters"),
    [
        ("olga", JOBS, {"queue": "mail", "destination": "alpha"}),
        ("ari", JOURNAL, {"actor": "finn@example.org", "action": "logged_in"}),
        ("vera", EVENTS, {"provider": "alpha", "state": "orphaned"}),
    ],
)
def test_filters_are_saved_as_a_view_of_ones_own(office, name, page, filters):
    visitor = office.logged_in(name)
    common = len(tabs(visitor, page)) if page != JOURNAL else 0

    assert "The view is saved." in save(visitor, "Mine", page, **filters)

    (mine,) = tabs(visitor, page, **filters)[common:]
    assert (mine[0], mine[2]) == ("Mine", True)
    assert visitor.get(mine[1]).status_code == 200
    assert "Mine" not in office.logged_in("ada").get(page).text


def test_all_columns_of_a_job_and_an_event_show_what_they_hold(office, jobs):
    now = office.services.clock.now()
    store_event(office, 1, processed_at=now, source="listing")
    store_event(office, 2, provider_code="gone", provider_reference=None, our_reference=None)
    olga = office.logged_in("olga")
    for page, more in ((JOBS, ["dedup_key", "destination", "finished_at"]), (EVENTS, ["subject"])):
        choose(olga, *more, "source", "processed_at", page=page)

    assert ">refund:re_1<" in olga.get(JOBS).text
    events = olga.get(EVENTS).text
    assert ">listing<" in events
    assert f"{now:%Y-%m-%d %H:%M}" in events


def test_the_jobs_of_the_filter_are_taken_away_without_what_they_carry(office, jobs):
    olga = office.logged_in("olga")

    everything, dead = taken(olga, JOBS), taken(olga, JOBS, state="dead")

    assert [job["kind"] for job in everything] == ["notify_customer", "send_refund"]
    assert [job["dedup_key"] for job in dead] == ["refund:re_1"]
    assert dead[0]["last_error"] == "'=HYPERLINK(1)"
    assert "po_secret" not in str(everything)


@pytest.mark.breaks_the_books
def test_the_events_of_the_filter_are_taken_away_with_their_orders_and_without_bodies(office):
    history = MetricsHistory(office.database, FrozenClock(office.services.clock.now()))
    history.attempt(status=Status.APPROVED)
    with office.database.read() as connection:
        payment = connection.scalar(select(TransactionRow.public_id))
    store_event(office, 1, our_reference=payment, body={"name": "Ana Secret"})
    store_event(office, 2, state=EventState.ORPHAN, provider_code="beta")
    finn = office.logged_in("finn")

    orphan, ours = taken(finn, EVENTS)

    assert (orphan["order"], orphan["state"], orphan["provider"]) == ("", "orphan", "beta")
    assert (ours["our_reference"], ours["order"][:3]) == (payment, "po_")
    assert "Secret" not in str(ours)
    assert [event["event"] for event in taken(finn, EVENTS, state="orphaned")] == ["evt_2"]


@pytest.mark.parametrize(("name", "page"), [("olga", JOBS), ("finn", EVENTS)])
def test_a_workbook_holds_what_the_csv_holds(office, jobs, name, page):
    for number in range(3):
        store_event(office, number, note="=1+1")
    visitor = office.logged_in(name)

    sheet = sheet_of(visitor, page)

    assert len(sheet) > 2
    assert_same(sheet, lines_of(visitor, page))


@pytest.mark.parametrize(
    ("page", "takes_away", "only_reads"),
    [(JOBS, ["olga", "ada", "ari"], []), (EVENTS, ["finn", "ari"], ["vera", "olga", "ada"])],
)
def test_who_may_take_it_away_is_offered_it_and_nobody_else(office, page, takes_away, only_reads):
    answers = {name: office.logged_in(name) for name in takes_away + only_reads}

    for name, visitor in answers.items():
        text = visitor.get(page).text
        offered = [ending for ending in ("csv", "xlsx") if f"export.{ending}" in text]
        assert offered == (["csv", "xlsx"] if name in takes_away else [])
        status = visitor.get(f"{page}export.csv").status_code
        assert status == (200 if name in takes_away else 403)


def test_taking_a_list_away_is_journalled_with_its_filter(office, jobs):
    taken(office.logged_in("olga"), JOBS, kind="send_refund")

    with office.database.read() as connection:
        entry = connection.execute(
            select(JournalRow.actor, JournalRow.subject, JournalRow.after).where(
                JournalRow.action == "figures_exported"
            )
        ).one()
    assert (entry.actor, entry.subject) == ("olga@example.org", "chart:background jobs")
    assert "kind=send_refund" in str(entry.after)


def test_the_journal_leaves_by_its_own_door_only(office):
    ari = office.logged_in("ari")

    assert ari.get(f"{JOURNAL}export.csv").status_code == 404
    page = ari.get(JOURNAL).text
    assert "export.csv" not in page
    assert "Take it away as a file" in page
