"""Circuits to rows and back."""

from typing import Any

from sqlalchemy import RowMapping

from payorch.domain.circuit import Evidence
from payorch.domain.shared_circuit import Hold, HoldKind, OpenedBecause, Opening, SharedCircuit


def circuit_from(row: RowMapping) -> SharedCircuit:
    return SharedCircuit(
        provider_code=row["provider_code"],
        version=row["version"],
        opening=_opening_from(row),
        open_until=row["open_until"],
        open_for_s=row["open_for_s"],
        closed_at=row["closed_at"],
        openings=row["openings"],
        probes_passed=row["probes_passed"],
        probe_token=row["probe_token"],
        probe_until=row["probe_until"],
        hold=_hold_from(row),
    )


def circuit_values(circuit: SharedCircuit) -> dict[str, Any]:
    opening, hold = circuit.opening, circuit.hold
    evidence = opening.evidence if opening else Evidence()
    return {
        "version": circuit.version,
        "opened_at": opening.at if opening else None,
        "opened_because": opening.because.value if opening else None,
        "opened_by": opening.seen_by if opening else None,
        **evidence_values(evidence),
        "open_until": circuit.open_until,
        "open_for_s": circuit.open_for_s,
        "closed_at": circuit.closed_at,
        "openings": circuit.openings,
        "probes_passed": circuit.probes_passed,
        "probe_token": circuit.probe_token,
        "probe_until": circuit.probe_until,
        "hold_kind": hold.kind.value if hold else None,
        "hold_since": hold.since if hold else None,
        "hold_until": hold.until if hold else None,
        "hold_reason": hold.reason if hold else None,
        "held_by": hold.held_by if hold else None,
    }


def evidence_values(evidence: Evidence) -> dict[str, Any]:
    return {
        "calls": evidence.calls,
        "failures": evidence.failures,
        "reasons": dict(evidence.reasons),
    }


def evidence_from(row: RowMapping) -> Evidence:
    return Evidence(row["calls"], row["failures"], row["reasons"])


def _opening_from(row: RowMapping) -> Opening | None:
    if row["opened_at"] is None:
        return None
    return Opening(
        at=row["opened_at"],
        because=OpenedBecause(row["opened_because"]),
        evidence=evidence_from(row),
        seen_by=row["opened_by"],
    )


def _hold_from(row: RowMapping) -> Hold | None:
    if row["hold_kind"] is None:
        return None
    return Hold(
        kind=HoldKind(row["hold_kind"]),
        since=row["hold_since"],
        until=row["hold_until"],
        reason=row["hold_reason"],
        held_by=row["held_by"],
    )
