"""Circuit breakers in words: what is sent now, why, since when, and what happens next."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from payorch.application.circuit_board import (
    CircuitIncident,
    CircuitView,
    IncidentEnd,
    IncidentKind,
)
from payorch.domain.circuit import CircuitState, Evidence
from payorch.domain.shared_circuit import HoldKind, OpenedBecause
from payorch.presentation.backoffice.payments.payment_texts import reason_text

NEXT_PROBE = "next probe in"
HOLD_ENDS = "ends in"

KINDS: Mapping[IncidentKind, str] = {
    IncidentKind.FAILURES: "Opened by failures",
    IncidentKind.RATE_LIMITED: "Opened: it asked us to wait",
    IncidentKind.HELD_OPEN: "Held open by staff",
    IncidentKind.HELD_CLOSED: "Held closed by staff",
}

ENDS: Mapping[IncidentEnd, str] = {
    IncidentEnd.PROBES: "probes passed",
    IncidentEnd.EXPIRED: "its time was over",
    IncidentEnd.RELEASED: "released by staff",
    IncidentEnd.REPLACED: "replaced by another hold",
}


@dataclass(frozen=True, slots=True)
class Health:
    """`label` says it without the color of `tone`. `countdown_s` runs on in the browser."""

    label: str
    tone: str
    detail: str
    countdown_label: str = ""
    countdown_s: int | None = None
    until: datetime | None = None
    since: datetime | None = None
    seen_by: str = ""

    @property
    def countdown(self) -> str:
        return duration(self.countdown_s or 0)


@dataclass(frozen=True, slots=True)
class IncidentLine:
    kind: str
    began_at: datetime
    ended_at: datetime | None
    lasted: str
    why: str
    begun_by: str
    ended_because: str


def health_of(circuit: CircuitView) -> Health:
    """It counts technical failures only, never declines."""
    if circuit.hold is not None:
        return _held(circuit)
    match circuit.state:
        case CircuitState.CLOSED:
            return Health("Closed", "success", _recent(circuit.evidence))
        case CircuitState.OPEN:
            return Health(
                label="Open",
                tone="danger",
                detail=_why(circuit),
                countdown_label=NEXT_PROBE,
                countdown_s=_whole(circuit.changes_in_s),
                until=circuit.until,
                since=circuit.since,
                seen_by=circuit.seen_by,
            )
        case CircuitState.HALF_OPEN:
            return Health(
                "Half open",
                "warning",
                f"one call at a time, as a probe; {_why(circuit)}",
                since=circuit.since,
                seen_by=circuit.seen_by,
            )


def _held(circuit: CircuitView) -> Health:
    hold = circuit.hold
    if hold is None:
        raise ValueError("Nobody holds this circuit.")
    is_open = hold.kind is HoldKind.OPEN
    what = "nothing is sent" if is_open else "all calls pass, whatever fails"
    return Health(
        label="Held open" if is_open else "Held closed",
        tone="danger" if is_open else "warning",
        detail=f"{what}: {hold.reason}",
        countdown_label=HOLD_ENDS,
        countdown_s=_whole(circuit.changes_in_s),
        until=hold.until,
        since=hold.since,
        seen_by=hold.held_by,
    )


def incident_line(incident: CircuitIncident, now: datetime) -> IncidentLine:
    seconds = ((incident.ended_at or now) - incident.began_at).total_seconds()
    why = incident.reason or counted(incident.evidence)
    if incident.failed_probes:
        why += f"; {incident.failed_probes} failed {_plural('probe', incident.failed_probes)}"
    return IncidentLine(
        kind=KINDS[incident.kind],
        began_at=incident.began_at,
        ended_at=incident.ended_at,
        lasted=duration(max(0, round(seconds))),
        why=why,
        begun_by=incident.begun_by,
        ended_because=ENDS[incident.ended_because] if incident.ended_because else "not over yet",
    )


def counted(evidence: Evidence) -> str:
    """As in: 9 of 12 calls failed: no answer in time (7), connection refused (2)."""
    text = f"{evidence.failures:,} of {evidence.calls:,} {_plural('call', evidence.calls)} failed"
    most_first = sorted(evidence.reasons.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{reason_text(reason)} ({number:,})" for reason, number in most_first)
    return f"{text}: {reasons}" if reasons else text


def duration(seconds: int) -> str:
    """As backoffice/circuits.js writes it: "45 s", "2 min 5 s", "3 h 20 min", "2 d 4 h"."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def _why(circuit: CircuitView) -> str:
    text = counted(circuit.evidence)
    if circuit.because is OpenedBecause.RATE_LIMITED:
        text = "it asked us to wait"
    elif not circuit.evidence.calls:
        text = "after a hold by staff"
    return f"{text}; only in the process that drew this page" if circuit.is_own else text


def _recent(evidence: Evidence) -> str:
    return counted(evidence) if evidence.failures else "no recent failures"


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, math.ceil(seconds))


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
