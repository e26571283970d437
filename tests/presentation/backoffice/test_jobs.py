"""Background jobs in the back office: how they stand, and what to do with dead ones."""

import re

import pytest
from sqlalchemy import select, text

from payorch.application.jobs import NOTIFY_CUSTOMER, SEND_REFUND, SETTLE_TRANSACTION, NewJob
from payorch.factory import wired
from payorch.infrastructure.persistence.tables import JobRow

NAMES = frozenset({"settle_transaction", "send_refund", "notify_customer"})


@pytest.fixture
def office(open_office):
    return open_office()


@pytest.fixture
def queue(office):
    """A refund that is dead, a letter that runs, a transaction that waits."""
    queue = wired(office.app).background.queue
    queue.enqueue(
        [
            NewJob(SEND_REFUND, {"refund": "re_1"}, dedup_key="refund:re_1", destination="alpha"),
            NewJob(NOTIFY_CUSTOMER, {"order": "po_<b>1</b>"}),
            NewJob(SETTLE_TRANSACTION, {"transaction": "pa_1"}),
        ]
    )
    (refund,) = queue.claim("refunds", kinds=NAMES, limit=1, lease_s=20)
    queue.bury(refund, error="The provider said <no>.")
    queue.claim("mail", kinds=NAMES, limit=1, lease_s=20)
    return queue


def key_of(office, **where):
    with office.database.read() as connection:
        return connection.execute(select(JobRow.id).filter_by(**where)).scalar_one()


def rows_of(page):
    """The list's rows; the table of the queues comes before."""
    table = page.text.rsplit("<tbody>", 1)[1]
    return re.findall(r"<tr>.*?</tr>", table.split("</tbody>")[0], re.DOTALL)


def test_the_list_shows_every_job_and_how_each_queue_stands(office, queue):
    page = office.logged_in("olga").get("/admin/jobs/")

    assert len(rows_of(page)) == 3
    assert "The provider said &lt;no&gt;." in page.text
    queues = re.findall(
        r'<td data-label="Queue">(\w+)</td>\s*'
        r'<td[^>]*data-label="Waiting">(\d+)</td>\s*<td[^>]*data-label="Due">(\d+)</td>\s*'
        r'<td[^>]*>[^<]*</td>\s*<td[^>]*data-label="Running">(\d+)</td>\s*'
        r'<td[^>]*data-label="Dead">(\d+)</td>',
        page.text,
    )
    assert queues == [
        ("mail", "0", "0", "1", "0"),
        ("reconcile", "1", "1", "0", "0"),
        ("refunds", "0", "0", "0", "1"),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=dead", ["Send refund"]),
        ("queue=mail", ["Notify customer"]),
        ("kind=settle_transaction", ["Settle transaction"]),
        ("destination=alpha", ["Send refund"]),
        ("search=refund:re_1", ["Send refund"]),
        ("state=done", []),
    ],
)
def test_filters_are_exact(office, queue, query, found):
    page = office.logged_in("olga").get(f"/admin/jobs/?{query}")

    assert re.findall(r'<a href="/admin/jobs/\d+">([^<]+)</a>', page.text) == found


def test_a_filter_that_makes_no_sense_is_refused(office, queue):
    assert office.logged_in("olga").get("/admin/jobs/?queue=nowhere").status_code == 422


def test_pages_are_cut_at_a_row(office, queue):
    queue.enqueue([NewJob(SETTLE_TRANSACTION, {"number": number}) for number in range(60)])
    first = office.logged_in("olga").get("/admin/jobs/")
    older = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")

    second = office.logged_in("olga").get(older)

    assert (len(rows_of(first)), len(rows_of(second))) == (50, 13)


def test_the_menu_counts_dead_jobs(office, queue):
    def count():
        page = office.logged_in("olga").get("/admin/jobs/").text
        line = re.search(r'<a[^>]*href="/admin/jobs/"[^>]*>.*?</a>', page, re.DOTALL)[0]
        return re.findall(r"\d+", re.sub(r"<[^>]*>", " ", line))

    assert count() == ["1"]

    queue.discard(
        key_of(office, state="dead"),
        actor="tests",
        reason="tests",
        at=office.services.clock.now(),
    )
    assert count() == []


def test_a_dead_job_is_replayed_with_a_reason(office, queue):
    olga = office.logged_in("olga")
    key = key_of(office, kind="send_refund")

    answer = olga.post(
        f"/admin/jobs/{key}/replay",
        token_from=f"/admin/jobs/{key}",
        form={"reason": "The provider is back."},
    )

    assert (answer.status_code, answer.location) == (303, "/admin/jobs/?state=dead")
    assert key_of(office, kind="send_refund", state="ready", attempts=0) == key
    assert journal(office) == [("olga@example.org", "job_replayed", "The provider is back.")]


def test_a_dead_job_is_discarded_with_a_reason(office, queue):
    ada = office.logged_in("ada")
    key = key_of(office, kind="send_refund")

    ada.post(
        f"/admin/jobs/{key}/discard",
        token_from=f"/admin/jobs/{key}",
        form={"reason": "Not needed."},
    )

    assert ada.get(f"/admin/jobs/{key}").status_code == 404
    assert journal(office) == [("ada@example.org", "job_discarded", "Not needed.")]


def journal(office):
    statement = "SELECT actor, action, reason FROM journal WHERE action LIKE 'job%'"
    with office.database.read() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_without_a_reason_nothing_is_done(office, queue, action):
    olga = office.logged_in("olga")
    key = key_of(office, kind="send_refund")

    answer = olga.post(
        f"/admin/jobs/{key}/{action}", token_from=f"/admin/jobs/{key}", form={"reason": " "}
    )

    assert answer.location == f"/admin/jobs/{key}"
    assert key_of(office, state="dead") == key
    assert journal(office) == []


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_a_job_that_is_not_dead_stays_as_it_is(office, queue, action):
    olga = office.logged_in("olga")
    key = key_of(office, kind="notify_customer")

    olga.post(f"/admin/jobs/{key}/{action}", token_from="/admin/jobs/", form={"reason": "Try."})

    assert "was not dead any more" in olga.get("/admin/jobs/").text
    assert key_of(office, state="running") == key
    assert journal(office) == []


def test_the_page_of_a_job_shows_what_it_is_about(office, queue):
    olga = office.logged_in("olga")

    dead = olga.get(f"/admin/jobs/{key_of(office, kind='send_refund')}").text
    running = olga.get(f"/admin/jobs/{key_of(office, kind='notify_customer')}").text

    assert "re_1" in dead
    assert "Replay it" in dead
    assert "po_&lt;b&gt;1" in running
    assert "Replay it" not in running
    assert olga.get("/admin/jobs/0").status_code == 404
    assert olga.get("/admin/jobs/x").status_code == 404


def test_only_ops_and_admins_act_and_auditors_look(office, queue):
    key = key_of(office, kind="send_refund")
    pages = {
        name: office.logged_in(name).get(f"/admin/jobs/{key}")
        for name in ("olga", "ada", "ari", "finn", "vera")
    }

    assert {name: page.status_code for name, page in pages.items()} == {
        "olga": 200,
        "ada": 200,
        "ari": 200,
        "finn": 403,
        "vera": 403,
    }
    assert "Replay it" not in pages["ari"].text
    for name in ("ari", "finn", "vera"):
        person = office.logged_in(name)
        for action in ("replay", "discard"):
            refused = person.post(
                f"/admin/jobs/{key}/{action}", token_from="/admin/orders/", form={"reason": "Try."}
            )
            assert refused.status_code == 403, (name, action)
    assert office.visitor().get("/admin/jobs/").status_code == 302
