"""One story from its seed to its findings: everything that acts in it, on one virtual clock."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from structlog.testing import capture_logs

from payorch import paths
from payorch.config import Settings
from payorch.infrastructure.persistence import (
    job_queue,
    open_attempts,
    payment_ledger,
    refund_ledger,
)
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.system_clock import SystemClock
from payorch.wiring import base as wiring_base
from payorch.wiring import notices as wiring_notices
from payorch.wiring.base import data_keys_of
from tests.shop import a_method, seed
from tests.simulation.books import Books
from tests.simulation.lives import Life, database_error
from tests.simulation.oracle import judge
from tests.simulation.provider import KINDS, Providers
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.shoppers import Shopper, Told
from tests.simulation.staff import start_staff
from tests.simulation.weather import Weather
from tests.simulation.webhooks import Webhooks
from tests.simulation.workers import recover, start_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNTS = ("alpha", "beta", "gamma")
ARRANGEMENTS = (
    ("keys and tombstones", "keys and tombstones", "keys and tombstones"),
    ("keys and tombstones", "tombstones", "search"),
    ("tombstones", "keys", "nothing"),
    ("keys", "keys and tombstones", "tombstones"),
    ("search", "keys and tombstones", "keys"),
    ("nothing", "tombstones", "keys and tombstones"),
    ("tombstones", "tombstones", "tombstones"),
)


@dataclass(frozen=True, slots=True)
class Story:
    """How one seed ended. No `findings`: all is well. `points`: seams at which one could die."""

    seed: int
    crash_at: int | None
    findings: tuple[str, ...]
    points: int
    crashes: int
    orders: int
    charges: int
    trace: tuple[str, ...]


class Theatre:
    """One database in memory, emptied for each story: statements stay compiled from one to the
    next. `change_schema` lets a mutant take a rule out of the schema.
    """

    def __init__(self, change_schema: Callable[[str], str] | None = None) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        prepare_engine(self.engine)
        connection = self.engine.raw_connection().driver_connection
        assert isinstance(connection, sqlite3.Connection)
        self._live = connection
        Schema(self.engine, paths.MIGRATIONS).upgrade()
        self._empty = _copy_of(self._live)
        if change_schema is not None:
            self._empty = _rebuilt(self._empty, change_schema)
        self._seeded: dict[tuple[str, ...], sqlite3.Connection] = {}

    def set_up(self, kinds: tuple[str, ...]) -> None:
        """An empty database, with one payment method for each kind of provider."""
        if kinds not in self._seeded:
            self._empty.backup(self._live)
            methods = [
                a_method(name, timeout_s=10.0, capabilities=KINDS[kind])
                for name, kind in zip(ACCOUNTS, kinds, strict=True)
            ]
            seed(Database(self.engine), methods)
            # No process of a story is the first one of its installation.
            data_keys_of(Settings(), Database(self.engine), SystemClock()).prepare()
            self._seeded[kinds] = _copy_of(self._live)
        self._seeded[kinds].backup(self._live)


class World:
    """What the parts of a story share: the clock, chance, the weather and what was found out.

    Each kind of chance is a stream of its own, so that a fault more here leaves the rest alone.
    """

    def __init__(
        self, theatre: Theatre, seed: int, *, crash_at: int | None, is_traced: bool
    ) -> None:
        self.seed = seed
        self.engine = theatre.engine
        self.books = Books(theatre.engine)
        self.chance = Random(f"{seed}:world")
        self.ids_chance = Random(f"{seed}:ids")
        self.network_chance = Random(f"{seed}:network")
        self.provider_chance = Random(f"{seed}:providers")
        self.webhook_chance = Random(f"{seed}:webhooks")
        self.scheduler = Scheduler(Random(f"{seed}:order of things"), self._bring_back)
        weather = Weather.of if crash_at is None else Weather.without_crashes
        self.weather = weather(Random(f"{seed}:weather"))
        kinds = self.chance.choice(ARRANGEMENTS)
        theatre.set_up(kinds)
        self.webhooks = Webhooks(self)
        self.providers = Providers(self, dict(zip(ACCOUNTS, kinds, strict=True)))
        self.told: list[Told] = []
        self.cancelled: set[str] = set()
        self.findings: list[str] = []
        self.trace: list[str] | None = [] if is_traced else None
        self.points = self.crashes = 0
        self._crash_at = crash_at
        self._clients: list[Task] = []
        self._is_over = False
        self.note("weather:", self.weather, "providers:", kinds)
        self.web = [self._born(name, is_worker=False) for name in ("web1", "web2")]
        self.workers = [self._born(name, is_worker=True) for name in ("worker1", "worker2")]

    def tell(self) -> None:
        """The whole story: the storm, then the recovery, then the judgement."""
        for number in range(self.chance.choice((1, 1, 2))):
            Shopper(self, number).start()
        start_staff(self)
        self.scheduler.run(lambda: all(client.done.is_set for client in self._clients))
        for client in self._clients:
            if client.error is not None:
                raise client.error
        self.note("the sky clears")
        self._is_over = True
        self.weather.clear()
        for life in (*self.web, *self.workers):
            if not life.is_dead:
                self.scheduler.kill(life)
        # What is still on its way to a provider lands while the recovery runs, or after it.
        survivor = Life(self, "survivor")
        self.web = [survivor]
        recovery = self.scheduler.spawn("recovery", lambda: recover(self, survivor), survivor)
        self.scheduler.run()
        if recovery.error is not None:
            raise recovery.error
        for finding in judge(self):
            self.find(finding)

    def spawn_client(self, name: str, run: Callable[[], Any]) -> Task:
        task = self.scheduler.spawn(name, run)
        self._clients.append(task)
        return task

    def some_web(self) -> Life | None:
        """A web process that answers now; None while all are down."""
        alive = [life for life in self.web if not life.is_dead]
        return self.chance.choice(alive) if alive else None

    def dies_here(self) -> bool:
        """Whether the process that passes this seam dies at it."""
        if self._is_over:
            return False
        self.points += 1
        dies = self.points == self._crash_at or self.chance.random() < self.weather.crashes
        self.crashes += dies
        return dies

    def fail_database(self, what: str) -> None:
        if self.chance.random() < self.weather.database_faults:
            self.note("the database", what)
            raise database_error(what)

    def find(self, finding: str) -> None:
        """Something is wrong with payorch."""
        self.note("FINDING:", finding)
        self.findings.append(finding)

    def note(self, *words: object) -> None:
        """A line of the trace; words are put together only when somebody reads them."""
        if self.trace is not None:
            task = self.scheduler.current
            who = task.name if task is not None else "-"
            self.trace.append(
                f"{self.scheduler.now_s:10.2f}  {who:22}  {' '.join(map(str, words))}"
            )

    def _bring_back(self, dead: Life) -> None:
        """Whoever watches over the processes starts a new one in the place of one that died."""
        place = self.web if dead in self.web else self.workers

        def be_born() -> None:
            if not self._is_over:
                place[place.index(dead)] = self._born(dead.name, is_worker=place is self.workers)

        self.scheduler.at(self.scheduler.now_s + self.chance.choice((0.1, 3.0, 60.0)), be_born)

    def _born(self, name: str, *, is_worker: bool) -> Life:
        life = Life(self, name)
        if is_worker:
            start_worker(life)
        return life


def tell_story(
    theatre: Theatre, seed: int, *, crash_at: int | None = None, is_traced: bool = False
) -> Story:
    """The story of one seed; with `crash_at` a process dies at that seam, and at no other."""
    with quick_and_quiet():
        world = World(theatre, seed, crash_at=crash_at, is_traced=is_traced)
        world.tell()
    return Story(
        seed=seed,
        crash_at=crash_at,
        findings=tuple(world.findings),
        points=world.points,
        crashes=world.crashes,
        orders=len(world.books.orders()),
        charges=len(world.providers.payments()),
        trace=tuple(world.trace or ()),
    )


@contextmanager
def quick_and_quiet() -> Iterator[None]:
    """What a process works out once at its start is worked out once for all stories; no logs."""
    with ExitStack() as stack:
        for module, name in _WORKED_OUT_ONCE:
            original = getattr(module, name)
            once = _once.setdefault((module.__name__, name), functools.cache(original))
            stack.enter_context(patch.object(module, name, once))
        stack.enter_context(capture_logs())
        yield


_WORKED_OUT_ONCE = (
    (wiring_base, "load_shipped_policy"),
    (wiring_notices, "RenderedLetters"),
    (payment_ledger.sql, "leased_statements"),
    (open_attempts.sql, "leased_statements"),
    (job_queue, "job_claims"),
    (refund_ledger.sql, "leased_refund_statements"),
)
_once: dict[tuple[str, str], Callable[..., Any]] = {}


def _copy_of(connection: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    connection.backup(copy)
    return copy


def _rebuilt(database: sqlite3.Connection, change: Callable[[str], str]) -> sqlite3.Connection:
    script = "\n".join(database.iterdump())
    changed = change(script)
    if changed == script:
        raise ValueError("The schema does not hold what was to be changed.")
    rebuilt = sqlite3.connect(":memory:")
    rebuilt.executescript(changed)
    return rebuilt
