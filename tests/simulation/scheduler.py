"""Tasks on a virtual clock. The next thing to happen is drawn, among what is due, by the seed."""

import heapq
import itertools
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

from tests.fakes import SimulatedCrash

MOST_STEPS = 20_000
"""A story takes some hundred steps; one that takes this many goes round in circles."""


class Mortal(Protocol):
    is_dead: bool


class NeverRests(Exception):
    """The story did not come to an end: something is done over and over again."""


class Signal:
    """Something that tasks wait for. It is set once."""

    def __init__(self) -> None:
        self.is_set = False
        self.waiting: list[tuple[Task, int]] = []


class Task:
    """`life` is the process it runs in; None for what lies outside, such as a customer."""

    def __init__(self, name: str, life: Mortal | None) -> None:
        self.name = name
        self.life = life
        self.done = Signal()
        self.result: Any = None
        self.error: BaseException | None = None
        self.charges_sent = 0
        self.wake_number = 0
        self.greenlet: greenlet


class Scheduler:
    def __init__(self, chance: Random, on_death: Callable[[Any], None]) -> None:
        self.now_s = 0.0
        self.current: Task | None = None
        self._chance = chance
        self._on_death = on_death
        self._hub = getcurrent()
        self._numbers = itertools.count()
        # (time, a draw that orders what is due at the same time, number, what, its wake number)
        self._queue: list[tuple[float, float, int, Task | Callable[[], None], int]] = []
        self._alive: list[Task] = []
        self._steps = 0

    def spawn(self, name: str, run: Callable[[], Any], life: Mortal | None = None) -> Task:
        task = Task(name, life)
        task.greenlet = greenlet(lambda: self._live(task, run), parent=self._hub)
        self._alive.append(task)
        self._push(self.now_s, task)
        return task

    def at(self, time_s: float, callback: Callable[[], None]) -> None:
        """Something outside of all tasks: it happens even when who caused it is dead by then."""
        self._push(time_s, callback)

    def sleep(self, seconds: float) -> None:
        """Also 0: whatever else is due may come first."""
        task = self._current()
        self._push(self.now_s + max(seconds, 0.0), task)
        self._switch_away(task)

    def wait(self, signal: Signal, timeout_s: float) -> bool:
        """Whether the signal came in time."""
        if signal.is_set:
            return True
        task = self._current()
        signal.waiting.append((task, task.wake_number))
        self._push(self.now_s + timeout_s, task)
        self._switch_away(task)
        return signal.is_set

    def set(self, signal: Signal) -> None:
        signal.is_set = True
        for task, wake_number in signal.waiting:
            self._push(self.now_s, task, wake_number)
        signal.waiting.clear()

    def run(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Until `is_over`, or nothing is left to happen."""
        while self._queue and not is_over():
            time_s, _, _, what, wake_number = heapq.heappop(self._queue)
            self.now_s = max(self.now_s, time_s)
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise NeverRests(f"More than {MOST_STEPS} steps.")
            if not isinstance(what, Task):
                what()
            elif not what.done.is_set and what.wake_number == wake_number:
                self._resume(what)

    def has_plans(self) -> bool:
        """Whether anything else is still going to happen."""
        return any(
            not isinstance(what, Task)
            or (what is not self.current and what.wake_number == wake_number)
            for _, _, _, what, wake_number in self._queue
            if not (isinstance(what, Task) and what.done.is_set)
        )

    def kill(self, life: Mortal) -> None:
        """All tasks of a process end where they are. Called outside of them."""
        life.is_dead = True
        for task in [task for task in self._alive if task.life is life]:
            if task.greenlet:
                self.current = task
                task.greenlet.throw(SimulatedCrash("with its process"))
                self.current = None
            if not task.done.is_set:
                self._finish(task, SimulatedCrash("before it began"))

    def _resume(self, task: Task) -> None:
        task.wake_number += 1
        self.current = task
        task.greenlet.switch()
        self.current = None
        if isinstance(task.error, SimulatedCrash) and task.life is not None:
            self.kill(task.life)
            self._on_death(task.life)

    def _live(self, task: Task, run: Callable[[], Any]) -> None:
        error: BaseException | None = None
        try:
            task.result = run()
        except (SimulatedCrash, Exception) as raised:  # noqa: BLE001 - told to who waits for it
            error = raised
        self._finish(task, error)

    def _finish(self, task: Task, error: BaseException | None) -> None:
        task.error = error
        self._alive.remove(task)
        self.set(task.done)

    def _push(
        self, time_s: float, what: Task | Callable[[], None], wake_number: int | None = None
    ) -> None:
        if wake_number is None:
            wake_number = what.wake_number if isinstance(what, Task) else 0
        entry = (time_s, self._chance.random(), next(self._numbers), what, wake_number)
        heapq.heappush(self._queue, entry)

    def _switch_away(self, task: Task) -> None:
        if task.life is not None and task.life.is_dead:
            raise SimulatedCrash("its process is gone")
        self._hub.switch()

    def _current(self) -> Task:
        if self.current is None:
            raise RuntimeError("Only a task can wait.")
        return self.current
