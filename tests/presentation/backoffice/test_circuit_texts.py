"""Circuits in words, with their countdowns, reasons and times."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.application.circuit_board import (
    CircuitIncident,
    CircuitView,
    IncidentEnd,
    IncidentKind,
)
from payorch.domain.circuit import CircuitState, Evidence
from payorch.domain.shared_circuit import Hold, HoldKind, OpenedBecause
from payorch.presentation.backoffice.routing.circuit_texts import (
    ENDS,
    KINDS,
    duration,
    health_of,
    incident_line,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FAILED = Evidence(12, 9, {"connection_refused": 2, "read_timeout": 7})
WHY = "9 of 12 calls failed: no answer in time (7), connection refused (2)"


def an_opening(state, **fields):
    defaults = {
        "evidence": FAILED,
        "because": OpenedBecause.FAILURES,
        "since": NOW,
        "seen_by": "web-1:4711",
    }
    return CircuitView(state, **(defaults | fields))


def test_a_closed_circuit_says_what_failed_lately():
    assert health_of(CircuitView(CircuitState.CLOSED)).detail == "no recent failures"

    health = health_of(CircuitView(CircuitState.CLOSED, evidence=Evidence(9, 1, {"dns_failed": 1})))

    assert (health.label, health.tone) == ("Closed", "success")
    assert health.detail == "1 of 9 calls failed: its name could not be resolved (1)"


@pytest.mark.parametrize(("left_s", "shown"), [(12.4, "13 s"), (0.1, "1 s"), (90.0, "1 min 30 s")])
def test_an_open_one_says_why_since_when_who_saw_it_and_when_the_next_probe_is(left_s, shown):
    health = health_of(an_opening(CircuitState.OPEN, changes_in_s=left_s))

    assert (health.label, health.tone, health.detail) == ("Open", "danger", WHY)
    assert (health.countdown_label, health.countdown) == ("next probe in", shown)
    assert (health.since, health.seen_by) == (NOW, "web-1:4711")


def test_a_half_open_one_has_no_countdown():
    health = health_of(an_opening(CircuitState.HALF_OPEN))

    assert (health.label, health.tone, health.countdown_s) == ("Half open", "warning", None)
    assert health.detail == f"one call at a time, as a probe; {WHY}"


def test_a_cool_down_and_an_own_circuit_say_so():
    asked = an_opening(CircuitState.OPEN, because=OpenedBecause.RATE_LIMITED)
    own = CircuitView(CircuitState.OPEN, 3, FAILED, is_own=True)

    assert health_of(asked).detail == "it asked us to wait"
    assert health_of(own).detail.endswith("only in the process that drew this page")


@pytest.mark.parametrize(
    ("kind", "label", "tone", "what"),
    [
        (HoldKind.OPEN, "Held open", "danger", "nothing is sent"),
        (HoldKind.CLOSED, "Held closed", "warning", "all calls pass, whatever fails"),
    ],
)
def test_a_hold_says_who_why_and_how_long(kind, label, tone, what):
    hold = Hold(kind, NOW, NOW + timedelta(hours=1), "maintenance", "olga@example.com")

    health = health_of(CircuitView(CircuitState.OPEN, changes_in_s=3600, hold=hold))

    assert (health.label, health.tone) == (label, tone)
    assert health.detail == f"{what}: maintenance"
    assert (health.countdown_label, health.countdown) == ("ends in", "1 h 0 min")
    assert health.seen_by == "olga@example.com"


def test_an_incident_is_one_line():
    incident = CircuitIncident(
        provider_code="alpha",
        kind=IncidentKind.FAILURES,
        began_at=NOW,
        ended_at=NOW + timedelta(minutes=3, seconds=5),
        ended_because=IncidentEnd.PROBES,
        evidence=FAILED,
        failed_probes=1,
        begun_by="web-1:4711",
        reason="",
    )

    line = incident_line(incident, NOW + timedelta(days=1))

    assert (line.kind, line.lasted) == ("Opened by failures", "3 min 5 s")
    assert line.why == f"{WHY}; 1 failed probe"
    assert line.ended_because == "probes passed"


def test_every_kind_and_end_has_its_words():
    assert set(KINDS) == set(IncidentKind)
    assert set(ENDS) == set(IncidentEnd)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert duration(seconds) == text
