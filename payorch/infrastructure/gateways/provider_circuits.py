"""The circuit breakers as this process keeps them: its own evidence under what all have agreed on.

Calls are only counted in memory. What others have to know (an opening, how a probe ended) waits
until `tell`, which the payment flow calls after it has recorded the outcome: money comes first.
When the database does not answer, the process's own breaker stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import structlog

from payorch.application.circuit_board import CircuitReading, CircuitView, SharedCircuits
from payorch.domain.circuit import Circuit, CircuitSettings, CircuitState, Evidence
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.shared_circuit import HoldKind, SharedCircuit
from payorch.infrastructure.gateways.circuit_reports import (
    CircuitReports,
    CoolDown,
    ProbeResult,
    Suspicion,
)

ASK_AGAIN_S = 1.0
"""How often one process asks the database about one suspected provider, or about its probe."""

SUSPICIOUS_FAILURES = 2
"""A single failure is a matter of the payment it belongs to."""

SHARED_COOL_DOWN_S = 5.0
"""A shorter wait is over before the others would know of it; the provider tells each of them."""

MAX_COOL_DOWN_S = 600.0

_log = structlog.get_logger("payorch.circuits")


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a call may be sent; with a token it is the one probe of all processes."""

    may_send: bool
    probe_token: int | None = None


FREE = Permit(may_send=True)


@dataclass(slots=True)
class _Known:
    """One provider: our own breaker, and the shared circuit as last read.

    `busy_until`: somebody's probe is under way. `ask_at`: when the others' calls may be asked
    for again.
    """

    own: Circuit
    shared: SharedCircuit
    busy_until: float = 0.0
    ask_at: float = 0.0


class ProviderCircuits:
    """Thread-safe. Satisfies CircuitBoard."""

    def __init__(
        self,
        *,
        shared: SharedCircuits,
        monotonic: Callable[[], float],
        process_name: Callable[[], str],
        settings: CircuitSettings,
    ) -> None:
        self._shared = shared
        self._monotonic = monotonic
        self._settings = settings
        self._reports = CircuitReports(shared, settings, process_name)
        self._lock = Lock()
        self._following = Lock()
        self._followed = 0
        self._known: dict[str, _Known] = {}
        # The moment, by the database's clock, at which our monotonic clock showed 0.
        self._epoch: datetime | None = None

    # Asking

    def is_open(self, provider_code: str) -> bool:
        with self._lock:
            known, now = self._of(provider_code), self._monotonic()
            state, is_own = self._state(known, now)
            if state is CircuitState.HALF_OPEN:
                return not known.own.admits(now) if is_own else now < known.busy_until
            return state is CircuitState.OPEN

    def is_held_open(self, provider_code: str) -> bool:
        with self._lock:
            return self._is_held_open(self._of(provider_code), self._monotonic())

    def recent_failure_share(self, provider_code: str) -> float:
        """As this process saw it, or without calls of its own as it was when the circuit opened."""
        with self._lock:
            known = self._of(provider_code)
            evidence = known.own.evidence(self._monotonic())
            if not evidence.calls and known.shared.opening is not None:
                evidence = known.shared.opening.evidence
            return evidence.share

    def view(self, provider_code: str) -> CircuitView:
        with self._lock:
            known, now = self._of(provider_code), self._monotonic()
            state, is_own = self._state(known, now)
            own = known.own.evidence(now)
            shared = known.shared
            if is_own or self._epoch is None:
                wait_s = known.own.opens_again_in_s(now) or None
                return CircuitView(
                    state=state,
                    changes_in_s=wait_s,
                    evidence=own,
                    is_own=is_own,
                    version=shared.version,
                    openings=shared.openings,
                )
            at = self._database_time(now)
            until, opening = shared.changes_at(at), shared.opening
            return CircuitView(
                state=state,
                changes_in_s=None if until is None else (until - at).total_seconds(),
                evidence=opening.evidence if opening else own,
                because=opening.because if opening else None,
                since=opening.at if opening else None,
                until=until,
                seen_by=opening.seen_by if opening else "",
                hold=shared.hold_at(at),
                version=shared.version,
                openings=shared.openings,
            )

    # Sending

    def admit(self, provider_code: str, *, must_send: bool, lease_s: float) -> Permit:
        """Whether a call that takes less than `lease_s` may be sent now.

        `must_send`: there is nobody else left to ask; only staff can stop that. In HALF_OPEN it
        asks the database for the one probe's lease, at most once per ASK_AGAIN_S.
        """
        with self._lock:
            known, now = self._of(provider_code), self._monotonic()
            if self._is_held_open(known, now):
                return Permit(may_send=False)
            state, is_own = self._state(known, now)
            if is_own or state is CircuitState.CLOSED:
                return Permit(known.own.try_acquire(now) or must_send)
            if state is CircuitState.OPEN or now < known.busy_until:
                return Permit(must_send)
            known.busy_until = now + ASK_AGAIN_S
        return self._probe(provider_code, must_send=must_send, lease_s=lease_s)

    def _probe(self, provider_code: str, *, must_send: bool, lease_s: float) -> Permit:
        try:
            answer = self._shared.take_probe(provider_code, lease_s=lease_s)
        except LedgerUnavailable:
            # Nobody can be asked: at least this process sends no second one meanwhile.
            _log.warning("circuit_probe_not_shared", provider=provider_code)
            self._note_probe(provider_code, lease_s)
            return FREE
        self._adopt(answer.reading)
        if answer.token is not None:
            self._note_probe(provider_code, lease_s)
            return Permit(may_send=True, probe_token=answer.token)
        with self._lock:
            state, _ = self._state(self._of(provider_code), self._monotonic())
        return Permit(must_send or state is CircuitState.CLOSED)

    def _note_probe(self, provider_code: str, lease_s: float) -> None:
        with self._lock:
            self._of(provider_code).busy_until = self._monotonic() + lease_s

    def record(
        self,
        provider_code: str,
        failure: str | None,
        *,
        permit: Permit = FREE,
        retry_after_s: float | None = None,
    ) -> None:
        """Counts one finished call; `failure` is why it failed technically (circuit.failure_of)."""
        wait_s = min(retry_after_s or 0.0, MAX_COOL_DOWN_S) if failure is not None else 0.0
        with self._lock:
            known, now = self._of(provider_code), self._monotonic()
            if permit.probe_token is not None:
                known.own.observe(failure, now=now)
                self._reports.add(ProbeResult(provider_code, permit.probe_token, failure, wait_s))
            elif self._is_decided_by_all(known, now):
                known.own.observe(failure, now=now)
            else:
                self._record_own(known, provider_code, failure, wait_s, now)

    def _record_own(
        self, known: _Known, provider_code: str, failure: str | None, wait_s: float, now: float
    ) -> None:
        has_opened = known.own.record(failure, now=now)
        if failure is None:
            return
        evidence = known.own.evidence(now)
        if wait_s:
            known.own.cool_down(wait_s, now=now)
        if wait_s >= SHARED_COOL_DOWN_S:
            self._reports.add(CoolDown(provider_code, wait_s, evidence))
        elif has_opened or (evidence.failures >= SUSPICIOUS_FAILURES and now >= known.ask_at):
            known.ask_at = now + ASK_AGAIN_S
            self._reports.add(Suspicion(provider_code))

    # Agreeing with the others

    def follow(self, revision: int) -> None:
        if revision <= self._followed:
            return
        with self._following:
            if revision <= self._followed:
                return
            try:
                reading = self._shared.load()
            except LedgerUnavailable:
                _log.warning("circuits_not_read")
                return
            with self._lock:
                # After a restored backup circuits may be gone that we have known.
                for code in self._known.keys() - reading.circuits.keys():
                    self._known[code].shared = SharedCircuit(code)
            self._adopt(reading)
            self._followed = revision

    def tell(self) -> None:
        """Say in the database what happened since; without news it asks nothing."""
        for reading in self._reports.send(self._own_evidence):
            self._adopt(reading)

    def _own_evidence(self, provider_code: str) -> Evidence:
        with self._lock:
            return self._of(provider_code).own.evidence(self._monotonic())

    def _adopt(self, reading: CircuitReading) -> None:
        with self._lock:
            now = self._monotonic()
            self._epoch = reading.read_at - timedelta(seconds=now)
            for code, circuit in reading.circuits.items():
                known = self._of(code)
                if circuit.version != known.shared.version:
                    known.own.reset()
                if circuit.probe_until is None or circuit.version != known.shared.version:
                    known.busy_until = 0.0
                known.shared = circuit

    # Under the lock

    def _of(self, provider_code: str) -> _Known:
        known = self._known.get(provider_code)
        if known is None:
            known = _Known(Circuit(self._settings), SharedCircuit(provider_code))
            self._known[provider_code] = known
        return known

    def _state(self, known: _Known, now: float) -> tuple[CircuitState, bool]:
        """The state in force, and whether it is only our own."""
        if self._is_decided_by_all(known, now):
            return known.shared.state_at(self._database_time(now)), False
        state = known.own.look(now)
        return state, state is not CircuitState.CLOSED

    def _is_decided_by_all(self, known: _Known, now: float) -> bool:
        if self._epoch is None:
            return False
        at = self._database_time(now)
        return (
            known.shared.hold_at(at) is not None
            or known.shared.state_at(at) is not CircuitState.CLOSED
        )

    def _is_held_open(self, known: _Known, now: float) -> bool:
        if self._epoch is None:
            return False
        hold = known.shared.hold_at(self._database_time(now))
        return hold is not None and hold.kind is HoldKind.OPEN

    def _database_time(self, now: float) -> datetime:
        if self._epoch is None:
            raise RuntimeError("No circuit was read yet.")
        return self._epoch + timedelta(seconds=now)
