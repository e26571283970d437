"""Ports to the circuit breakers: what routing asks, what processes share, what pages show.

Processes agree through the database by rare writes in transactions of their own; a payment on the
healthy path never makes one. Whoever changes a circuit also raises the configuration's revision,
which every payment reads with its order: so the others learn of it at their next order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.domain.circuit import CircuitState, Evidence
from payorch.domain.shared_circuit import Hold, OpenedBecause, SharedCircuit


@dataclass(frozen=True, slots=True)
class CircuitView:
    """A breaker as pages show it. `changes_in_s` is None when the state does not end by itself.

    `evidence` is why it opened, or of a closed one what this process saw lately. `is_own`: only
    this process has it open; the others see the provider working, or could not be told.
    `times` are by the database's clock; those of a circuit that is only our own are None.
    """

    state: CircuitState
    changes_in_s: float | None = None
    evidence: Evidence = field(default_factory=Evidence)
    because: OpenedBecause | None = None
    since: datetime | None = None
    until: datetime | None = None
    seen_by: str = ""
    hold: Hold | None = None
    is_own: bool = False
    version: int = 0
    openings: int = 0


class CircuitBoard(Protocol):
    """What the routing and the pages may know of the providers' circuit breakers."""

    def follow(self, revision: int) -> None:
        """Learn what others changed up to this revision of the configuration, if not yet known."""

    def view(self, provider_code: str) -> CircuitView: ...

    def is_open(self, provider_code: str) -> bool:
        """Whether a call now would be refused, also because another one is the probe."""

    def is_held_open(self, provider_code: str) -> bool:
        """Whether staff let nothing pass; then not even the last provider left is asked."""

    def recent_failure_share(self, provider_code: str) -> float: ...


@dataclass(frozen=True, slots=True)
class CircuitReading:
    """All circuits that ever changed, by provider, at `read_at` of the clock they are kept by."""

    circuits: Mapping[str, SharedCircuit]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """Whether this process may send the probe (`token`), and the circuit as it is."""

    token: int | None
    reading: CircuitReading


class SharedCircuits(Protocol):
    """The circuits in the database. Every method raises LedgerUnavailable."""

    def load(self) -> CircuitReading: ...

    def evidence(self, provider_code: str, *, window_s: float) -> Evidence:
        """What the attempts of all processes show, since the circuit last closed at most."""

    def open(
        self,
        provider_code: str,
        *,
        because: OpenedBecause,
        evidence: Evidence,
        for_s: float,
        seen_by: str,
    ) -> CircuitReading:
        """Open it unless somebody else was faster; the circuit as it is now."""

    def take_probe(self, provider_code: str, *, lease_s: float) -> ProbeAnswer:
        """At most one process holds the probe's lease, by the database's clock."""

    def pass_probe(self, provider_code: str, *, token: int) -> CircuitReading: ...

    def fail_probe(
        self,
        provider_code: str,
        *,
        token: int,
        failure: str,
        at_least_s: float,
        seen_by: str,
    ) -> CircuitReading: ...


class CircuitHolds(Protocol):
    """What staff decide instead of the breaker: journalled, in force at every next order."""

    def circuit(self, provider_code: str) -> SharedCircuit: ...

    def hold(self, provider_code: str, hold: Hold, *, seen_version: int) -> None:
        """Raises CircuitChangedMeanwhile when the circuit is another than the one looked at."""

    def release(self, provider_code: str, *, actor: str, reason: str, at: datetime) -> bool:
        """False when nothing was held any more."""


class IncidentKind(StrEnum):
    FAILURES = "failures"
    RATE_LIMITED = "rate_limited"
    HELD_OPEN = "held_open"
    HELD_CLOSED = "held_closed"


class IncidentEnd(StrEnum):
    PROBES = "probes_passed"
    EXPIRED = "expired"
    RELEASED = "released"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class CircuitIncident:
    """A stretch in which a provider was not simply used: open by failures, or held by staff.

    `ended_at` is None while it lasts. `begun_by` is a process, or for a hold a person.
    """

    provider_code: str
    kind: IncidentKind
    began_at: datetime
    ended_at: datetime | None
    ended_because: IncidentEnd | None
    evidence: Evidence
    failed_probes: int
    begun_by: str
    reason: str


class CircuitHistory(Protocol):
    def circuit_incidents(
        self, since: datetime, until: datetime, *, provider_code: str | None = None
    ) -> tuple[CircuitIncident, ...]:
        """Those that touch [since, until), the newest 1,000 of them, oldest first."""
