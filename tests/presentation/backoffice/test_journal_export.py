"""The journal as a file: for those who may, with a reason, and journalled itself."""

import json

import pytest
from sqlalchemy import select

from payorch.application.staff_permissions import ROLE_PERMISSIONS, Permission
from payorch.infrastructure.persistence.tables import JournalRow
from tests.presentation.backoffice.office import CAST

EXPORT = "/admin/journal/export"
ASKED = {"format": "json", "reason": "yearly audit"}


def entries(office, action):
    with office.database.read() as connection:
        return connection.execute(
            select(JournalRow.__table__).where(JournalRow.action == action).order_by(JournalRow.id)
        ).all()


@pytest.mark.parametrize("name", [*CAST, "visitor"])
def test_auditors_and_admins_take_the_journal_away_and_nobody_else(office, name):
    person = office.visitor() if name == "visitor" else office.logged_in(name)
    granted = ROLE_PERMISSIONS[CAST[name][0]] if name in CAST else frozenset()
    may = Permission.EXPORT_JOURNAL in granted
    refused = 302 if name == "visitor" else 403

    page = person.get(EXPORT)
    answer = person.post(EXPORT, ASKED, token_from=EXPORT if may else "/admin/routing/")

    assert may == (name in {"ada", "ari"})
    assert page.status_code == answer.status_code == (200 if may else refused)
    assert bool(entries(office, "journal_exported")) == may


def test_who_takes_it_is_in_the_journal_and_not_yet_in_the_file(open_office, database_url):
    office = open_office(database_url)
    ari = office.logged_in("ari")

    answer = ari.post(EXPORT, ASKED | {"since": "2020-01-01T00:00", "until": ""}, token_from=EXPORT)

    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    taken = json.loads(answer.text)
    assert "publish_routing_policy" in {entry["action"] for entry in taken}
    assert "journal_exported" not in {entry["action"] for entry in taken}
    (own,) = entries(office, "journal_exported")
    assert (own.actor, own.subject, own.reason) == ("ari@example.org", "journal", "yearly audit")
    assert own.after == {"since": "2020-01-01T00:00:00+00:00", "until": None, "format": "json"}
    page = ari.get("/admin/journal/").text
    assert "took the journal away as JSON, from 2020-01-01T00:00:00+00:00 until then" in page


def test_csv_is_there_as_well(office):
    answer = office.logged_in("ari").post(EXPORT, ASKED | {"format": "csv"}, token_from=EXPORT)

    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("id,created_at,actor,action,")


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"reason": " "}, 422, "Say why"),
        ({"since": "soon"}, 422, "Write a time such as"),
        ({"format": "xml"}, 400, ""),
    ],
)
def test_what_makes_no_sense_takes_nothing_away(office, changes, status, says):
    answer = office.logged_in("ari").post(EXPORT, ASKED | changes, token_from=EXPORT)

    assert answer.status_code == status
    assert says in answer.text
    assert entries(office, "journal_exported") == []


def test_the_page_says_where_the_chain_ends(office):
    ari = office.logged_in("ari")
    head = office.services.journal.head()

    assert head.hash in ari.get(EXPORT).text
    assert 'href="/admin/journal/export"' in ari.get("/admin/journal/").text
