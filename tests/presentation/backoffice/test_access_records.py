"""Who came in, who did not, and what was refused stands in the journal."""

from sqlalchemy import select

from payorch.infrastructure.persistence.tables import JournalRow
from tests.presentation.backoffice.office import PASSWORD

BOARD = "/admin/routing/"
ACTIONS = ("logged_in", "logged_out", "login_failed", "access_refused")


def records(office):
    with office.database.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                select(JournalRow.actor, JournalRow.action, JournalRow.subject)
                .where(JournalRow.action.in_(ACTIONS))
                .order_by(JournalRow.id)
            )
        ]


def test_a_login_and_its_end_are_journalled(open_office, database_url):
    office = open_office(database_url)
    visitor = office.visitor()

    visitor.log_in(office.hire("olga"), next=BOARD)
    visitor.post("/admin/logout", token_from=BOARD)
    visitor.get("/admin/login")

    olga = "olga@example.org"
    assert records(office) == [
        (olga, "logged_in", f"staff:{olga}"),
        (olga, "logged_out", f"staff:{olga}"),
    ]
    with office.database.read() as connection:
        after = connection.scalar(select(JournalRow.after).where(JournalRow.action == "logged_in"))
    assert after == {"address": "127.0.0.1"}


def test_a_failed_login_is_journalled_without_what_was_typed(open_office, database_url):
    office = open_office(database_url)
    visitor = office.visitor()

    visitor.log_in(office.hire("olga"), "wrong password, sorry")
    visitor.log_in("my secret password", PASSWORD)
    visitor.log_in("nobody@example.org", PASSWORD)

    assert records(office) == [
        ("visitor", "login_failed", "staff:olga@example.org"),
        ("visitor", "login_failed", "staff:no account"),
        ("visitor", "login_failed", "staff:no account"),
    ]
    with office.database.read() as connection:
        rows = connection.execute(select(JournalRow.__table__)).all()
    assert "my secret password" not in str(rows)
    assert "nobody@example.org" not in str(rows)


def test_what_staff_may_not_see_is_refused_and_journalled(office):
    vera = office.logged_in("vera")

    vera.get("/admin/journal/")
    vera.post("/admin/routing/publish", token_from=BOARD)
    vera.get("/admin/nothing-here")
    office.visitor().get("/admin/journal/")

    assert records(office) == [
        ("vera@example.org", "access_refused", "page:/admin/journal/"),
        ("vera@example.org", "access_refused", "page:/admin/routing/publish"),
    ]


def test_figures_that_are_taken_away_are_journalled(office):
    office.logged_in("vera").get("/admin/dashboard/volume.csv?preset=24h")

    with office.database.read() as connection:
        entry = connection.execute(
            select(JournalRow.__table__).where(JournalRow.action == "figures_exported")
        ).one()
    assert (entry.actor, entry.subject) == ("vera@example.org", "chart:volume")
    assert entry.after["address"] == "127.0.0.1"
    page = office.logged_in("ari").get("/admin/journal/").text
    assert "took the figures of “volume” away as a file" in page


def test_records_read_as_sentences(office):
    visitor = office.visitor()
    visitor.log_in(office.hire("vera"), "wrong password, sorry")
    office.logged_in("vera").get("/admin/jobs/")
    office.logged_in("vera").get("/admin/journal/")

    page = office.logged_in("ari").get("/admin/journal/").text

    assert "could not log in: vera@example.org" in page
    assert "was refused /admin/journal/" in page
