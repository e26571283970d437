"""A fake clock whose wall time somebody sets, as an operator or a time server would."""

from datetime import datetime, timedelta

from tests.fakes import FakeClock


class WanderingClock(FakeClock):
    """`set_ahead` moves `now`, backwards too; `monotonic` goes on as it did."""

    def __init__(self, started: datetime | None = None) -> None:
        super().__init__()
        if started is not None:
            self.started = started

    def set_ahead(self, **duration: float) -> None:
        self.started += timedelta(**duration)
