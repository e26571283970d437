"""The ground on which all steps stand: two processes of payorch on one database, scripted
providers, a clock that is moved by hand, and what the model remembers.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine
from sqlalchemy import text

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.jobs import RECONCILE_REFUNDS, Job
from payorch.domain.routing_policy import PolicyEntry
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.persistence.database import Base
from payorch.infrastructure.system_clock import RandomIds
from tests.fakes import CrashAt, FakeClock, SimulatedCrash, fake_time
from tests.journalled import begin_anew, hand_at_the_journal
from tests.shop import Shop, a_method
from tests.simulation.books import Books
from tests.simulation.scripted_providers import NAMES, ScriptedProviders

if TYPE_CHECKING:
    from collections.abc import Callable

    from payorch.domain.errors import PayorchError
    from payorch.infrastructure.persistence.database import Database
    from tests.simulation.account import Payment
    from tests.simulation.machine.model import ModelOrder

T = TypeVar("T")

SETTINGS = {"payment_methods", "configuration", "routing_policies", "journal", "journal_head"}
RECOVERY_STEPS_MIN = (1, 1, 5, 20, 70, 400, 1500)
QUEUES = ("reconcile", "refunds", "webhooks")
"""Those that move money. Letters take most of the time and move none."""

WHICH = st.integers(0, 50)
"""One of those that there are, by its number; it goes round."""

EXPIRES_AFTER_MIN = 20_000
"""Two weeks, so that an order's time is over now and then, but not after each longer pause."""

_NO_JOB = Job(id=0, kind=RECONCILE_REFUNDS.name, payload={}, attempts=1)


class ShopFloor(RuleBasedStateMachine):
    """`database` is migrated and of no use to anybody else; it is set by `machine_on`."""

    database: Database
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        forget_orders(self.database)
        self.clock = FakeClock()
        self.providers = ScriptedProviders(self.clock)
        self.numbers = itertools.count(1)
        self.books = Books(self.database.engine)
        self.model: list[ModelOrder] = []
        self.order_of_trying = list(NAMES)
        self.accepted_secrets = [1]
        self.crash = CrashAt(None)
        self._ids = RepeatableChance()
        is_unseeded = not self.books.rows("SELECT id FROM payment_methods LIMIT 1")
        methods = [a_method(name, timeout_s=2.0) for name in NAMES] if is_unseeded else []
        self.shop = self.new_process(methods)
        self.other = self.new_process()
        self.publish(list(NAMES))

    def new_process(self, methods: list | None = None) -> Shop:
        return Shop(
            self.database,
            sandbox_url="http://providers",
            methods=methods or [],
            seams=fake_time(
                self.clock,
                ids=self._ids,
                checkpoint=self._pass_point,
                transport=self.providers,
            ),
            max_submissions_per_hour=1000,
            order_expires_after_min=EXPIRES_AFTER_MIN,
            sandbox_webhook_secret=",".join(map(secret_of, self.accepted_secrets)),
        )

    def dies(self, place: int, does: Callable[[], None]) -> bool:
        """Whether a process of its own died at its `place`-th crash point; another one follows."""
        self.crash = CrashAt(place)
        self.shop = self.new_process()
        try:
            does()
        except SimulatedCrash:
            return True
        finally:
            self.crash = CrashAt(None)
            self.providers.meanwhile = None
            self.shop = self.new_process()
        return False

    def set_out(self) -> None:
        """Later than what the circuit breakers remember, and than any lease."""
        self.clock.advance(minutes=3)

    def work(self) -> None:
        """What runs in the background, once."""
        background = self.shop.wired.background
        self.shop.wired.reconcile.execute()
        background.handlers[RECONCILE_REFUNDS.name](_NO_JOB)
        drain(background, queues=QUEUES)
        for order in self.model:
            order.status = None if order.status == "processing" else order.status

    def recover(self) -> None:
        self.providers.heal()
        for minutes in RECOVERY_STEPS_MIN:
            self.clock.advance(minutes=minutes)
            self.work()
            if not self.books.has_open():
                return

    def publish(self, places: list[str]) -> None:
        version = self.books.rows("SELECT policy_version FROM configuration")[0].policy_version
        self.shop.services.change_policy.execute(
            ChangeRoutingPolicy(
                entries=tuple(PolicyEntry(name, tier) for tier, name in enumerate(places, 1)),
                based_on_version=version,
                actor="olga@example.com",
                reason="another order",
            )
        )
        self.order_of_trying = places

    def payments(self) -> list[Payment]:
        return [
            p for account in self.providers.accounts.values() for p in account.payments.values()
        ]

    def _pass_point(self, name: str) -> None:
        self.crash(name)


class RepeatableChance(RandomIds):
    """Delays are the same when an example is told again. Ids are new: the journal keeps the old."""

    def __init__(self) -> None:
        self._chance = Random("the shop floor")

    def random(self) -> float:
        return self._chance.random()


def asked(
    does: Callable[[], T], *refusals: type[PayorchError]
) -> tuple[T | None, type[PayorchError] | None]:
    """What it came to, or else what it was refused with."""
    try:
        return does(), None
    except refusals as error:
        return None, type(error)


def secret_of(number: int, account: str = "{account}") -> str:
    return f"secret {number} of {account}"


def forget_orders(database: Database) -> None:
    """Every example begins with the same books, or Hypothesis could not tell it again.

    What it needs of the settings stays; the history of their changes would make each example
    slower than the one before.
    """
    tables = [table for table in Base.metadata.sorted_tables if table.name not in SETTINGS]
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text("TRUNCATE orders, jobs, webhook_events CASCADE"))
        else:
            connection.execute(text("ROLLBACK"))
            connection.execute(text("PRAGMA foreign_keys = OFF"))
            for table in tables:
                connection.execute(table.delete())
            connection.execute(text("PRAGMA foreign_keys = ON"))
        connection.commit()
    with hand_at_the_journal(database) as connection:
        connection.execute(text(_FORGET_POLICIES))
        begin_anew(connection, keep="routing_policy")


_FORGET_POLICIES = (
    "DELETE FROM routing_policies WHERE version < (SELECT policy_version FROM configuration)"
)
