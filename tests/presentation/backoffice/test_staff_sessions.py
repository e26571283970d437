"""A session is worth something only as long as the server says so, whatever the cookie says."""

import html
import re

import pytest
from sqlalchemy import func, select, update

from payorch.application.jobs import PURGE_STAFF_SESSIONS
from payorch.application.staff_sessions import KEEP_ENDED, SEEN_EVERY
from payorch.config import Settings
from payorch.factory import wired
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.tables import JournalRow, RoleRow, StaffRow, StaffSessionRow
from payorch.infrastructure.persistence.tables.staff import staff_roles
from payorch.presentation.backoffice.shell.staff_session import BACKGROUND_ENDPOINTS, KEY
from tests.fakes import FakeClock, fake_time
from tests.presentation.backoffice.office import NOW

BOARD = "/admin/routing/"
ACCOUNT = "/admin/account/"
OLGA = "olga@example.org"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def timed(open_office, database_url, clock):
    return open_office(database_url, seams=fake_time(clock))


def is_in(visitor, page=BOARD):
    return visitor.get(page).status_code == 200


def copied(office, visitor):
    """Another browser with this one's cookies."""
    thief = office.visitor()
    for cookie in visitor.client._cookies.values():
        thief.client.set_cookie(cookie.key, cookie.decoded_value)
    return thief


def told(visitor):
    """What the login page says to somebody who is not logged in any more."""
    page = visitor.get(BOARD, follow_redirects=True).text
    notice = re.search(r'class="notice notice-info" role="status">([^<]+)', page)
    return html.unescape(notice[1]) if notice else None


def session_rows(office):
    with office.database.read() as connection:
        return connection.execute(
            select(StaffSessionRow.__table__).order_by(StaffSessionRow.id)
        ).all()


def handle_of(page):
    return re.search(r'name="session" value="([^"]+)"', page)[1]


def test_a_copied_cookie_is_worth_nothing_after_the_logout(timed):
    olga = timed.visitor()
    olga.log_in(timed.hire("olga"))
    thief = copied(timed, olga)
    assert is_in(thief)

    olga.post("/admin/logout", token_from=BOARD)

    assert not is_in(thief)
    assert thief.get(BOARD).location == "/admin/login?next=/admin/routing/"


def test_each_login_gets_a_key_of_its_own_and_only_its_hash_is_stored(timed):
    visitors = [timed.visitor(), timed.visitor()]
    for visitor in visitors:
        visitor.log_in(timed.hire("olga"))

    keys = set()
    for visitor in visitors:
        with visitor.client.session_transaction() as session:
            keys.add(session[KEY])
    assert len(keys) == 2
    assert not any(key in str(session_rows(timed)) for key in keys)


def test_a_cookie_without_a_session_lets_nobody_in(timed):
    olga = timed.logged_in("olga")

    with olga.client.session_transaction() as session:
        session[KEY] = "made up"
    assert not is_in(olga)
    with olga.client.session_transaction() as session:
        session[KEY] = 7
    assert not is_in(olga)


def test_a_session_is_of_one_account_only(timed):
    olga, ada = timed.logged_in("olga"), timed.logged_in("ada")

    with olga.client.session_transaction() as session:
        key = session[KEY]
    with ada.client.session_transaction() as session:
        session[KEY] = key

    assert not is_in(ada)


def test_who_does_nothing_for_a_quarter_of_an_hour_is_logged_out_and_told_why(timed, clock):
    olga = timed.logged_in("olga")
    clock.advance(minutes=14, seconds=59)
    assert is_in(olga)

    clock.advance(minutes=15)

    assert (
        olga.get(BOARD + "?from=mail").location == "/admin/login?next=/admin/routing/?from%3Dmail"
    )
    assert told(olga) == "You were logged out because you did nothing for a while."


def test_twelve_hours_after_the_login_it_is_over_however_busy_one_was(timed, clock):
    olga = timed.logged_in("olga")
    for _ in range(12 * 6 - 1):
        clock.advance(minutes=10)
        assert is_in(olga)

    clock.advance(minutes=10)

    assert not is_in(olga)
    assert told(olga) == "You were logged out because your last login is too long ago."


def test_the_limits_are_settings(open_office, clock):
    office = open_office(seams=fake_time(clock), staff_idle_min=2, staff_session_h=1)
    olga = office.logged_in("olga")

    clock.advance(seconds=119)
    assert is_in(olga)
    clock.advance(seconds=121)
    assert not is_in(olga)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (Settings(staff_idle_min=0), "PAYORCH_STAFF_IDLE_MIN lies between 1 and 1440."),
        (Settings(staff_session_h=25), "PAYORCH_STAFF_SESSION_H lies between 1 and 24."),
        (
            Settings(env="production", staff_idle_min=16),
            "PAYORCH_STAFF_IDLE_MIN is at most 15 in production.",
        ),
    ],
)
def test_limits_that_make_no_sense_are_refused(settings, problem):
    assert problem in settings.problems()


@pytest.mark.parametrize(
    "polled", ["/admin/dashboard/figures.json", "/admin/dashboard/table/rate", "/admin/circuits/"]
)
def test_pages_that_refresh_themselves_keep_nobody_logged_in(timed, clock, polled):
    olga = timed.logged_in("olga")
    for _ in range(14):
        clock.advance(minutes=1)
        olga.get(polled)

    clock.advance(minutes=1)

    assert not is_in(olga)


def test_the_endpoints_that_are_polled_are_there(office):
    assert set(office.app.view_functions) >= BACKGROUND_ENDPOINTS


def test_last_seen_is_written_once_a_minute(timed, clock):
    olga = timed.logged_in("olga")

    clock.advance(seconds=SEEN_EVERY.total_seconds() - 1)
    olga.get(BOARD)
    assert [row.last_seen_at for row in session_rows(timed)] == [clock.started]

    clock.advance(seconds=1)
    olga.get(BOARD)
    assert [row.last_seen_at for row in session_rows(timed)] == [clock.now()]


def test_a_closed_account_a_new_password_and_a_removed_role_end_sessions_at_once(timed):
    accounts = StaffAccounts(timed.database)
    olga, finn, vera = (timed.logged_in(name) for name in ("olga", "finn", "vera"))
    timed.hire("ada")

    accounts.set_active("olga@example.org", is_active=False, at=NOW)
    accounts.set_password("finn@example.org", "another fine password", at=NOW)
    accounts.set_roles("vera@example.org", ["auditor"], at=NOW)

    assert told(olga) == "You were logged out because your account was closed."
    assert told(finn) == "You were logged out because your password was changed."
    assert told(vera) == "You were logged out because your role was changed."


def test_a_role_that_is_changed_with_sql_counts_at_the_next_request(timed):
    olga = timed.logged_in("olga")
    timed.hire("vera")
    assert is_in(olga, "/admin/jobs/")

    with timed.database.tx() as connection:
        viewer = select(RoleRow.id).where(RoleRow.name == "viewer").scalar_subquery()
        person = select(StaffRow.id).where(StaffRow.email == OLGA).scalar_subquery()
        connection.execute(
            update(staff_roles).where(staff_roles.c.staff_id == person).values(role_id=viewer)
        )

    assert olga.get("/admin/jobs/").status_code == 403
    assert is_in(olga)


def test_my_account_shows_where_i_am_logged_in(timed, clock):
    here, there = timed.visitor(), timed.visitor()
    there.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    there.log_in(timed.hire("olga"))
    clock.advance(minutes=2)
    here.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    here.log_in(OLGA)
    timed.logged_in("vera")

    page = here.get(ACCOUNT).text

    assert page.count('name="session"') == 2
    assert page.count("this one") == 1
    assert page.index("this one") < page.index("203.0.113.9") < page.index("Firefox on Linux")


def test_one_ends_another_session_of_ones_own(timed):
    here, there = timed.logged_in("olga"), timed.logged_in("olga")
    handle = session_rows(timed)[1].public_id

    answer = here.post(f"{ACCOUNT}sessions/end", {"session": handle}, follow_redirects=True)

    assert "The session is ended." in answer.text
    assert is_in(here)
    assert told(there) == "You were logged out from your account's page."


def test_one_ends_all_others(timed):
    here, *others = (timed.logged_in("olga") for _ in range(3))
    vera = timed.logged_in("vera")

    answer = here.post(f"{ACCOUNT}sessions/end-others", follow_redirects=True)

    assert "2 sessions are ended." in answer.text
    assert [is_in(one) for one in (here, vera, *others)] == [True, True, False, False]


def test_nobody_ends_a_session_of_somebody_else_from_their_own_page(timed):
    vera, olga = timed.logged_in("vera"), timed.logged_in("olga")
    handle = session_rows(timed)[1].public_id

    answer = vera.post(f"{ACCOUNT}sessions/end", {"session": handle}, follow_redirects=True)

    assert "That session was over already." in answer.text
    assert is_in(olga)


def test_an_administrator_ends_sessions_of_others_and_it_is_journalled(timed):
    ada, one, two = timed.logged_in("ada"), timed.logged_in("olga"), timed.logged_in("olga")
    page = ada.get(f"/admin/staff/{OLGA}").text

    ada.post(f"/admin/staff/{OLGA}/sessions/end", {"session": handle_of(page)})
    assert [is_in(one), is_in(two)] == [True, False]
    ada.post(f"/admin/staff/{OLGA}/sessions/end-all")

    assert told(one) == "You were logged out by an administrator."
    with timed.database.read() as connection:
        entries = connection.execute(
            select(JournalRow.actor, JournalRow.subject).where(
                JournalRow.action == "staff_sessions_ended"
            )
        ).all()
    assert [tuple(entry) for entry in entries] == [("ada@example.org", f"staff:{OLGA}")] * 2
    journal = ada.get("/admin/journal/").text
    assert f"ended sessions of {OLGA}: Test, 127.0.0.1" in journal


@pytest.mark.parametrize("name", ["olga", "finn", "vera", "ari"])
def test_only_administrators_see_the_staff(timed, name):
    person = timed.logged_in(name)

    assert person.get("/admin/staff/").status_code == 403
    assert person.get(f"/admin/staff/{OLGA}").status_code == 403
    assert person.post(f"/admin/staff/{OLGA}/sessions/end-all").status_code == 403


def test_the_list_of_staff_leads_to_each_person(timed):
    ada = timed.logged_in("ada")
    timed.logged_in("olga")

    assert f'href="/admin/staff/{OLGA}"' in ada.get("/admin/staff/").text
    assert ada.get("/admin/staff/nobody@example.org").status_code == 404


def test_sessions_of_long_ago_are_forgotten(timed, clock):
    timed.logged_in("olga")
    clock.advance(hours=12, seconds=KEEP_ENDED.total_seconds() + 1)
    timed.logged_in("vera")

    wired(timed.app).handlers[PURGE_STAFF_SESSIONS.name](None)

    with timed.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(StaffSessionRow)) == 1


def test_nothing_is_written_when_the_session_cannot_be_opened(timed, monkeypatch):
    sessions = timed.services.staff_sessions
    monkeypatch.setattr(sessions, "_book", None)
    olga = timed.visitor()

    assert olga.log_in(timed.hire("olga")).status_code == 500

    monkeypatch.undo()
    assert not is_in(olga)
