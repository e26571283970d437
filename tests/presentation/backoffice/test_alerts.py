"""The alerts page: what is open, the note, the rules and who may change them."""

from datetime import timedelta

import pytest

from payorch.application.alerts import Finding
from payorch.factory import wired

ALERTS = "/admin/alerts/"


@pytest.fixture
def alerting(office):
    """The office with its rules, and an alert about Alpha."""
    book, now = office.services.alerts, office.services.clock.now()
    wired(office.app).handlers["evaluate_alerts"](None)
    finding = Finding(
        provider_code="alpha",
        facts={"First-attempt approval": "<b>61.0%</b>"},
        since=now - timedelta(minutes=20),
    )
    book.open(book.rules()[0], finding, at=now - timedelta(minutes=3))
    return office


def acknowledge_path(office):
    (alert,) = office.services.alerts.open_alerts()
    return f"{ALERTS}{alert.id}/acknowledge"


def rule_path(office, number=0):
    return f"{ALERTS}rules/{office.services.alerts.rules()[number].id}"


def a_form(**fields):
    defaults = {
        "threshold": "7.5",
        "window_min": "45",
        "min_sample": "80",
        "is_enabled": "1",
        "version": "1",
        "reason": "quieter nights",
    }
    return defaults | fields


def test_before_the_first_look_the_page_says_so(office):
    page = office.logged_in("vera").get(ALERTS).text

    assert "No rule finds anything now" in page
    assert "set up by the first background run" in page


def test_an_open_alert_says_what_where_and_since_when(alerting):
    page = alerting.logged_in("vera").get(ALERTS).text

    assert "Approval drop" in page
    assert "&lt;b&gt;61.0%&lt;/b&gt;" in page
    assert "it seems to have begun at about" in page
    assert "Acknowledge" not in page
    assert "names nobody" in page


def test_it_is_counted_in_the_menu_until_somebody_looked_at_it(alerting):
    olga = alerting.logged_in("olga")
    assert "waiting: </span>1</span>" in olga.get(ALERTS).text

    page = olga.post(
        acknowledge_path(alerting),
        {"note": "Alpha has an outage"},
        token_from=ALERTS,
        follow_redirects=True,
    ).text

    assert "Your note is stored" in page
    assert "Alpha has an outage" in page
    assert "looked at" in page
    assert "waiting: </span>1</span>" not in page


def test_a_note_must_say_something(alerting):
    answer = alerting.logged_in("olga").post(
        acknowledge_path(alerting), {"note": " "}, token_from=ALERTS
    )

    assert answer.status_code == 422
    assert "Say why" in answer.text


def test_a_rule_is_changed_with_a_reason(alerting):
    olga, path = alerting.logged_in("olga"), rule_path(alerting)

    page = olga.post(path, a_form(), token_from=path, follow_redirects=True).text

    assert "is changed" in page
    assert "more than 7.5 points below" in page
    rule = alerting.services.alerts.rules()[0].rule
    assert (rule.threshold, rule.window_min, rule.min_sample) == (7.5, 45, 80)


def test_a_rule_is_switched_off(alerting):
    olga, path = alerting.logged_in("olga"), rule_path(alerting)

    olga.post(path, a_form(is_enabled=""), token_from=path)

    assert not alerting.services.alerts.rules()[0].rule.is_enabled


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"threshold": "-1"}, "plain number"),
        ({"threshold": "1e9"}, "plain number"),
        ({"threshold": "nan"}, "plain number"),
        ({"threshold": "500"}, "between 1 and 100"),
        ({"window_min": "1"}, "between 5 and 1440"),
        ({"window_min": "²"}, "whole numbers"),
        ({"min_sample": "3"}, "fewer say nothing"),
        ({"version": ""}, "whole numbers"),
        ({"reason": ""}, "Say why"),
    ],
)
def test_what_cannot_be_a_rule_comes_back_as_it_was_typed(alerting, fields, problem):
    olga, path = alerting.logged_in("olga"), rule_path(alerting)

    answer = olga.post(path, a_form(**fields), token_from=path)

    assert answer.status_code == 422
    assert problem in answer.text
    assert alerting.services.alerts.rules()[0].version == 1


def test_a_stale_rule_is_shown_as_it_is_now(alerting):
    olga, path = alerting.logged_in("olga"), rule_path(alerting)
    olga.post(path, a_form(threshold="9"), token_from=path)

    answer = olga.post(path, a_form(threshold="4"), token_from=path)

    assert answer.status_code == 409
    assert "Somebody else changed this rule" in answer.text
    assert 'value="9"' in answer.text


@pytest.mark.parametrize("name", ["finn", "vera", "ari"])
def test_only_ops_and_admin_change_what_is_watched(alerting, name):
    person = alerting.logged_in(name)

    assert "Change<span" not in person.get(ALERTS).text
    assert person.get(rule_path(alerting)).status_code == 403
    assert person.post(rule_path(alerting), a_form(), token_from=ALERTS).status_code == 403
    assert (
        person.post(acknowledge_path(alerting), {"note": "x"}, token_from=ALERTS).status_code == 403
    )


def test_what_does_not_exist_is_not_found(alerting):
    olga = alerting.logged_in("olga")

    assert olga.get(f"{ALERTS}rules/999999").status_code == 404
    assert (
        olga.post(f"{ALERTS}999/acknowledge", {"note": "x"}, token_from=ALERTS).status_code == 404
    )


def test_the_journal_tells_of_both(alerting):
    olga, path = alerting.logged_in("olga"), rule_path(alerting)
    olga.post(path, a_form(), token_from=path)
    olga.post(acknowledge_path(alerting), {"note": "Alpha knows"}, token_from=ALERTS)

    page = alerting.logged_in("ada").get("/admin/journal/").text

    assert "changed the alert rule “Approval drop”" in page
    assert "acknowledged the alert “Approval drop” at alpha" in page
