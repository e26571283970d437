"""The real clock, whose wall time can be moved; durations go on as they are."""

from datetime import datetime, timedelta

from payorch.infrastructure.system_clock import SystemClock


class JumpingClock(SystemClock):
    """Sleeping is real. `jump` moves `now`, forwards or backwards, and leaves `monotonic`."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead

    def jump(self, **duration: float) -> None:
        self._ahead += timedelta(**duration)
