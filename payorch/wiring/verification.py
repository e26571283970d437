"""The check of the books: by hand, and once an hour by whichever worker comes first."""

from payorch.application.jobs import HOUR_S, VERIFY, Job, JobHandler, Schedule
from payorch.application.verify_ledger import DEFAULT_SINCE, VerifyLedgerUseCase
from payorch.infrastructure.persistence.ledger_checks import SqlAlchemyLedgerChecks
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.verification_store import SqlAlchemyVerificationStore
from payorch.wiring.base import Base

VERIFY_SCHEDULE = Schedule(VERIFY, HOUR_S)


def ledger_verification(base: Base) -> VerifyLedgerUseCase:
    rollup = SqlAlchemyProviderMetricsRepository(base.database)
    return VerifyLedgerUseCase(
        SqlAlchemyLedgerChecks(base.transactions, rollup),
        SqlAlchemyVerificationStore(base.transactions),
        base.clock,
    )


def verification_handlers(verify: VerifyLedgerUseCase, base: Base) -> dict[str, JobHandler]:
    def run(_job: Job) -> None:
        verify.execute_and_tell(since=base.clock.now() - DEFAULT_SINCE)

    return {VERIFY.name: run}
