"""Nobody gets in without an account, and a login gives away as little as it can."""

import re
from urllib.parse import urljoin

import pytest

from payorch.application.staff_permissions import ROLE_PERMISSIONS, Permission
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from tests.presentation.backoffice.office import CAST, NOW, PASSWORD

BOARD = "/admin/routing/"


def alert_of(answer):
    return re.search(r'role="alert"[^>]*>([^<]+)', answer.text)[1]


def test_an_account_made_by_command_can_log_in_on_both_databases(open_office, database_url):
    office = open_office(database_url)
    visitor = office.visitor()

    answer = visitor.log_in(office.hire("olga").upper(), next=BOARD)

    assert (answer.status_code, answer.location) == (302, BOARD)
    assert visitor.get(BOARD).status_code == 200


def test_a_visitor_is_led_to_the_login_and_back(office):
    answer = office.visitor().get(BOARD + "?from=mail")

    assert answer.status_code == 302
    assert answer.location == "/admin/login?next=/admin/routing/?from%3Dmail"


def test_wrong_password_unknown_address_and_closed_account_read_the_same(office):
    email = office.hire("olga")
    office.hire("finn")
    StaffAccounts(office.database).set_active("finn@example.org", is_active=False, at=NOW)
    visitor = office.visitor()

    answers = [
        visitor.log_in(email, "wrong password, sorry"),
        visitor.log_in("nobody@example.org", PASSWORD),
        visitor.log_in("finn@example.org", PASSWORD),
        visitor.log_in("not an address", PASSWORD),
        visitor.log_in(email, ""),
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert len({alert_of(answer) for answer in answers}) == 1
    assert all(PASSWORD not in answer.text for answer in answers)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\x19//evil.example",
        " //evil.example",
        "http://localhost@evil.example/",
    ],
    ids=repr,
)
def test_a_login_never_leads_to_another_site(office, target):
    visitor = office.visitor()

    answer = visitor.log_in(office.hire("olga"), next=target)

    if answer.status_code == 302:
        assert urljoin("http://localhost/admin/login", answer.location).startswith(
            "http://localhost/"
        )
        assert re.fullmatch(r"[A-Za-z0-9%/._-]*", answer.location)
        assert "//" not in answer.location
    else:
        assert (answer.status_code, answer.location) == (200, None)


def test_a_login_without_the_form_token_is_refused(office):
    answer = office.visitor().client.post(
        "/admin/login", data={"email": office.hire("olga"), "password": PASSWORD}
    )

    assert answer.status_code == 400


def test_there_is_no_json_login_and_no_token_to_get(office):
    visitor = office.visitor()
    email = office.hire("olga")

    page = visitor.post(
        "/admin/login?include_auth_token=1",
        {"email": email, "password": PASSWORD},
        headers={"Accept": "application/json"},
    )

    assert page.status_code == 302
    assert "token" not in page.text
    assert "remember_token" not in str(page.headers)


@pytest.mark.parametrize("path", ["/admin/register", "/admin/reset", "/admin/change"])
def test_nobody_can_register_or_reset(office, path):
    assert office.visitor().get(path).status_code == 404


def test_remember_me_cannot_be_asked_for(office):
    answer = office.visitor().log_in(office.hire("olga"), remember="y")

    assert "remember_token" not in str(answer.headers.getlist("Set-Cookie"))


def test_logging_out_needs_a_post_and_ends_the_session(office):
    visitor = office.logged_in("olga")

    assert visitor.get("/admin/logout").status_code == 405
    answer = visitor.post("/admin/logout", token_from=BOARD)

    assert answer.status_code == 302
    assert answer.location == "/admin/login"
    assert visitor.get(BOARD).status_code == 302


def test_a_closed_account_and_a_new_password_end_sessions_at_once(office):
    accounts = StaffAccounts(office.database)
    olga, finn = office.logged_in("olga"), office.logged_in("finn")

    accounts.set_active("olga@example.org", is_active=False, at=NOW)
    accounts.set_password("finn@example.org", "another fine password", at=NOW)

    assert olga.get(BOARD).status_code == 302
    assert finn.get(BOARD).status_code == 302


def test_the_session_cookie_is_closed_to_scripts_and_in_production_to_other_hosts(open_office):
    def cookie(**settings):
        return open_office(**settings).visitor().get("/admin/login").headers["Set-Cookie"]

    plain = cookie()
    secure = cookie(base_url="https://pay.example.org")

    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(plain.split("; "))
    assert secure.startswith("__Host-payorch=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(secure.split("; "))
    assert "Domain" not in secure


PAGES = {
    "/admin/routing/": Permission.READ_ROUTING,
    "/admin/providers/": Permission.READ_ROUTING,
    "/admin/providers/alpha": Permission.READ_ROUTING,
}
ACTIONS = {
    "/admin/routing/draft": Permission.CHANGE_ROUTING,
    "/admin/routing/publish": Permission.CHANGE_ROUTING,
    "/admin/routing/restore": Permission.CHANGE_ROUTING,
    "/admin/routing/switch": Permission.CHANGE_ROUTING,
    "/admin/providers/switch": Permission.CHANGE_ROUTING,
}


@pytest.mark.parametrize("name", [*CAST, "visitor"])
def test_each_person_reaches_exactly_what_their_role_allows(office, name):
    person = office.visitor() if name == "visitor" else office.logged_in(name)
    granted = ROLE_PERMISSIONS[CAST[name][0]] if name in CAST else frozenset()

    for path, permission in PAGES.items():
        expected = 302 if name == "visitor" else (200 if permission in granted else 403)
        assert person.get(path).status_code == expected, path
    for path, permission in ACTIONS.items():
        token_from = "/admin/login" if name == "visitor" else BOARD
        is_refused = person.post(path, token_from=token_from).status_code in {302, 403}
        is_refused_by_login = name == "visitor"
        assert is_refused == (is_refused_by_login or permission not in granted), path


def test_every_post_under_admin_needs_the_form_token(office):
    person = office.logged_in("ada")

    for rule in office.app.url_map.iter_rules():
        if str(rule).startswith("/admin") and "POST" in rule.methods and not rule.arguments:
            assert person.client.post(str(rule)).status_code == 400, rule


def test_only_staff_who_may_change_the_order_see_the_controls(office):
    ops, viewer = office.logged_in("olga").get(BOARD).text, office.logged_in("vera").get(BOARD).text

    assert "data-handle" in ops
    assert "data-handle" not in viewer
    assert 'id="publish"' not in viewer
    assert 'type="number"' in ops
    assert 'type="number"' not in viewer
