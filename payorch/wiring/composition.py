"""The application put together from its parts: what pages call, and what commands run."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from payorch.application.change_provider_fees import ChangeProviderFeesUseCase
from payorch.application.change_routing_policy import ChangeRoutingPolicyUseCase
from payorch.application.dead_jobs import DiscardJobUseCase, ReplayJobUseCase
from payorch.application.explain_routing import ExplainRoutingUseCase
from payorch.application.hashing_places import HashingPlaces
from payorch.application.hold_circuit import HoldCircuitUseCase
from payorch.application.jobs import APPLY_REVIEW, EXPIRE_ORDERS, JobHandler, Schedule
from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.reconcile import ReconcileUseCase
from payorch.application.recover_ledger import RecoverLedgerUseCase
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.routing_draft import EditRoutingDraftUseCase
from payorch.application.rule_on_decline import RuleOnDeclineUseCase
from payorch.application.seal_personal_data import SealPersonalDataUseCase
from payorch.application.services import Services
from payorch.application.verify_journal import VerifyJournalUseCase
from payorch.application.verify_ledger import VerifyLedgerUseCase
from payorch.application.verify_providers import VerifyProvidersUseCase
from payorch.application.work_on_alerts import WorkOnAlertsUseCase
from payorch.config import Settings
from payorch.infrastructure.jobs import Background
from payorch.infrastructure.persistence.adaptive_share_book import SqlAlchemyAdaptiveShareBook
from payorch.infrastructure.persistence.alert_book import SqlAlchemyAlertBook
from payorch.infrastructure.persistence.circuit_incidents import SqlAlchemyCircuitHistory
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.decline_evidence import SqlAlchemyDeclineEvidence
from payorch.infrastructure.persistence.decline_rulings import SqlAlchemyDeclineRulings
from payorch.infrastructure.persistence.operating_figures import SqlAlchemyOperatingFigures
from payorch.infrastructure.persistence.order_reader import SqlAlchemyOrderReader
from payorch.infrastructure.persistence.personal_data import PersonalData
from payorch.infrastructure.persistence.provider_fees import SqlAlchemyProviderFees
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.refund_reader import SqlAlchemyRefundReader
from payorch.infrastructure.persistence.routing_drafts import SqlAlchemyRoutingDrafts
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.infrastructure.persistence.stored_decisions import SqlAlchemyStoredDecisions
from payorch.wiring.adaptive_routing import ADAPTIVE_SCHEDULE, adaptive_handlers
from payorch.wiring.alerts import ALERTS_SCHEDULE, alert_handlers
from payorch.wiring.api_keys import api_caller_admission, api_key_management
from payorch.wiring.background import background_work, own_handlers
from payorch.wiring.base import Base, Seams, require_readable_keys
from payorch.wiring.notices import notice_handlers, notice_resending
from payorch.wiring.order_endings import EXPIRE_EVERY_S, order_endings, work_on_orders
from payorch.wiring.payments import (
    kept_late_news,
    order_creation,
    order_payment,
    outcome_recorder,
)
from payorch.wiring.personal_data import PERSONAL_DATA_SCHEDULES, personal_data_work
from payorch.wiring.policy_replay import policy_replay
from payorch.wiring.policy_trials import TRIALS_SCHEDULE, policy_trials
from payorch.wiring.provider_events import ProviderEvents, provider_events
from payorch.wiring.recovery import (
    comparison_schedules,
    ledger_recovery,
    provider_comparison,
    provider_verification,
)
from payorch.wiring.refunds import refunds
from payorch.wiring.request_limits import request_limits
from payorch.wiring.reviews import transaction_reviews
from payorch.wiring.settlements import settlements
from payorch.wiring.staff import (
    STAFF_SCHEDULE,
    arranged_lists,
    own_password,
    passkeys,
    second_factors,
    staff_handlers,
    staff_sessions,
)
from payorch.wiring.verification import (
    VERIFY_SCHEDULE,
    access_records,
    journal_archive,
    journal_verification,
    ledger_verification,
    login_limits,
    verification_handlers,
)


@dataclass(frozen=True, slots=True)
class Wired:
    """The application put together: what pages call, and what commands run."""

    services: Services
    reconcile: ReconcileUseCase
    rollup: MetricsRollup
    events: ProviderEvents
    database: Database
    background: Background
    verify: VerifyLedgerUseCase
    verify_journal: VerifyJournalUseCase
    verify_providers: VerifyProvidersUseCase
    recover: RecoverLedgerUseCase
    seal: SealPersonalDataUseCase
    personal_data: PersonalData

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        """Handlers of background jobs, by the kind's name."""
        return self.background.handlers

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        return self.background.schedules


def wire(settings: Settings, engine: Engine, seams: Seams | None = None) -> Wired:
    seams = seams or Seams()
    base = Base.of(settings, engine, seams)
    require_readable_keys(base.data_keys)
    late_news = kept_late_news(base)
    recorder = outcome_recorder(settings, base, late_news)
    resolve = ResolveTransactionUseCase(
        open_attempts=base.open_attempts,
        judge=base.judge,
        recorder=recorder,
        registry=base.registry,
        gateways=base.gateways,
        clock=base.clock,
        checkpoint=base.checkpoint,
        alert=base.alert,
        trusts_documented_absence=settings.trust_documented_absence,
    )
    events = provider_events(settings, base, resolve, recorder)
    reviews = transaction_reviews(base, recorder)
    endings = order_endings(base)
    reconcile = ReconcileUseCase(
        open_attempts=base.open_attempts, resolve=resolve, alert=base.alert
    )
    verify = ledger_verification(base)
    giving_back = refunds(settings, base)
    # Each part's handlers of background jobs, and its schedules.
    handlers: dict[str, JobHandler] = {
        **own_handlers(reconcile),
        **events.handlers,
        **notice_handlers(settings, base),
        **giving_back.handlers,
        APPLY_REVIEW.name: reviews.handle,
        EXPIRE_ORDERS.name: endings.handle,
    }
    handlers.update(verification_handlers(verify, base))
    verify_providers = provider_verification(base)
    handlers.update(provider_comparison(base, verify_providers, recorder))
    schedules: tuple[Schedule, ...] = (
        VERIFY_SCHEDULE,
        ALERTS_SCHEDULE,
        ADAPTIVE_SCHEDULE,
        STAFF_SCHEDULE,
        TRIALS_SCHEDULE,
        Schedule(EXPIRE_ORDERS, EXPIRE_EVERY_S),
        *comparison_schedules(settings),
        *giving_back.schedules,
        *PERSONAL_DATA_SCHEDULES,
    )
    policies = SqlAlchemyRoutingPolicyRepository(base.database)
    fees = SqlAlchemyProviderFees(base.database)
    settling = settlements(settings, base, fees)
    handlers.update(settling.handlers)
    drafts = SqlAlchemyRoutingDrafts(base.database)
    rulings = SqlAlchemyDeclineRulings(base.database)
    metrics_repository = SqlAlchemyProviderMetricsRepository(base.database)
    metrics = PaymentMetricsService(
        metrics_repository, base.clock, min_sample=settings.min_sample, fees=fees.schedule
    )
    operating_figures = SqlAlchemyOperatingFigures(base.transactions, base.jobs, base.clock)
    alerts = SqlAlchemyAlertBook(base.transactions)
    handlers.update(alert_handlers(base, alerts, metrics, operating_figures))
    adaptive_shares = SqlAlchemyAdaptiveShareBook(base.transactions)
    handlers.update(adaptive_handlers(base, adaptive_shares, metrics_repository))
    sessions = staff_sessions(settings, base)
    hashing_places = HashingPlaces(settings.max_password_hashes)
    factors = second_factors(settings, base)
    handlers.update(staff_handlers(sessions))
    trials = policy_trials(base)
    handlers.update(trials.handlers)
    personal_data = personal_data_work(settings, base)
    handlers.update(personal_data.handlers)
    create_order = order_creation(settings, base)
    services = Services(
        create_order=create_order,
        pay_order=order_payment(settings, base, create_order, recorder),
        resolve=resolve,
        review=reviews,
        end_order=endings,
        work_on_order=work_on_orders(base, resolve),
        receive_event=events.receive,
        conclude_event=events.conclude,
        resend_notice=notice_resending(base),
        refund_payment=giving_back.refund_payment,
        large_refunds=giving_back.large,
        personal_data=base.personal_data,
        erase_customer=personal_data.erase,
        reveal_customers=personal_data.reveal,
        review_refund=giving_back.review,
        refunds=SqlAlchemyRefundReader(base.database),
        jobs=base.jobs,
        replay_job=ReplayJobUseCase(base.jobs, base.clock),
        discard_job=DiscardJobUseCase(base.jobs, base.clock),
        operating_figures=operating_figures,
        registry=base.registry,
        orders=SqlAlchemyOrderReader(base.database, base.personal_data),
        tokens=base.tokens,
        change_policy=ChangeRoutingPolicyUseCase(policies, base.methods, base.clock),
        change_method=base.change_method,
        policies=policies,
        drafts=drafts,
        edit_draft=EditRoutingDraftUseCase(drafts, base.methods, base.clock),
        explain_routing=ExplainRoutingUseCase(base.registry),
        replay_policy=policy_replay(base, policies, fees.schedule),
        decisions=SqlAlchemyStoredDecisions(base.database),
        metrics=metrics,
        circuits=base.circuits,
        circuit_history=SqlAlchemyCircuitHistory(base.transactions, base.clock),
        fees=fees,
        change_fees=ChangeProviderFeesUseCase(fees, base.registry, base.clock),
        decline_policy=base.decline_policy,
        decline_rulings=rulings,
        decline_evidence=SqlAlchemyDeclineEvidence(base.database),
        rule_on_decline=RuleOnDeclineUseCase(rulings, base.decline_policy.shipped, base.clock),
        hold_circuit=HoldCircuitUseCase(base.shared_circuits, base.registry, base.clock),
        adaptive_shares=adaptive_shares,
        trials=trials.book,
        start_trial=trials.start,
        end_trial=trials.end,
        report_trial=trials.report,
        alerts=alerts,
        work_on_alerts=WorkOnAlertsUseCase(alerts, base.clock),
        journal=journal_archive(base),
        record_access=access_records(base),
        receive_settlement=settling.receive,
        undo_settlement=settling.undo,
        settle_differences=settling.settle_differences,
        limit_logins=login_limits(base, settings.secret_key),
        limit_requests=request_limits(settings, base),
        admit_api_caller=api_caller_admission(settings, base),
        api_keys=api_key_management(settings, base),
        staff_sessions=sessions,
        hashing_places=hashing_places,
        own_password=own_password(base, hashing_places),
        second_factors=factors,
        passkeys=passkeys(settings, base, factors),
        arrange_lists=arranged_lists(base),
        clock=base.clock,
    )
    return Wired(
        services=services,
        reconcile=reconcile,
        rollup=MetricsRollup(metrics_repository, base.clock),
        events=events,
        database=base.database,
        background=background_work(base, handlers=handlers, schedules=schedules),
        verify=verify,
        verify_journal=journal_verification(base),
        verify_providers=verify_providers,
        recover=ledger_recovery(base, resolve, giving_back.resolve, recorder),
        seal=personal_data.seal,
        personal_data=base.personal_data,
    )
