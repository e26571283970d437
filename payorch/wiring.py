"""The one place where ports meet adapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.change_payment_method import ChangePaymentMethodUseCase
from payorch.application.change_routing_policy import ChangeRoutingPolicyUseCase
from payorch.application.create_payment_order import CreatePaymentOrderUseCase
from payorch.application.judge_outcome import OutcomeJudge
from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.ports import Checkpoint, Clock, Ids, no_checkpoint
from payorch.application.process_payment_order import PaymentLimits, ProcessPaymentOrderUseCase
from payorch.application.quick_resolution import QuickResolution
from payorch.application.reconcile import ReconcileUseCase
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.services import Services
from payorch.config import Settings
from payorch.domain.decline_verdict import DeclineSettings
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy
from payorch.infrastructure.gateways.catalog import (
    ConnectorCatalog,
    ConnectorFactory,
    sandbox_connectors,
)
from payorch.infrastructure.gateways.circuits import ProcessCircuitBoard
from payorch.infrastructure.gateways.http_transport import PooledTransport, ProviderTransport
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.open_attempts import SqlAlchemyOpenAttempts
from payorch.infrastructure.persistence.order_reader import SqlAlchemyOrderReader
from payorch.infrastructure.persistence.payment_ledger import SqlAlchemyPaymentLedger
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.infrastructure.security.order_tokens import DerivedOrderTokens
from payorch.infrastructure.system_clock import RandomIds, SystemClock

_log = structlog.get_logger("payorch.payments")


@dataclass(frozen=True, slots=True)
class Seams:
    """What a test or the simulator replaces; None means the real thing."""

    clock: Clock | None = None
    ids: Ids | None = None
    checkpoint: Checkpoint = no_checkpoint
    transport: ProviderTransport | None = None
    uses_database_clock: bool | None = None


@dataclass(frozen=True, slots=True)
class Wired:
    """The application put together: what pages call, and what commands run."""

    services: Services
    reconcile: ReconcileUseCase
    rollup: MetricsRollup
    database: Database


def wire(settings: Settings, engine: Engine, seams: Seams | None = None) -> Wired:
    seams = seams or Seams()
    base = _Base.of(settings, engine, seams)
    recorder = _recorder(settings, base)
    resolve = ResolveTransactionUseCase(
        open_attempts=base.open_attempts,
        judge=base.judge,
        recorder=recorder,
        registry=base.registry,
        gateways=base.gateways,
        clock=base.clock,
        checkpoint=base.checkpoint,
    )
    policies = SqlAlchemyRoutingPolicyRepository(base.database)
    metrics_repository = SqlAlchemyProviderMetricsRepository(base.database)
    create_order = _create_order(settings, base)
    services = Services(
        create_order=create_order,
        pay_order=_pay_order(settings, base, create_order, recorder),
        resolve=resolve,
        registry=base.registry,
        orders=SqlAlchemyOrderReader(base.database),
        tokens=base.tokens,
        change_policy=ChangeRoutingPolicyUseCase(policies, base.methods, base.clock),
        change_method=base.change_method,
        policies=policies,
        metrics=PaymentMetricsService(
            metrics_repository, base.clock, min_sample=settings.min_sample
        ),
        circuits=base.circuits,
        clock=base.clock,
    )
    return Wired(
        services=services,
        reconcile=ReconcileUseCase(open_attempts=base.open_attempts, resolve=resolve, alert=_alert),
        rollup=MetricsRollup(metrics_repository, base.clock),
        database=base.database,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The adapters that several use cases share."""

    clock: Clock
    ids: Ids
    checkpoint: Checkpoint
    database: Database
    ledger: SqlAlchemyPaymentLedger
    open_attempts: SqlAlchemyOpenAttempts
    methods: SqlAlchemyPaymentMethodRepository
    change_method: ChangePaymentMethodUseCase
    circuits: ProcessCircuitBoard
    gateways: ConnectorCatalog
    registry: PaymentMethodRegistry
    judge: OutcomeJudge
    tokens: DerivedOrderTokens

    @classmethod
    def of(cls, settings: Settings, engine: Engine, seams: Seams) -> Self:
        clock = seams.clock or SystemClock()
        ids = seams.ids or RandomIds()
        database = Database(engine)
        transactions = LedgerTransactions(
            database, clock, uses_database_clock=seams.uses_database_clock
        )
        ledger = SqlAlchemyPaymentLedger(transactions)
        methods = SqlAlchemyPaymentMethodRepository(database)
        circuits = ProcessCircuitBoard(clock.monotonic)
        gateways = ConnectorCatalog(
            connectors=_connectors(settings),
            transport=seams.transport or PooledTransport(),
            circuits=circuits,
            clock=clock,
            log_failure=_log_provider_failure,
        )
        return cls(
            clock=clock,
            ids=ids,
            checkpoint=seams.checkpoint,
            database=database,
            ledger=ledger,
            open_attempts=SqlAlchemyOpenAttempts(transactions, clock),
            methods=methods,
            change_method=ChangePaymentMethodUseCase(methods, clock),
            circuits=circuits,
            gateways=gateways,
            registry=PaymentMethodRegistry(
                repository=methods,
                current_revision=ledger.configuration_revision,
                circuits=circuits,
                is_connected=gateways.is_connected,
                random=ids.random,
                allow_direct_cards=settings.allow_direct_cards,
                max_providers=settings.max_providers_per_submission,
            ),
            judge=OutcomeJudge(
                clock=clock,
                decline_policy=load_shipped_policy(),
                decline_settings=DeclineSettings(
                    insufficient_funds_falls_back=settings.insufficient_funds_falls_back
                ),
            ),
            tokens=DerivedOrderTokens(settings.secret_key),
        )


def _recorder(settings: Settings, base: _Base) -> OutcomeRecorder:
    return OutcomeRecorder(
        ledger=base.ledger,
        open_attempts=base.open_attempts,
        judge=base.judge,
        clock=base.clock,
        checkpoint=base.checkpoint,
        page_budget_s=settings.page_budget_s,
        alert=_alert,
    )


def _create_order(settings: Settings, base: _Base) -> CreatePaymentOrderUseCase:
    return CreatePaymentOrderUseCase(
        ledger=base.ledger,
        clock=base.clock,
        ids=base.ids,
        tokens=base.tokens,
        expires_after_min=settings.order_expires_after_min,
        max_amount_minor=settings.max_amount_minor,
    )


def _pay_order(
    settings: Settings,
    base: _Base,
    create_order: CreatePaymentOrderUseCase,
    recorder: OutcomeRecorder,
) -> ProcessPaymentOrderUseCase:
    def return_url(order_id: OrderId) -> str:
        return f"{settings.base_url}/orders/{base.tokens.token_for(order_id)}/return"

    def disable_for_bad_credentials(provider_code: str) -> None:
        _alert("bad_credentials", {"provider": provider_code})
        try:
            base.change_method.set_enabled(
                provider_code,
                is_enabled=False,
                actor="system",
                reason="The provider refused our credentials (401 or 403).",
            )
        except SQLAlchemyError:
            # The payment that found it out goes on; the next one will find it out again.
            _alert("provider_not_disabled", {"provider": provider_code})

    return ProcessPaymentOrderUseCase(
        ledger=base.ledger,
        orders=create_order,
        registry=base.registry,
        gateways=base.gateways,
        judge=base.judge,
        recorder=recorder,
        quick_resolution=QuickResolution(
            clock=base.clock, checkpoint=base.checkpoint, page_budget_s=settings.page_budget_s
        ),
        clock=base.clock,
        ids=base.ids,
        checkpoint=base.checkpoint,
        return_url=return_url,
        on_bad_credentials=disable_for_bad_credentials,
        limits=PaymentLimits(settings.submission_deadline_s, settings.max_submissions_per_hour),
    )


def _connectors(settings: Settings) -> dict[str, ConnectorFactory]:
    connectors: dict[str, ConnectorFactory] = {}
    if settings.sandbox_url is not None:
        connectors["sandbox"] = sandbox_connectors(settings.sandbox_url, settings.sandbox_api_key)
    return connectors


def _log_provider_failure(provider: str, facts: Mapping[str, str | int | None]) -> None:
    _log.warning("provider_call_failed", provider=provider, **facts)


def _alert(name: str, facts: Mapping[str, str]) -> None:
    _log.error("alert", alert=name, **facts)
