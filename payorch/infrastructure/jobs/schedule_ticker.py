"""Turns schedules into jobs. Every process ticks; the fire time in the dedup key lets one win."""

import math
from datetime import UTC, datetime

from payorch.application.jobs import Schedule
from payorch.infrastructure.jobs.background import Background


class ScheduleTicker:
    def __init__(self, background: Background) -> None:
        self._background = background
        self._last: dict[str, datetime] = {}

    def tick(self) -> None:
        """Enqueue what is due since the last tick. Raises LedgerUnavailable."""
        for schedule in self._background.schedules:
            fire_time = last_fire_time(schedule, self._background.clock.now())
            name = schedule.kind.name
            # Asked of the database once per fire time, not at every tick of every process.
            if self._last.get(name) != fire_time:
                self._background.queue.fire(schedule, fire_time)
                self._last[name] = fire_time


def last_fire_time(schedule: Schedule, now: datetime) -> datetime:
    """The newest multiple of the schedule's period since 1970 that is not after `now`."""
    periods = math.floor(now.timestamp() / schedule.every_s)
    return datetime.fromtimestamp(periods * schedule.every_s, UTC)


def next_fire_time(schedule: Schedule, now: datetime) -> datetime:
    periods = math.floor(now.timestamp() / schedule.every_s) + 1
    return datetime.fromtimestamp(periods * schedule.every_s, UTC)
