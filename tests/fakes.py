"""Stand-ins for the seams: a clock that only moves when told, a process that dies on cue."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from payorch.infrastructure.system_clock import SystemClock
from payorch.wiring import Seams


class FakeClock:
    """Sleeping moves it at once, so that waiting costs a test nothing."""

    def __init__(self) -> None:
        self.started = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return self.started + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    def sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds

    def advance(self, **duration: float) -> None:
        self.elapsed_s += timedelta(**duration).total_seconds()


class SkippingClock(SystemClock):
    """The time of the machine and of the provider's ledger, but waiting is skipped."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._skipped_s)

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped_s

    def sleep(self, seconds: float) -> None:
        self._skipped_s += seconds


class SimulatedCrash(BaseException):
    """The process is gone. Not an Exception, so that no handler of ours can swallow it."""


class CrashAt:
    """A checkpoint that kills the process when it is passed for the n-th time (from 1)."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) == self._at:
            raise SimulatedCrash(name)


class Meanwhile:
    """A checkpoint at which something else happens, the first time it is passed."""

    def __init__(self, name: str, happens: Callable[[], None]) -> None:
        self._name = name
        self._happens = happens
        self._is_over = False

    def __call__(self, name: str) -> None:
        if name == self._name and not self._is_over:
            self._is_over = True
            self._happens()


def fake_time(clock: FakeClock, **seams) -> Seams:
    """Seams on a fake clock; leases follow it on PostgreSQL too."""
    return Seams(clock=clock, uses_database_clock=False, **seams)
