"""Every page of the back office crossed with every role and with nobody (security.md, S20)."""

import re
from urllib.parse import urlsplit

import pytest

from payorch.application.staff_permissions import ROLE_PERMISSIONS, Permission
from payorch.presentation.backoffice.endpoint_permissions import (
    OPEN_ENDPOINTS,
    PERMISSION_OF_ENDPOINT,
    STAFF_ENDPOINTS,
)
from tests.presentation.backoffice.office import CAST, Office
from tests.presentation.every_request import differences, every_request, everything_stored

WRITTEN_BY_A_REFUSAL = ("journal", "journal_head", "staff_sessions")
"""Who was refused is journalled, and a session knows when it was last used."""

OF_FLASK_ADMIN_ONLY = re.compile(
    r"\.(action_view|ajax_lookup|ajax_update|create_view|delete_view|details_view|edit_view|export"
    r")$"
)

WHO_DOES_WHAT = {
    Permission.READ_PAYMENTS: "viewer finance ops admin auditor",
    Permission.READ_METRICS: "viewer finance ops admin auditor",
    Permission.READ_ROUTING: "viewer finance ops admin auditor",
    Permission.CHANGE_ROUTING: "ops admin",
    Permission.READ_JOURNAL: "admin auditor",
    Permission.EXPORT_JOURNAL: "admin auditor",
    Permission.READ_JOBS: "ops admin auditor",
    Permission.MANAGE_JOBS: "ops admin",
    Permission.RESEND_LETTERS: "finance ops",
    Permission.CONCLUDE_EVENTS: "finance",
    Permission.REFUND_PAYMENTS: "finance",
    Permission.CHECK_PAYMENTS: "finance ops",
    Permission.PROPOSE_REVIEWS: "finance",
    Permission.DECIDE_REVIEWS: "finance admin",
    Permission.CANCEL_ORDERS: "finance",
    Permission.SETTLE_FLAGS: "finance",
    Permission.WRITE_NOTES: "finance ops",
    Permission.MANAGE_ALERTS: "ops admin",
    Permission.MANAGE_API_KEYS: "admin",
    Permission.MANAGE_STAFF: "admin",
    Permission.RECONCILE_SETTLEMENTS: "finance",
    Permission.EXPORT_SETTLEMENTS: "finance auditor",
    Permission.EXPORT_PAYMENTS: "finance auditor",
    Permission.ERASE_CUSTOMERS: "finance admin",
    Permission.REVEAL_CUSTOMERS: "finance",
}
"""Written down a second time on purpose: a role that gains a permission has to be meant."""

ROLES = {role: person for person, (role,) in CAST.items()}


def fill(_endpoint, name):
    """Ids of things that are not there: who is refused for them is refused by their role."""
    known = {"code": "alpha", "chart": "volume", "kind": "order", "email": "nobody@example.org"}
    return known.get(
        name, 999_999 if name in {"alert_id", "rule_id", "proposal_id", "number"} else "x"
    )


@pytest.fixture(scope="module")
def shared_office(sqlite_files):
    office = Office(sqlite_files.new_database_url())
    yield office
    office.close()


@pytest.fixture(scope="module")
def requests(shared_office):
    return [it for it in every_request(shared_office.app, fill) if it.is_of_backoffice]


def may(role, endpoint):
    if endpoint in OPEN_ENDPOINTS:
        return True
    if role is None:
        return False
    if endpoint in STAFF_ENDPOINTS:
        return True
    return PERMISSION_OF_ENDPOINT.get(endpoint) in ROLE_PERMISSIONS[role]


def answer_to(office, role, request):
    visitor = office.visitor() if role is None else office.logged_in(ROLES[role])
    if request.is_safe:
        return visitor.get(request.path)
    # The token of a page that everybody in that position sees.
    return visitor.post(
        request.path, token_from="/admin/login" if role is None else "/admin/account/"
    )


def is_refused(answer, role):
    if role is None:
        return answer.status_code == 302 and urlsplit(answer.location).path == "/admin/login"
    return answer.status_code == 403


def test_each_role_has_the_permissions_that_are_meant():
    assert {
        permission: {role for role, had in ROLE_PERMISSIONS.items() if permission in had}
        for permission in Permission
    } == {permission: set(roles.split()) for permission, roles in WHO_DOES_WHAT.items()}


def test_every_page_is_declared_and_every_declaration_has_a_page(requests):
    declared = OPEN_ENDPOINTS | STAFF_ENDPOINTS | set(PERMISSION_OF_ENDPOINT)
    endpoints = {request.endpoint for request in requests}

    undeclared = endpoints - declared
    assert {it for it in undeclared if not OF_FLASK_ADMIN_ONLY.search(it)} == set()
    assert declared - endpoints == set()


@pytest.mark.parametrize("role", [None, *ROLE_PERMISSIONS])
def test_whoever_may_not_is_refused_and_nothing_is_written(shared_office, requests, role):
    office = shared_office
    for person in CAST:
        office.hire(person)
    before = everything_stored(office.database, but=WRITTEN_BY_A_REFUSAL)

    wrong = {
        str(request): answer.status_code
        for request in requests
        if not may(role, request.endpoint)
        and not is_refused(answer := answer_to(office, role, request), role)
    }

    assert wrong == {}
    after = everything_stored(office.database, but=WRITTEN_BY_A_REFUSAL)
    assert differences(before, after) == {}


@pytest.mark.parametrize("role", list(ROLE_PERMISSIONS))
def test_whoever_may_is_let_in(open_office, requests, role):
    office = open_office()

    wrong = {
        str(request): answer.status_code
        for request in requests
        if may(role, request.endpoint)
        and (
            (answer := answer_to(office, role, request)).status_code in {401, 403, 429}
            or answer.status_code >= 500
        )
    }

    assert wrong == {}


def test_a_page_that_nobody_declared_is_closed_for_everybody(open_office):
    office = open_office()
    office.app.add_url_rule("/admin/forgotten", "forgotten", lambda: "open to all")

    assert is_refused(office.visitor().get("/admin/forgotten"), None)
    for role, person in ROLES.items():
        assert is_refused(office.logged_in(person).get("/admin/forgotten"), role)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
def test_a_form_of_another_site_is_refused_whatever_token_it_holds(open_office, site):
    office = open_office()
    visitor = office.logged_in("olga")

    answer = visitor.post(
        "/admin/appearance",
        {"appearance": "dark"},
        token_from="/admin/account/",
        headers={"Sec-Fetch-Site": site},
    )

    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_of_our_own_is_taken(open_office, headers):
    answer = (
        open_office()
        .logged_in("olga")
        .post(
            "/admin/appearance",
            {"appearance": "dark"},
            token_from="/admin/account/",
            headers=headers,
        )
    )

    assert answer.status_code == 303
