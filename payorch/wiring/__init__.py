"""The one place where ports meet adapters: one module per subject, put together here."""

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
from payorch.wiring.base import Base, Seams, alert
from payorch.wiring.payments import order_creation, order_payment, outcome_recorder

__all__ = ["Seams", "Wired", "wire"]


@dataclass(frozen=True, slots=True)
class Wired:
    """The application put together: what pages call, and what commands run."""

    services: Services
    reconcile: ReconcileUseCase
    rollup: MetricsRollup
    database: Database


def wire(settings: Settings, engine: Engine, seams: Seams | None = None) -> Wired:
    seams = seams or Seams()
    base = Base.of(settings, engine, seams)
    recorder = outcome_recorder(settings, base)
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
    create_order = order_creation(settings, base)
    services = Services(
        create_order=create_order,
        pay_order=order_payment(settings, base, create_order, recorder),
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
        reconcile=ReconcileUseCase(open_attempts=base.open_attempts, resolve=resolve, alert=alert),
        rollup=MetricsRollup(metrics_repository, base.clock),
        database=base.database,
    )
