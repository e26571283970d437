"""Circuits on the pages: what they say, and staff who hold and release them, without scripts."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from payorch.domain.circuit import CircuitSettings, Evidence
from payorch.domain.shared_circuit import Hold, HoldKind, OpenedBecause
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.persistence.tables import JournalRow
from payorch.infrastructure.system_clock import SystemClock

ALPHA = "/admin/providers/alpha"
HOLD = "/admin/circuits/alpha/hold"
RELEASE = "/admin/circuits/alpha/release"
FAILED = Evidence(12, 9, {"read_timeout": 7, "connection_refused": 2})


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def shared(office) -> SqlAlchemySharedCircuits:
    """The circuits as another process would write them."""
    transactions = LedgerTransactions(office.database, SystemClock())
    return SqlAlchemySharedCircuits(transactions, SystemClock(), CircuitSettings())


def open_alpha(office):
    shared(office).open(
        "alpha",
        because=OpenedBecause.FAILURES,
        evidence=FAILED,
        for_s=90,
        seen_by="web-7:4711",
    )


def in_an_hour():
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")


def a_form(**fields):
    defaults = {"kind": "open", "until": in_an_hour(), "reason": "maintenance", "version": "0"}
    return defaults | fields


def post_hold(person, **fields):
    return person.post(HOLD, a_form(**fields), token_from=HOLD)


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def hold_of(office):
    return shared(office).circuit("alpha").hold


@pytest.mark.parametrize("path", ["/admin/routing/", "/admin/providers/", ALPHA])
def test_an_opening_in_another_process_is_shown_with_its_reasons_and_countdown(office, olga, path):
    open_alpha(office)

    page = olga.get(path).text

    assert 'data-state="Open"' in page
    assert re.search(r"next probe in <span[^>]*data-countdown=\"(8\d|90)\">1 min", page)
    assert "9 of 12 calls failed: no answer in time (7), connection refused (2)" in page
    assert "by web-7:4711" in page


def test_the_fragments_of_the_live_refresh_are_the_same(office, olga):
    open_alpha(office)

    page = olga.get("/admin/circuits/").text

    assert re.findall(r'data-circuit="(\w+)" data-state="(\w+)"', page) == [
        ("alpha", "Open"),
        ("beta", "Closed"),
        ("gamma", "Closed"),
    ]
    assert 'data-name="Alpha"' in page


def test_the_history_of_openings_stands_on_the_providers_page(office, olga):
    assert "It was never open" in olga.get(ALPHA).text
    open_alpha(office)

    page = olga.get(ALPHA).text

    assert "Opened by failures" in page
    assert "not over yet" in page


def test_a_hold_is_confirmed_before_it_is_done_and_says_what_customers_feel(office, olga):
    form = olga.get(HOLD).text
    assert "Hold it open:" in form

    asked = post_hold(olga)

    assert asked.status_code == 200
    assert "Nothing is sent to it, not even when no other provider is left." in asked.text
    assert "Left to try: Beta, Gamma." in asked.text
    assert hold_of(office) is None
    confirmed = hidden(asked.text)
    done = olga.client.post(HOLD, data=confirmed, follow_redirects=True)
    assert "is held open until" in done.text
    assert 'data-state="Held open"' in done.text
    hold = hold_of(office)
    assert (hold.kind, hold.reason, hold.held_by) == (
        HoldKind.OPEN,
        "maintenance",
        "olga@example.org",
    )


def test_holding_the_last_provider_warns_that_nothing_can_be_paid(office, olga):
    for code in ("beta", "gamma"):
        office.services.change_method.set_enabled(code, is_enabled=False, actor="a", reason="b")

    assert "no payment can be taken" in post_hold(olga).text


def test_trusting_a_provider_says_how_long_customers_may_wait(olga):
    page = post_hold(olga, kind="closed").text

    assert "its breaker does not open" in page
    assert "up to 2 s" in page


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 501}, "at most 500"),
        ({"until": "tomorrow"}, "a date and a time"),
        ({"until": ""}, "a date and a time"),
        ({"until": "9999-12-31T23:59-12:00"}, "a date and a time"),
        ({"until": "2020-01-01T10:00"}, "in the future"),
        ({"until": "2099-01-01T10:00"}, "within 7 days"),
        ({"kind": "ajar"}, "open or closed"),
        ({"version": "-1"}, "Load the page again"),
        ({"version": "٣"}, "Load the page again"),
    ],
)
def test_a_form_that_cannot_be_done_comes_back_with_its_problem(office, olga, fields, problem):
    answer = post_hold(olga, confirmed="1", **fields)

    assert answer.status_code == 422
    assert problem in answer.text
    assert hold_of(office) is None


def test_who_decides_on_an_older_circuit_is_shown_the_new_one(office, olga):
    open_alpha(office)

    answer = post_hold(olga, confirmed="1")

    assert answer.status_code == 409
    assert "changed while you were deciding" in answer.text
    assert hidden(answer.text)["version"] == "1"
    assert "9 of 12 calls failed" in answer.text
    assert hold_of(office) is None


def hold_alpha(office):
    now = datetime.now(UTC)
    hold = Hold(HoldKind.OPEN, now, now + timedelta(hours=1), "maintenance", "ada@example.org")
    shared(office).hold("alpha", hold, seen_version=0)


def test_releasing_undoes_it_and_is_journalled(office, olga):
    hold_alpha(office)
    assert "Release" in olga.get(ALPHA).text

    page = olga.post(RELEASE, {"reason": "done early"}, token_from=ALPHA, follow_redirects=True)

    assert "decides again" in page.text
    assert hold_of(office) is None
    with office.database.read() as connection:
        entry = connection.execute(
            select(JournalRow.__table__).order_by(JournalRow.id.desc()).limit(1)
        ).one()
    assert (entry.action, entry.actor, entry.reason) == (
        "release_circuit",
        "olga@example.org",
        "done early",
    )


def test_releasing_needs_a_reason_and_something_that_is_held(office, olga):
    nothing = olga.post(RELEASE, {"reason": "x"}, token_from=ALPHA, follow_redirects=True)
    hold_alpha(office)
    silent = olga.post(RELEASE, {"reason": " "}, token_from=ALPHA, follow_redirects=True)

    assert "Nobody held" in nothing.text
    assert "Say why" in silent.text
    assert hold_of(office) is not None


@pytest.mark.parametrize("name", ["finn", "vera", "ari"])
def test_who_may_not_change_the_routing_sees_circuits_but_cannot_hold_them(office, name):
    hold_alpha(office)
    person = office.logged_in(name)

    page = person.get(ALPHA).text
    assert 'data-state="Held open"' in page
    assert "hold-form" not in page
    assert "release-reason" not in page
    assert person.get(HOLD).status_code == 403
    for path in (HOLD, RELEASE):
        answer = person.post(path, a_form(confirmed="1"), token_from="/admin/providers/")
        assert answer.status_code == 403


def test_a_visitor_sees_nothing(office):
    assert office.visitor().get("/admin/circuits/").status_code == 302


def test_admins_may_hold_too(office):
    assert office.logged_in("ada").get(HOLD).status_code == 200


def test_a_provider_nobody_knows_is_not_found(olga):
    assert olga.get("/admin/circuits/omega/hold").status_code == 404


def test_the_menu_has_no_entry_for_circuits(olga):
    assert ">Circuits<" not in re.sub(r"\s", "", olga.get(ALPHA).text)
