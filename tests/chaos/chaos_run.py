"""One run: open the shop, let everything go wrong, calm down, settle, compare the books."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from payorch.infrastructure.persistence.database import Database
from tests.chaos.bad_providers import METHODS, lost_answers, misbehave
from tests.chaos.books import Findings, compare
from tests.chaos.shoppers import Purchase, ShopFront, Shopper, ask_once_more
from tests.chaos.storm import Storm
from tests.databases import open_database
from tests.sandbox_process import SandboxProcess, free_port
from tests.shop import seed
from tests.web_process import PAYORCH, REPOSITORY, WebProcess, environment, web_process

SHOPPERS = 12
SETTLE_WITHIN_S = 60.0

# When every process is dead, no lease has a holder and waiting for the schedule proves nothing:
# the clock is turned forward instead, by making each open transaction due now.
_TURN_THE_CLOCK_FORWARD = text("""
    UPDATE transactions SET lease_until = started_at, next_check_at = NULL
    WHERE status IN ('started', 'requires_action', 'pending', 'unknown')
""")
_OPEN = text("""
    SELECT count(*) FROM transactions
    WHERE status IN ('started', 'requires_action', 'pending', 'unknown')
""")
_SETTLED_BY = text("""
    SELECT source, count(*) FROM transaction_evidence WHERE was_applied GROUP BY source
""")


@dataclass(frozen=True, slots=True)
class Report:
    findings: Findings
    orders: Counter[str]
    transactions: Counter[str]
    answers: Counter[str]
    strikes: Counter[str]
    settled_by: Counter[str]
    lost_answers: int
    open_after_the_storm: int
    settled_in_s: float

    def lines(self) -> list[str]:
        def tally(counter: Counter[str]) -> str:
            return ", ".join(f"{name} {number}" for name, number in counter.most_common()) or "-"

        return [
            f"orders: {self.orders.total()} ({tally(self.orders)})",
            f"attempts: {self.transactions.total()} ({tally(self.transactions)})",
            f"answers to customers: {tally(self.answers)}",
            f"kill -9: {tally(self.strikes)}",
            f"charges that the provider did not answer for: {self.lost_answers}",
            f"proofs found by reconcilers: {tally(self.settled_by)}",
            f"still open after the storm: {self.open_after_the_storm}",
            f"seconds until all was settled and answered: {self.settled_in_s:.1f}",
            *(f"  {name}: {number}" for name, number in self.findings.counts().items()),
        ]


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """`command` is how payorch is started; the control run names a naive one."""

    folder: Path
    database_url: str
    sandbox: SandboxProcess
    seconds: float
    command: tuple[str, ...] = PAYORCH

    def execute(self) -> Report:
        with open_database(self.database_url) as database:
            seed(database, METHODS)
            misbehave(self.sandbox)
            storm = Storm(self.folder, [free_port(), free_port()], self._settings, self.command)
            front = ShopFront(storm.base_urls)
            purchases = self._weather(storm, front)
            lost = lost_answers(self.sandbox)
            open_after_the_storm = _count(database)
            began = time.monotonic()
            self._settle(database)
            self._answer_everybody(database, front, purchases)
            settled_in_s = time.monotonic() - began
            return Report(
                findings=compare(database, self.sandbox, purchases),
                orders=_tally(database, "orders"),
                transactions=_tally(database, "transactions"),
                answers=front.answers,
                strikes=storm.strikes,
                settled_by=_tally_of(database, _SETTLED_BY),
                lost_answers=lost,
                open_after_the_storm=open_after_the_storm,
                settled_in_s=settled_in_s,
            )

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "database_url": self.database_url,
            "sandbox_url": self.sandbox.base_url,
            # Short, so that threads that look an unknown payment up do not all get killed at it.
            "page_budget_s": "4",
        }

    def _weather(self, storm: Storm, front: ShopFront) -> list[Purchase]:
        """Customers and kills for the run's time; everything of payorch is dead afterwards."""
        closing = threading.Event()
        shoppers = [
            Shopper(front, f"customer-{n}", seed=random.randrange(2**32)) for n in range(SHOPPERS)
        ]
        storm.start()
        threads = [threading.Thread(target=s.shop_until, args=[closing]) for s in shoppers]
        for thread in threads:
            thread.start()
        closing.wait(self.seconds)
        closing.set()
        storm.end()
        for thread in threads:
            thread.join()
        return [purchase for shopper in shoppers for purchase in shopper.purchases]

    def _settle(self, database: Database) -> None:
        """Reconciles until nothing is open. Raises when that takes too long."""
        self.sandbox.land_late_arrivals()
        give_up_at = time.monotonic() + SETTLE_WITHIN_S
        while _count(database):
            if time.monotonic() > give_up_at:
                return
            with database.tx() as connection:
                connection.execute(_TURN_THE_CLOCK_FORWARD)
            subprocess.run(
                [sys.executable, *PAYORCH, "reconcile", "--limit", "1000"],
                cwd=REPOSITORY,
                env=environment(log_level="ERROR", **self._settings),
                check=True,
                capture_output=True,
            )

    def _answer_everybody(
        self, database: Database, front: ShopFront, purchases: list[Purchase]
    ) -> None:
        """In calm weather each customer hears how it ended; then the books are closed."""
        self.sandbox.calm_down()
        with web_process(
            self.folder, **self._settings, log_level="ERROR", command=self.command
        ) as web:
            calm: WebProcess = web
            front.base_urls = [calm.base_url]
            ask_once_more(front, purchases)
        self._settle(database)


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(_OPEN).scalar_one())


def _tally(database: Database, table: str) -> Counter[str]:
    return _tally_of(database, text(f"SELECT status, count(*) FROM {table} GROUP BY status"))


def _tally_of(database: Database, statement) -> Counter[str]:
    with database.read() as connection:
        return Counter(dict(connection.execute(statement).all()))
