"""What compares the books with the providers, and brings them back after a restored backup."""

import structlog

from payorch.application.compare_providers import CompareProvidersUseCase
from payorch.application.jobs import COMPARE_PROVIDERS, HOUR_S, Job, JobHandler, Schedule
from payorch.application.provider_books import ProviderBooks
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.recover_ledger import RecoverLedgerUseCase
from payorch.application.recover_refunds import RecoverRefunds
from payorch.application.resolve_refund import ResolveRefund
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.verify_providers import VerifyProvidersUseCase
from payorch.config import Settings
from payorch.infrastructure.persistence.compared_book import SqlAlchemyComparedBook
from payorch.infrastructure.persistence.recovery_book import SqlAlchemyRecoveryBook
from payorch.wiring.base import Base

_log = structlog.get_logger("payorch.comparison")


def ledger_recovery(
    base: Base,
    resolve: ResolveTransactionUseCase,
    resolve_refund: ResolveRefund,
    recorder: OutcomeRecorder,
) -> RecoverLedgerUseCase:
    book, providers = SqlAlchemyRecoveryBook(base.transactions), provider_books(base)
    return RecoverLedgerUseCase(
        modes=base.modes,
        book=book,
        providers=providers,
        refunds=RecoverRefunds(
            book=book,
            providers=providers,
            resolve=resolve_refund,
            registry=base.registry,
            clock=base.clock,
            ids=base.ids,
            checkpoint=base.checkpoint,
        ),
        resolve=resolve,
        recorder=recorder,
        registry=base.registry,
        clock=base.clock,
        checkpoint=base.checkpoint,
    )


def provider_verification(base: Base) -> VerifyProvidersUseCase:
    return VerifyProvidersUseCase(
        SqlAlchemyComparedBook(base.transactions), provider_books(base), base.registry, base.clock
    )


def provider_comparison(
    base: Base, verify: VerifyProvidersUseCase, recorder: OutcomeRecorder
) -> dict[str, JobHandler]:
    compare = CompareProvidersUseCase(
        verify=verify,
        recorder=recorder,
        orphans=SqlAlchemyRecoveryBook(base.transactions),
        clock=base.clock,
    )

    def run(_job: Job) -> None:
        compared = compare.execute()
        _log.info(
            "providers_compared",
            listed=compared.listed,
            asked=compared.asked,
            findings=[found.rule.kind for found in compared.findings],
            is_complete=compared.is_complete,
        )

    return {COMPARE_PROVIDERS.name: run}


def comparison_schedules(settings: Settings) -> tuple[Schedule, ...]:
    """None when it is switched off."""
    every_s = settings.compare_providers_every_h * HOUR_S
    return (Schedule(COMPARE_PROVIDERS, every_s),) if every_s else ()


def provider_books(base: Base) -> ProviderBooks:
    return ProviderBooks(registry=base.registry, gateways=base.gateways, clock=base.clock)
