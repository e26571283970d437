"""The journal for auditors, and the check of the books: by hand, and once an hour by whichever
worker comes first.
"""

import structlog

from payorch.application.jobs import HOUR_S, VERIFY, Job, JobHandler, Schedule
from payorch.application.journal_archive import JournalArchive
from payorch.application.login_limits import LimitLoginsUseCase
from payorch.application.staff_access import RecordAccessUseCase
from payorch.application.verify_journal import VerifyJournalUseCase
from payorch.application.verify_ledger import DEFAULT_SINCE, VerifyLedgerUseCase
from payorch.infrastructure.persistence.access_journal import SqlAlchemyAccessJournal
from payorch.infrastructure.persistence.journal_reader import SqlAlchemyJournalReader
from payorch.infrastructure.persistence.ledger_checks import SqlAlchemyLedgerChecks
from payorch.infrastructure.persistence.login_counts import SqlAlchemyLoginCounts
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.verification_store import SqlAlchemyVerificationStore
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from payorch.wiring.base import Base

_log = structlog.get_logger("payorch.journal")

VERIFY_SCHEDULE = Schedule(VERIFY, HOUR_S)


def ledger_verification(base: Base) -> VerifyLedgerUseCase:
    rollup = SqlAlchemyProviderMetricsRepository(base.database)
    return VerifyLedgerUseCase(
        SqlAlchemyLedgerChecks(base.transactions, rollup),
        SqlAlchemyVerificationStore(base.transactions),
        base.clock,
    )


def journal_verification(base: Base) -> VerifyJournalUseCase:
    return VerifyJournalUseCase(SqlAlchemyJournalReader(base.transactions))


def journal_archive(base: Base) -> JournalArchive:
    return JournalArchive(
        SqlAlchemyJournalReader(base.transactions),
        SqlAlchemyAccessJournal(base.transactions),
        base.clock,
    )


def access_records(base: Base) -> RecordAccessUseCase:
    return RecordAccessUseCase(SqlAlchemyAccessJournal(base.transactions), base.clock)


def login_limits(base: Base, secret_key: str) -> LimitLoginsUseCase:
    return LimitLoginsUseCase(
        SqlAlchemyLoginCounts(base.transactions),
        SecretKeyedHashes(secret_key),
        SqlAlchemyAccessJournal(base.transactions),
        base.clock,
    )


def verification_handlers(verify: VerifyLedgerUseCase, base: Base) -> dict[str, JobHandler]:
    def run(_job: Job) -> None:
        verify.execute_and_tell(since=base.clock.now() - DEFAULT_SINCE)
        _note_head(journal_archive(base))

    return {VERIFY.name: run}


def _note_head(journal: JournalArchive) -> None:
    """The log leaves the database once an hour: what it has noted cannot be written anew."""
    head = journal.head()
    if head is not None:
        _log.info("journal_head", hash=head.hash, entry=head.last_id, entries=head.entries)
