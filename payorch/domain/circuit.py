"""Circuit breaker: stops sending to a provider that fails technically, never because of declines.

Pure: times come in as monotonic seconds. CLOSED counts technical failures within a window;
OPEN refuses for a while, longer after each failed probe; HALF_OPEN lets single probes through.
This is one process's own breaker; shared_circuit.py is what all processes agree on.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from payorch.domain.outcome import NotSent, NotSentReason, Outcome, Unknown, UnknownReason

FAILURES: frozenset[str] = frozenset(
    {
        NotSentReason.CONNECTION_REFUSED,
        NotSentReason.DNS_FAILED,
        NotSentReason.CONNECT_TIMEOUT,
        NotSentReason.TLS_FAILED,
        NotSentReason.RATE_LIMITED,
        NotSentReason.NOT_PROCESSED,
        NotSentReason.BAD_CREDENTIALS,
        UnknownReason.READ_TIMEOUT,
        UnknownReason.CONNECTION_LOST,
        UnknownReason.SERVER_ERROR,
        UnknownReason.UNREADABLE_ANSWER,
        UnknownReason.UNSEEN_STATUS,
        UnknownReason.AMOUNT_MISMATCH,
        UnknownReason.REFERENCE_MISMATCH,
        UnknownReason.UNEXPECTED_ERROR,
    }
)
"""Reasons that speak against the provider.

An invalid request is none: it speaks of one customer's data, and who sends such data on purpose
must not be able to switch a provider off for everybody.
"""

NOT_CALLED: frozenset[str] = frozenset(
    {
        NotSentReason.CIRCUIT_OPEN,
        NotSentReason.BULKHEAD_FULL,
        NotSentReason.NOT_BUILT,
        UnknownReason.PROCESS_DIED,
    }
)
"""Attempts that tell nothing about the provider: it was not asked, or nobody listened."""


def failure_of(outcome: Outcome) -> str | None:
    """The reason why this outcome of a call speaks against the provider; None when it does not."""
    if isinstance(outcome, (NotSent, Unknown)) and outcome.reason in FAILURES:
        return outcome.reason.value
    return None


def was_called(outcome: Outcome) -> bool:
    """Whether this outcome tells anything about the provider's health."""
    return not (isinstance(outcome, (NotSent, Unknown)) and outcome.reason in NOT_CALLED)


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CircuitSettings:
    """Opens when, of at least `min_calls` within `window_s`, `failure_share` failed technically."""

    window_s: float = 30.0
    min_calls: int = 8
    failure_share: float = 0.5
    open_s: float = 15.0
    max_open_s: float = 120.0
    probes_to_close: int = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Calls of a window and how many of them failed technically, by reason."""

    calls: int = 0
    failures: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of technical failures; 0 without calls."""
        return self.failures / self.calls if self.calls else 0.0

    def condemns(self, settings: CircuitSettings) -> bool:
        """Whether it is enough to open a circuit."""
        return self.calls >= settings.min_calls and self.share >= settings.failure_share


@dataclass(slots=True)
class Circuit:
    """One provider's breaker. Not thread-safe: its keeper holds a lock around each call."""

    settings: CircuitSettings
    state: CircuitState = CircuitState.CLOSED
    _calls: deque[tuple[float, str | None]] = field(default_factory=deque)
    # Kept as counts: a busy provider's window holds thousands of calls.
    _reasons: Counter[str] = field(default_factory=Counter)
    _open_until: float = 0.0
    _open_for_s: float = 0.0
    _probe_started_at: float | None = None
    _probes_passed: int = 0

    def look(self, now: float) -> CircuitState:
        """The state at `now`: an open circuit whose time is over is half open."""
        if self.state is CircuitState.OPEN and now >= self._open_until:
            self.state = CircuitState.HALF_OPEN
            self._probe_started_at = None
            self._probes_passed = 0
        return self.state

    def opens_again_in_s(self, now: float) -> float:
        """Seconds until the next probe is allowed; 0 when calls may pass."""
        return max(0.0, self._open_until - now) if self.look(now) is CircuitState.OPEN else 0.0

    def admits(self, now: float) -> bool:
        """Whether a call could be sent now. In HALF_OPEN one probe at a time may.

        A probe whose result never came (its process thread died) is forgotten after the time
        the circuit was open, so that the provider is not locked out for ever.
        """
        match self.look(now):
            case CircuitState.CLOSED:
                return True
            case CircuitState.OPEN:
                return False
            case CircuitState.HALF_OPEN:
                started = self._probe_started_at
                return started is None or now - started >= self._open_for_s

    def try_acquire(self, now: float) -> bool:
        """Whether a call may be sent now, which is then sent: in HALF_OPEN it is the probe."""
        is_admitted = self.admits(now)
        if is_admitted and self.state is CircuitState.HALF_OPEN:
            self._probe_started_at = now
        return is_admitted

    def record(self, failure: str | None, *, now: float) -> bool:
        """Counts one finished call; `failure` is why it failed technically. True when it opens."""
        if self.look(now) is CircuitState.HALF_OPEN:
            return self._record_probe(has_failed=failure is not None, now=now)
        self.observe(failure, now=now)
        if self.state is CircuitState.CLOSED and self.evidence(now).condemns(self.settings):
            self._open(now, self.settings.open_s)
            return True
        return False

    def observe(self, failure: str | None, *, now: float) -> None:
        """Counts a finished call without acting on it: somebody else decides about the circuit."""
        self._calls.append((now, failure))
        if failure is not None:
            self._reasons[failure] += 1

    def cool_down(self, for_s: float, *, now: float) -> None:
        """Opens because the provider asked us to wait; never shortens a longer wait."""
        if self.opens_again_in_s(now) < for_s:
            self._open(now, for_s)

    def evidence(self, now: float) -> Evidence:
        """What the window shows at `now`."""
        while self._calls and now - self._calls[0][0] > self.settings.window_s:
            _, failure = self._calls.popleft()
            if failure is not None:
                self._reasons[failure] -= 1
        reasons = +self._reasons
        return Evidence(len(self._calls), reasons.total(), dict(reasons))

    def reset(self) -> None:
        """Closed, and what was seen so far no longer counts."""
        self.state = CircuitState.CLOSED
        self._calls.clear()
        self._reasons.clear()

    def _record_probe(self, *, has_failed: bool, now: float) -> bool:
        self._probe_started_at = None
        if has_failed:
            self._open(now, longer(self._open_for_s, self.settings))
            return True
        self._probes_passed += 1
        if self._probes_passed >= self.settings.probes_to_close:
            self.reset()
        return False

    def _open(self, now: float, for_s: float) -> None:
        self.state = CircuitState.OPEN
        self._open_for_s = for_s
        self._open_until = now + for_s


def longer(open_for_s: float, settings: CircuitSettings) -> float:
    """How long a circuit stays open after a failed probe, when it was open for so long before."""
    return min(max(open_for_s * 2, settings.open_s), max(settings.max_open_s, open_for_s))
