"""Processes that live and die: payorch wired once per life, each seam in the story's hands."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

from sqlalchemy.exc import OperationalError

from payorch.config import Settings
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.persistence.database import Database
from payorch.wiring import Seams, wire
from payorch.wiring import base as wiring_base
from tests.fakes import SimulatedCrash
from tests.simulation.network import SimulatedTransport
from tests.simulation.watched_ledger import watched_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sqlalchemy import Connection

    from tests.simulation.world import World

BEGAN_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STALLS_S = (2.0, 20.0, 70.0, 400.0)
"""A garbage collection, a swapping host, a laptop lid: shorter and longer than the leases."""


class Life:
    """One life of one process: what it keeps in memory goes with it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.is_dead = False
        self.is_writing = False
        self.clock = VirtualClock(self)
        seams = Seams(
            clock=self.clock,
            ids=SeededIds(world.ids_chance),
            checkpoint=self.pass_point,
            transport=SimulatedTransport(self),
            uses_database_clock=False,
        )
        with (
            patch.object(wiring_base, "Database", lambda engine: SimulatedDatabase(engine, self)),
            patch.object(wiring_base, "SqlAlchemyPaymentLedger", watched_ledger(world.find)),
        ):
            self.wired = wire(Settings(), world.engine, seams)
        self.services = self.wired.services

    def pass_point(self, name: str) -> None:
        """A seam: the process may die here or stall, and others may run; those wait for the end
        of a transaction, as SQLite makes them.
        """
        if self.is_dead:
            raise SimulatedCrash(name)
        world = self.world
        world.note(name)
        if world.dies_here():
            world.note("CRASH at", name)
            raise SimulatedCrash(name)
        if not self.is_writing and world.scheduler.current is not None:
            stall_s = 0.0
            if world.chance.random() < world.weather.stalls:
                stall_s = world.chance.choice(STALLS_S)
                world.note("stalls for", stall_s)
            world.scheduler.sleep(stall_s)


class VirtualClock:
    def __init__(self, life: Life) -> None:
        self._life = life

    def now(self) -> datetime:
        return BEGAN_AT + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._life.world.scheduler.now_s

    def sleep(self, seconds: float) -> None:
        self._life.world.scheduler.sleep(seconds)


class SeededIds:
    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def order_id(self) -> OrderId:
        return OrderId(f"po_{self._chance.getrandbits(64):016x}")

    def transaction_id(self) -> TransactionId:
        return TransactionId(f"pa_{self._chance.getrandbits(64):016x}")

    def refund_id(self) -> RefundId:
        return RefundId(f"re_{self._chance.getrandbits(64):016x}")

    def random(self) -> float:
        return self._chance.random()


class SimulatedDatabase(Database):
    """Others may run before and after each write transaction, never within; and each may fail."""

    def __init__(self, engine, life: Life) -> None:
        super().__init__(engine)
        self._life = life

    @contextmanager
    def tx(self) -> Iterator[Connection]:
        world = self._life.world
        self._life.pass_point("begin")
        world.fail_database("is away")
        try:
            self._life.is_writing = True
            with super().tx() as connection:
                yield connection
                self._life.pass_point("commit")
        finally:
            self._life.is_writing = False
        self._life.pass_point("committed")
        # A failover: the commit is durable, but nobody is told (reliability.md, F8).
        world.fail_database("lost the commit's reply")

    @contextmanager
    def look_up(self) -> Iterator[Connection]:
        # No switch: a caller may hold a lock of its process here.
        self._life.world.fail_database("is away for a read")
        with super().look_up() as connection:
            yield connection


def database_error(what: str) -> OperationalError:
    return OperationalError(f"the database {what}", None, Exception(what))
