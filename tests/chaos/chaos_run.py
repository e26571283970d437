"""One run: open the shop, let everything go wrong, calm down, settle, compare the books."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen

import urllib3
from sqlalchemy import TextClause, text, update
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.record_refund import REVIEW_AFTER
from payorch.domain.refund import RefundStatus
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.system_clock import SystemClock
from tests.chaos.bad_providers import METHODS, PROVIDERS, WITHOUT_KEYS
from tests.chaos.books import compare
from tests.chaos.chaos_database import ChaosDatabase
from tests.chaos.provider_processes import Profiles, ProviderProcess, Providers
from tests.chaos.report import Report
from tests.chaos.shoppers import Purchase, ShopFront, Shopper, ask_once_more
from tests.chaos.storm import Payorch, Storm
from tests.databases import open_database
from tests.sandbox_process import free_port
from tests.shop import seed

HONEST = ("-m", "tests.chaos.honest_payorch")
NAIVE = ("-m", "tests.chaos.naive_payorch")

SHOPPERS = 12
SETTLE_WITHIN_S = 90.0
LONGEST = 4
"""A storm in which too little has happened goes on, up to so many times its length."""

CHECKS_IN_VAIN = 4
"""After so many answers "not found" no further one will say anything else."""

# When every process is dead, no lease has a holder and waiting for the schedule proves nothing:
# the clock is turned forward instead, by making each open transaction and each job due now.
_TURN_THE_CLOCK_FORWARD = (
    text("""
        UPDATE transactions SET lease_until = started_at, next_check_at = NULL
        WHERE status IN ('started', 'requires_action', 'pending', 'unknown')
    """),
    text("""
        UPDATE refunds SET lease_until = requested_at, next_check_at = NULL
        WHERE status IN ('started', 'pending', 'unknown')
    """),
    text("""
        UPDATE jobs SET run_at = created_at, lease_until = created_at
        WHERE state IN ('ready', 'running')
    """),
)
_OPEN = text("""
    SELECT (SELECT count(*) FROM transactions
            WHERE status IN ('started', 'requires_action', 'pending', 'unknown'))
         + (SELECT count(*) FROM refunds WHERE status IN ('started', 'pending', 'unknown'))
""")
_ONLY_PEOPLE_CAN_TELL = text(f"""
    SELECT count(*) FROM refunds
    WHERE status = 'unknown' AND technical_reason = 'not_found' AND checks >= {CHECKS_IN_VAIN}
    AND provider_code = '{WITHOUT_KEYS}'
""")
_ORDERS = text("SELECT count(*) FROM orders")
_PAID = text("SELECT count(*) FROM orders WHERE status = 'paid'")
_REFUNDS = text("SELECT count(*) FROM refunds")
_SETTLED_BY = text("""
    SELECT source, count(*) FROM transaction_evidence WHERE was_applied GROUP BY source
""")
_EVENTS = text("SELECT state, count(*) FROM webhook_events GROUP BY state")


@dataclass(frozen=True, slots=True)
class SoFar:
    """What has happened in a storm that is not over. Any of it may be out of reach just now."""

    database: Database
    providers: Providers
    storm: Storm

    @property
    def orders(self) -> int:
        return _count(self.database, _ORDERS)

    @property
    def paid(self) -> int:
        return _count(self.database, _PAID)

    @property
    def refunds(self) -> int:
        return _count(self.database, _REFUNDS)

    @property
    def kills(self) -> int:
        return self.storm.strikes.total() - self.database_crashes

    @property
    def database_crashes(self) -> int:
        return self.storm.strikes["database"]

    @property
    def lost_answers(self) -> int:
        return self.providers.lost_answers

    @property
    def charged_twice(self) -> int:
        return len(compare(self.database, self.providers, ()).charged_twice)


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """`command` is how payorch is started; the control run names a naive one.

    The storm lasts `seconds`, and longer where that is not `enough`: a slow machine does less.
    """

    folder: Path
    database: ChaosDatabase
    seconds: float
    enough: Callable[[SoFar], bool] = lambda so_far: True  # noqa: ARG005 - the shape of it
    command: tuple[str, ...] = HONEST
    seed: int = 1
    profiles: Sequence[Profiles] = PROVIDERS

    def execute(self) -> Report:
        ports = [free_port(), free_port()]
        # Both providers tell the first server, which is as often dead as the other.
        webhooks = f"http://127.0.0.1:{ports[0]}/webhooks"
        providers = Providers(
            [
                ProviderProcess(self.folder / f"provider-{number}", profiles, webhooks)
                for number, profiles in enumerate(self.profiles)
            ]
        )
        try:
            with open_database(self.database.url) as database:
                seed(database, METHODS)
                return self._execute(database, providers, ports)
        finally:
            providers.end()

    def _execute(self, database: Database, providers: Providers, ports: list[int]) -> Report:
        payorch = Payorch(
            self.folder,
            self.command,
            {
                "database_url": self.database.url,
                # Short, so that threads that look a payment up do not all get killed at it.
                "page_budget_s": "4",
            },
            {"CHAOS_PROVIDERS": json.dumps(providers.addresses)},
        )
        storm = Storm(payorch, ports, providers, self.database, self.seed)
        front = ShopFront(storm.base_urls)
        purchases = self._weather(storm, front, SoFar(database, providers, storm))
        database.engine.dispose()
        lost = providers.lost_answers
        open_after_the_storm = _count(database, _OPEN)
        began = time.monotonic()
        self._settle(payorch, database, providers)
        self._answer_everybody(payorch, database, providers, (front, purchases, ports[0]))
        settled_in_s = time.monotonic() - began
        findings = compare(database, providers, purchases)
        findings.broken_invariants += self._broken_invariants(payorch)
        return Report(
            title=f"{self.database.name}, {self.seconds:g} s",
            findings=findings,
            orders=_tally(database, "orders"),
            transactions=_tally(database, "transactions"),
            answers=front.answers,
            strikes=storm.strikes,
            settled_by=_tally_of(database, _SETTLED_BY),
            refunds=_tally(database, "refunds"),
            events=_tally_of(database, _EVENTS),
            lost_answers=lost,
            open_after_the_storm=open_after_the_storm,
            settled_in_s=settled_in_s,
        )

    def _broken_invariants(self, payorch: Payorch) -> list[str]:
        """What `payorch verify` calls an error, as "kind subject"."""
        answer = payorch.run("verify", "--json", "--since", "all", "--limit", "1000")
        return [
            f"{finding['kind']} {finding['subject']}"
            for finding in json.loads(answer)["findings"]
            if finding["severity"] == "error"
        ]

    def _weather(self, storm: Storm, front: ShopFront, so_far: SoFar) -> list[Purchase]:
        """Customers and kills until it is enough; everything of payorch is dead afterwards."""
        closing = threading.Event()
        chance = random.Random(self.seed)
        shoppers = [
            Shopper(front, f"customer-{n}", seed=chance.randrange(2**32)) for n in range(SHOPPERS)
        ]
        storm.start()
        threads = [threading.Thread(target=s.shop_until, args=[closing]) for s in shoppers]
        for thread in threads:
            thread.start()
        closing.wait(self.seconds)
        must_end_at = time.monotonic() + (LONGEST - 1) * self.seconds
        while not self._is_enough(so_far) and time.monotonic() < must_end_at:
            closing.wait(1)
        closing.set()
        storm.end()
        for thread in threads:
            thread.join()
        return [purchase for shopper in shoppers for purchase in shopper.purchases]

    def _is_enough(self, so_far: SoFar) -> bool:
        # The database or a provider may be away at this moment.
        with suppress(SQLAlchemyError, urllib3.exceptions.HTTPError):
            return self.enough(so_far)
        return False

    def _settle(self, payorch: Payorch, database: Database, providers: Providers) -> None:
        """Reconciles and runs jobs until nothing is open, or for SETTLE_WITHIN_S."""
        providers.land_late_arrivals()
        give_up_at = time.monotonic() + SETTLE_WITHIN_S
        self._one_pass(payorch, database)
        while (still_open := _count(database, _OPEN)) and time.monotonic() < give_up_at:
            if still_open == _count(database, _ONLY_PEOPLE_CAN_TELL):
                self._let_people_tell(payorch, database, providers)
            self._one_pass(payorch, database)

    def _one_pass(self, payorch: Payorch, database: Database) -> None:
        with database.tx() as connection:
            for statement in _TURN_THE_CLOCK_FORWARD:
                connection.execute(statement)
        self._run_to_its_end(payorch.start("reconcile", "--limit", "1000"), "reconcile")
        self._run_to_its_end(payorch.start("worker", "--once"), "worker")

    def _let_people_tell(self, payorch: Payorch, database: Database, providers: Providers) -> None:
        """A week later: a request lost before a provider without keys left no trace to be found,
        and sending another one is no longer payorch's to decide (domain.md, section 4).
        """
        with database.tx() as connection:
            connection.execute(
                update(RefundRow)
                .where(
                    RefundRow.status == RefundStatus.UNKNOWN,
                    RefundRow.provider_code == WITHOUT_KEYS,
                )
                .values(sent_at=SystemClock().now() - REVIEW_AFTER - timedelta(hours=1))
            )
        # A pass finds out that it is a case for people; where it does not get there, the next one.
        self._one_pass(payorch, database)
        at_providers = [refund["reference"] for refund in providers.ledger()["refunds"]]
        self._run_to_its_end(payorch.start_reviewers(at_providers), "reviewers")

    def _run_to_its_end(self, process: Popen[bytes], name: str) -> None:
        if process.wait(SETTLE_WITHIN_S) != 0:
            log = (self.folder / f"{name}.log").read_text()[-2000:]
            raise RuntimeError(f"{name} failed: {log}")

    def _answer_everybody(
        self,
        payorch: Payorch,
        database: Database,
        providers: Providers,
        shop: tuple[ShopFront, list[Purchase], int],
    ) -> None:
        """In calm weather each customer hears how it ended; then the books are closed."""
        front, purchases, port = shop
        providers.calm_down()
        web = payorch.start_web(port)
        try:
            web.wait_until_healthy(within_s=60)
            front.base_urls = [web.base_url]
            ask_once_more(front, purchases)
        finally:
            with suppress(ProcessLookupError):
                web.kill()
        self._settle(payorch, database, providers)


def _count(database: Database, statement: TextClause) -> int:
    with database.read() as connection:
        return int(connection.execute(statement).scalar_one())


def _tally(database: Database, table: str) -> Counter[str]:
    return _tally_of(database, text(f"SELECT status, count(*) FROM {table} GROUP BY status"))


def _tally_of(database: Database, statement) -> Counter[str]:
    with database.read() as connection:
        return Counter(dict(connection.execute(statement).all()))
