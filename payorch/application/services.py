"""All use cases and readers that presentation may call, put together by wiring.py."""

from dataclasses import dataclass

from payorch.application.adapt_routing import AdaptiveShareBook
from payorch.application.admit_api_caller import AdmitApiCallerUseCase
from payorch.application.alerts import AlertBook
from payorch.application.change_payment_method import ChangePaymentMethodUseCase
from payorch.application.change_provider_fees import (
    ChangeProviderFeesUseCase,
    ProviderFeeRepository,
)
from payorch.application.change_routing_policy import ChangeRoutingPolicyUseCase
from payorch.application.circuit_board import CircuitBoard, CircuitHistory
from payorch.application.conclude_provider_event import ConcludeProviderEventUseCase
from payorch.application.configuration import RoutingPolicyRepository
from payorch.application.create_payment_order import CreatePaymentOrderUseCase
from payorch.application.dead_jobs import DiscardJobUseCase, ReplayJobUseCase
from payorch.application.decline_evidence import DeclineEvidence
from payorch.application.end_order import EndOrderUseCase
from payorch.application.erase_customer import EraseCustomerUseCase
from payorch.application.explain_routing import ExplainRoutingUseCase
from payorch.application.hashing_places import HashingPlaces
from payorch.application.hold_circuit import HoldCircuitUseCase
from payorch.application.job_queue import JobQueue
from payorch.application.journal_archive import JournalArchive
from payorch.application.large_refunds import LargeRefundsUseCase
from payorch.application.login_limits import LimitLoginsUseCase
from payorch.application.manage_api_keys import ManageApiKeysUseCase
from payorch.application.operating_figures import OperatingFiguresReader
from payorch.application.order_views import OrderReader
from payorch.application.own_lists import ArrangeListsUseCase
from payorch.application.own_password import ChangeOwnPasswordUseCase
from payorch.application.passkeys import PasskeysUseCase
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.personal_data import PersonalDataReader
from payorch.application.policy_trials import (
    EndPolicyTrialUseCase,
    PolicyTrialBook,
    StartPolicyTrialUseCase,
)
from payorch.application.ports import Clock, OrderTokens
from payorch.application.process_payment_order import ProcessPaymentOrderUseCase
from payorch.application.receive_provider_event import ReceiveProviderEventUseCase
from payorch.application.receive_settlement import ReceiveSettlementUseCase
from payorch.application.refund_payment import RefundPaymentUseCase
from payorch.application.refund_views import RefundReader
from payorch.application.replay_policy import ReplayPolicyUseCase
from payorch.application.request_limits import LimitRequestsUseCase
from payorch.application.resend_notice import ResendNoticeUseCase
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.application.reveal_customers import RevealCustomersUseCase
from payorch.application.review import ReviewTransactionUseCase
from payorch.application.review_refund import ReviewRefundUseCase
from payorch.application.routing_draft import EditRoutingDraftUseCase, RoutingDrafts
from payorch.application.rule_on_decline import (
    DeclinePolicyInForce,
    DeclineRulings,
    RuleOnDeclineUseCase,
)
from payorch.application.second_factor import SecondFactorsUseCase
from payorch.application.settle_differences import SettleDifferencesUseCase
from payorch.application.staff_access import RecordAccessUseCase
from payorch.application.staff_sessions import StaffSessionsUseCase
from payorch.application.stored_decision import StoredDecisionReader
from payorch.application.trial_report import ReportTrialUseCase
from payorch.application.undo_settlement import UndoSettlementUseCase
from payorch.application.work_on_alerts import WorkOnAlertsUseCase
from payorch.application.work_on_order import WorkOnOrderUseCase


@dataclass(frozen=True, slots=True)
class Services:
    create_order: CreatePaymentOrderUseCase
    pay_order: ProcessPaymentOrderUseCase
    resolve: ResolveTransactionUseCase
    receive_event: ReceiveProviderEventUseCase
    conclude_event: ConcludeProviderEventUseCase
    review: ReviewTransactionUseCase
    end_order: EndOrderUseCase
    work_on_order: WorkOnOrderUseCase
    resend_notice: ResendNoticeUseCase
    refund_payment: RefundPaymentUseCase
    large_refunds: LargeRefundsUseCase
    personal_data: PersonalDataReader
    erase_customer: EraseCustomerUseCase
    reveal_customers: RevealCustomersUseCase
    review_refund: ReviewRefundUseCase
    refunds: RefundReader
    jobs: JobQueue
    replay_job: ReplayJobUseCase
    discard_job: DiscardJobUseCase
    operating_figures: OperatingFiguresReader
    registry: PaymentMethodRegistry
    orders: OrderReader
    tokens: OrderTokens
    change_policy: ChangeRoutingPolicyUseCase
    change_method: ChangePaymentMethodUseCase
    policies: RoutingPolicyRepository
    drafts: RoutingDrafts
    edit_draft: EditRoutingDraftUseCase
    explain_routing: ExplainRoutingUseCase
    replay_policy: ReplayPolicyUseCase
    decisions: StoredDecisionReader
    metrics: PaymentMetricsService
    circuits: CircuitBoard
    circuit_history: CircuitHistory
    hold_circuit: HoldCircuitUseCase
    fees: ProviderFeeRepository
    change_fees: ChangeProviderFeesUseCase
    decline_policy: DeclinePolicyInForce
    decline_rulings: DeclineRulings
    decline_evidence: DeclineEvidence
    rule_on_decline: RuleOnDeclineUseCase
    adaptive_shares: AdaptiveShareBook
    trials: PolicyTrialBook
    start_trial: StartPolicyTrialUseCase
    end_trial: EndPolicyTrialUseCase
    report_trial: ReportTrialUseCase
    alerts: AlertBook
    work_on_alerts: WorkOnAlertsUseCase
    journal: JournalArchive
    record_access: RecordAccessUseCase
    receive_settlement: ReceiveSettlementUseCase
    undo_settlement: UndoSettlementUseCase
    settle_differences: SettleDifferencesUseCase
    limit_logins: LimitLoginsUseCase
    limit_requests: LimitRequestsUseCase
    admit_api_caller: AdmitApiCallerUseCase
    api_keys: ManageApiKeysUseCase
    hashing_places: HashingPlaces
    own_password: ChangeOwnPasswordUseCase
    staff_sessions: StaffSessionsUseCase
    second_factors: SecondFactorsUseCase
    passkeys: PasskeysUseCase
    arrange_lists: ArrangeListsUseCase
    clock: Clock
