"""The adapters that several use cases share, and what a test may replace of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import structlog
from sqlalchemy import Engine

from payorch.application.change_payment_method import ChangePaymentMethodUseCase
from payorch.application.judge_outcome import OutcomeJudge
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock, Ids, no_checkpoint
from payorch.application.rule_on_decline import DeclinePolicyInForce
from payorch.config import InvalidSettings, Settings
from payorch.domain.circuit import CircuitSettings
from payorch.domain.decline_verdict import DeclineSettings
from payorch.domain.errors import LedgerUnavailable, SecretUnreadable
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy
from payorch.infrastructure.gateways.catalog import (
    ConnectorCatalog,
    ConnectorFactory,
    sandbox_connectors,
)
from payorch.infrastructure.gateways.http_transport import PooledTransport, ProviderTransport
from payorch.infrastructure.gateways.provider_circuits import ProviderCircuits
from payorch.infrastructure.persistence.data_keys import DataKeys
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.job_queue import SqlAlchemyJobQueue
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.open_attempts import SqlAlchemyOpenAttempts
from payorch.infrastructure.persistence.operating_mode import SqlAlchemyOperatingModes
from payorch.infrastructure.persistence.payment_ledger import SqlAlchemyPaymentLedger
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.personal_data import PersonalData
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.persistence.staff_alerts import SqlAlchemyStaffAlerts
from payorch.infrastructure.security.order_tokens import DerivedOrderTokens
from payorch.infrastructure.security.sealed_secrets import AesSecretBox
from payorch.infrastructure.system_clock import RandomIds, SystemClock, process_name

_log = structlog.get_logger("payorch.payments")


@dataclass(frozen=True, slots=True)
class Seams:
    """What a test or the simulator replaces; None means the real thing."""

    clock: Clock | None = None
    ids: Ids | None = None
    checkpoint: Checkpoint = no_checkpoint
    transport: ProviderTransport | None = None
    uses_database_clock: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The adapters that several use cases share."""

    clock: Clock
    ids: Ids
    checkpoint: Checkpoint
    database: Database
    transactions: LedgerTransactions
    data_keys: DataKeys
    personal_data: PersonalData
    jobs: SqlAlchemyJobQueue
    ledger: SqlAlchemyPaymentLedger
    open_attempts: SqlAlchemyOpenAttempts
    methods: SqlAlchemyPaymentMethodRepository
    change_method: ChangePaymentMethodUseCase
    shared_circuits: SqlAlchemySharedCircuits
    circuits: ProviderCircuits
    gateways: ConnectorCatalog
    registry: PaymentMethodRegistry
    judge: OutcomeJudge
    decline_policy: DeclinePolicyInForce
    tokens: DerivedOrderTokens
    alert: SqlAlchemyStaffAlerts
    modes: SqlAlchemyOperatingModes

    @classmethod
    def of(cls, settings: Settings, engine: Engine, seams: Seams) -> Self:
        clock = seams.clock or SystemClock()
        ids = seams.ids or RandomIds()
        database = Database(engine)
        data_keys = data_keys_of(settings, database, clock)
        personal_data = PersonalData(data_keys)
        transactions = LedgerTransactions(
            database,
            clock,
            uses_database_clock=seams.uses_database_clock,
            personal_data=personal_data,
        )
        ledger = SqlAlchemyPaymentLedger(transactions)
        methods = SqlAlchemyPaymentMethodRepository(database)
        circuit_settings = CircuitSettings()
        shared_circuits = SqlAlchemySharedCircuits(transactions, clock, circuit_settings)
        circuits = ProviderCircuits(
            shared=shared_circuits,
            monotonic=clock.monotonic,
            process_name=process_name,
            settings=circuit_settings,
        )
        gateways = ConnectorCatalog(
            connectors=connectors_of(settings),
            transport=seams.transport or PooledTransport(),
            circuits=circuits,
            clock=clock,
            log_failure=log_provider_failure,
        )
        registry = PaymentMethodRegistry(
            repository=methods,
            current_revision=ledger.configuration_revision,
            circuits=circuits,
            is_connected=gateways.is_connected,
            random=ids.random,
            allow_direct_cards=settings.allow_direct_cards,
            max_providers=settings.max_providers_per_submission,
        )
        decline_policy = DeclinePolicyInForce(
            load_shipped_policy(),
            DeclineSettings(insufficient_funds_falls_back=settings.insufficient_funds_falls_back),
            registry,
        )
        return cls(
            clock=clock,
            ids=ids,
            checkpoint=seams.checkpoint,
            database=database,
            transactions=transactions,
            data_keys=data_keys,
            personal_data=personal_data,
            jobs=SqlAlchemyJobQueue(transactions, clock),
            ledger=ledger,
            open_attempts=SqlAlchemyOpenAttempts(transactions, clock),
            methods=methods,
            change_method=ChangePaymentMethodUseCase(methods, clock),
            shared_circuits=shared_circuits,
            circuits=circuits,
            gateways=gateways,
            registry=registry,
            decline_policy=decline_policy,
            judge=OutcomeJudge(
                clock=clock,
                decline_policy=decline_policy,
                decline_settings=decline_policy.settings,
            ),
            tokens=DerivedOrderTokens(settings.secret_key),
            alert=SqlAlchemyStaffAlerts(transactions, clock),
            modes=SqlAlchemyOperatingModes(transactions),
        )


def data_keys_of(settings: Settings, database: Database, clock: Clock) -> DataKeys:
    box = AesSecretBox(
        settings.encryption_key or settings.secret_key,
        settings.former_encryption_keys,
        purpose="data keys",
    )
    return DataKeys(LedgerTransactions(database, clock), box, clock)


def require_readable_keys(data_keys: DataKeys) -> None:
    """Raises InvalidSettings when the database's data keys were wrapped with another key.

    A database that is away, or not migrated yet, is for others to tell.
    """
    try:
        data_keys.prepare()
    except LedgerUnavailable:
        return
    except SecretUnreadable:
        raise InvalidSettings(
            [
                (
                    "PAYORCH_ENCRYPTION_KEY does not open the data keys of this database. Set the "
                    "key that they were made with, here or in PAYORCH_ENCRYPTION_KEY_FALLBACKS."
                )
            ]
        ) from None


def connectors_of(settings: Settings) -> dict[str, ConnectorFactory]:
    """The connectors that these settings switch on, by the name that payment methods give."""
    connectors: dict[str, ConnectorFactory] = {}
    if settings.sandbox_url is not None:
        connectors["sandbox"] = sandbox_connectors(settings.sandbox_url, settings.sandbox_api_key)
    return connectors


def log_provider_failure(provider: str, facts: Mapping[str, str | int | None]) -> None:
    _log.warning("provider_call_failed", provider=provider, **facts)
