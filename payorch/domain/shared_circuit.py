"""One provider's circuit as all processes share it: its state, its probes and a hold by staff.

Pure: an immutable value with the changes it allows. `now` is always the time of the clock that
the stored times came from. `version` grows with every change that others have to learn of;
taking or passing a probe is none.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payorch.domain.circuit import CircuitSettings, CircuitState, Evidence, longer

MAX_HOLD = timedelta(days=7)
"""Longer than this a provider is disabled, not held: nobody remembers a hold of last month."""


class OpenedBecause(StrEnum):
    FAILURES = "failures"
    RATE_LIMITED = "rate_limited"


class HoldKind(StrEnum):
    """What staff decided instead of the breaker."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Hold:
    """Covers the breaker until `until`; underneath, the circuit stays as it is."""

    kind: HoldKind
    since: datetime
    until: datetime
    reason: str
    held_by: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Why a circuit opened, when (failed probes leave that as it was), and which process saw it."""

    at: datetime
    because: OpenedBecause
    evidence: Evidence
    seen_by: str


@dataclass(frozen=True, slots=True)
class SharedCircuit:
    """`opening` is None while closed. `probe_until` is the end of the running probe's lease."""

    provider_code: str
    version: int = 0
    opening: Opening | None = None
    open_until: datetime | None = None
    open_for_s: float = 0.0
    closed_at: datetime | None = None
    openings: int = 0
    probes_passed: int = 0
    probe_token: int = 0
    probe_until: datetime | None = None
    hold: Hold | None = None

    def hold_at(self, now: datetime) -> Hold | None:
        """The hold in force at `now`."""
        return self.hold if self.hold is not None and now < self.hold.until else None

    def state_at(self, now: datetime) -> CircuitState:
        """A provider to which staff let nothing pass is probed before it gets its traffic back."""
        hold = self.hold_at(now)
        if hold is not None:
            return CircuitState.OPEN if hold.kind is HoldKind.OPEN else CircuitState.CLOSED
        if self.opening is not None and self.open_until is not None:
            return CircuitState.OPEN if now < self.open_until else CircuitState.HALF_OPEN
        is_untested = self.hold is not None and self.hold.kind is HoldKind.OPEN
        return CircuitState.HALF_OPEN if is_untested else CircuitState.CLOSED

    def changes_at(self, now: datetime) -> datetime | None:
        """When the state at `now` ends by itself, if it does."""
        hold = self.hold_at(now)
        if hold is not None:
            return hold.until
        return self.open_until if self.state_at(now) is CircuitState.OPEN else None

    def opened(
        self,
        now: datetime,
        *,
        because: OpenedBecause,
        evidence: Evidence,
        for_s: float,
        seen_by: str,
    ) -> "SharedCircuit | None":
        """None unless it is closed and nobody holds it so."""
        if self.state_at(now) is not CircuitState.CLOSED or self.hold_at(now) is not None:
            return None
        return replace(
            self,
            version=self.version + 1,
            opening=Opening(now, because, evidence, seen_by),
            open_until=now + timedelta(seconds=for_s),
            open_for_s=for_s,
            openings=self.openings + 1,
            probes_passed=0,
            probe_until=None,
            hold=None,
        )

    def with_probe(self, now: datetime, *, lease_s: float) -> "SharedCircuit | None":
        """One more probe under a new token; None when another one runs or none is due."""
        is_busy = self.probe_until is not None and now < self.probe_until
        if is_busy or self.state_at(now) is not CircuitState.HALF_OPEN:
            return None
        return replace(
            self,
            probe_token=self.probe_token + 1,
            probe_until=now + timedelta(seconds=lease_s),
        )

    def after_passed_probe(
        self, now: datetime, *, token: int, settings: CircuitSettings
    ) -> "SharedCircuit | None":
        """Closed after enough of them. None when the probe's lease was given to another one."""
        if not self._awaits(token, now):
            return None
        if self.probes_passed + 1 < settings.probes_to_close:
            return replace(self, probes_passed=self.probes_passed + 1, probe_until=None)
        return replace(
            self,
            version=self.version + 1,
            opening=None,
            open_until=None,
            open_for_s=0.0,
            closed_at=now,
            probes_passed=0,
            probe_until=None,
            hold=None,
        )

    def after_failed_probe(
        self,
        now: datetime,
        *,
        token: int,
        failure: str,
        settings: CircuitSettings,
        seen_by: str,
        at_least_s: float = 0.0,
    ) -> "SharedCircuit | None":
        """Open again, for longer. None when the probe's lease was given to another one."""
        if not self._awaits(token, now):
            return None
        for_s = max(longer(self.open_for_s, settings), at_least_s)
        opening, openings = self.opening, self.openings
        if opening is None:
            # It was held open by staff and did not pass the test after it.
            evidence = Evidence(calls=1, failures=1, reasons={failure: 1})
            opening = Opening(now, OpenedBecause.FAILURES, evidence, seen_by)
            openings += 1
        return replace(
            self,
            version=self.version + 1,
            opening=opening,
            open_until=now + timedelta(seconds=for_s),
            open_for_s=for_s,
            openings=openings,
            probes_passed=0,
            probe_until=None,
            hold=None,
        )

    def held(self, hold: Hold) -> "SharedCircuit":
        return replace(self, version=self.version + 1, hold=hold, probe_until=None)

    def released(self) -> "SharedCircuit":
        """As it was before the hold, or as time has made it since."""
        return replace(self, version=self.version + 1, hold=None)

    def _awaits(self, token: int, now: datetime) -> bool:
        return (
            self.probe_token == token
            and self.probe_until is not None
            and self.state_at(now) is CircuitState.HALF_OPEN
        )
