"""What every clock keeps, the system's and those of the tests."""

from datetime import timedelta

import pytest

from payorch.application.ports import Clock
from payorch.infrastructure.system_clock import SystemClock
from tests.fakes import FakeClock
from tests.metrics_history import FrozenClock


@pytest.fixture(params=[SystemClock, FakeClock, FrozenClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_times_are_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_sleeping_takes_at_least_that_long_by_both_times(clock: Clock) -> None:
    now, monotonic = clock.now(), clock.monotonic()

    clock.sleep(0.01)

    assert clock.monotonic() - monotonic >= 0.0099
    assert clock.now() - now >= timedelta(seconds=0.0099)


def test_time_does_not_go_back_by_itself(clock: Clock) -> None:
    read = [clock.monotonic() for _ in range(5)]

    assert read == sorted(read)
