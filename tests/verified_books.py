"""The books of each test's database are checked when the test is over.

What holds at any moment must hold then too, whatever the test did. What time or a worker would
still put right, such as an open payment, is left out. Tests that break an invariant on purpose
are marked `breaks_the_books`.
"""

from sqlalchemy import create_engine

from payorch.application.verify_ledger import TIMELESS_KINDS, VerifyLedgerUseCase
from payorch.infrastructure.persistence.database import Database, prepare_engine
from payorch.infrastructure.persistence.ledger_checks import SqlAlchemyLedgerChecks
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.system_clock import SystemClock


class _NothingKept:
    def keep(self, verification, jobs) -> None:
        pass


_COMPILED: dict[object, object] = {}
"""Compiled once for all the databases of a test run: else that would be most of the cost."""


def broken_invariants(url: str) -> list[str]:
    """One line for each finding, empty for healthy books."""
    engine = create_engine(url)
    prepare_engine(engine)
    database = Database(engine.execution_options(compiled_cache=_COMPILED))
    clock = SystemClock()
    checks = SqlAlchemyLedgerChecks(
        LedgerTransactions(database, clock), SqlAlchemyProviderMetricsRepository(database)
    )
    try:
        use_case = VerifyLedgerUseCase(checks, _NothingKept(), clock)
        verification = use_case.execute(since=None, kinds=TIMELESS_KINDS)
    finally:
        engine.dispose()
    return [
        f"{finding.rule.kind}: {finding.violation.subject} {dict(finding.violation.facts)}"
        for finding in verification.errors
    ]


def assert_books_hold(url: str) -> None:
    broken = broken_invariants(url)
    assert not broken, "Broken invariants:\n" + "\n".join(broken)
