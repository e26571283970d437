"""What compares the books with the providers, and brings them back after a restored backup."""

from payorch.application.provider_books import ProviderBooks
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.recover_ledger import RecoverLedgerUseCase
from payorch.application.recover_refunds import RecoverRefunds
from payorch.application.resolve_refund import ResolveRefund
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.verify_providers import VerifyProvidersUseCase
from payorch.infrastructure.persistence.compared_book import SqlAlchemyComparedBook
from payorch.infrastructure.persistence.recovery_book import SqlAlchemyRecoveryBook
from payorch.wiring.base import Base


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
        SqlAlchemyComparedBook(base.transactions), provider_books(base), base.registry
    )


def provider_books(base: Base) -> ProviderBooks:
    return ProviderBooks(registry=base.registry, gateways=base.gateways, clock=base.clock)
