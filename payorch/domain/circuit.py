"""Circuit breaker: stops sending to a provider that fails technically, never because of declines.

Pure: times come in as monotonic seconds. CLOSED counts technical failures within a window;
OPEN refuses for a while, longer after each failed probe; HALF_OPEN lets single probes through.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


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


@dataclass(slots=True)
class Circuit:
    """One provider's breaker. Not thread-safe: its keeper holds a lock around each call."""

    settings: CircuitSettings
    state: CircuitState = CircuitState.CLOSED
    _calls: deque[tuple[float, bool]] = field(default_factory=deque)
    # Kept as a count: a busy provider's window holds thousands of calls.
    _failures: int = 0
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

    def try_acquire(self, now: float) -> bool:
        """Whether a call may be sent now. In HALF_OPEN one probe at a time passes.

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
                if started is not None and now - started < self._open_for_s:
                    return False
                self._probe_started_at = now
                return True

    def record(self, *, is_technical_failure: bool, now: float) -> None:
        """Counts one finished call."""
        if self.look(now) is CircuitState.HALF_OPEN:
            self._record_probe(is_technical_failure=is_technical_failure, now=now)
            return
        self._calls.append((now, is_technical_failure))
        self._failures += is_technical_failure
        while self._calls and now - self._calls[0][0] > self.settings.window_s:
            _, has_failed = self._calls.popleft()
            self._failures -= has_failed
        if (
            self.state is CircuitState.CLOSED
            and len(self._calls) >= self.settings.min_calls
            and self.recent_failure_share() >= self.settings.failure_share
        ):
            self._open(now, self.settings.open_s)

    def recent_failure_share(self) -> float:
        """Share of technical failures among the calls still remembered; 0 without calls."""
        return self._failures / len(self._calls) if self._calls else 0.0

    def _record_probe(self, *, is_technical_failure: bool, now: float) -> None:
        self._probe_started_at = None
        if is_technical_failure:
            self._open(now, min(self._open_for_s * 2, self.settings.max_open_s))
            return
        self._probes_passed += 1
        if self._probes_passed >= self.settings.probes_to_close:
            self.state = CircuitState.CLOSED
            self._calls.clear()
            self._failures = 0

    def _open(self, now: float, for_s: float) -> None:
        self.state = CircuitState.OPEN
        self._open_for_s = for_s
        self._open_until = now + for_s
