"""All tables, one module per subject. Importing this package registers every one of them."""

from payorch.infrastructure.persistence.tables.adaptive_shares import AdaptiveShareRow
from payorch.infrastructure.persistence.tables.alerts import AlertRuleRow, MetricAlertRow
from payorch.infrastructure.persistence.tables.api_keys import ApiKeyRow
from payorch.infrastructure.persistence.tables.circuits import (
    CircuitIncidentRow,
    ProviderCircuitRow,
)
from payorch.infrastructure.persistence.tables.data_keys import DataKeyRow
from payorch.infrastructure.persistence.tables.decline_rulings import DeclineRulingRow
from payorch.infrastructure.persistence.tables.jobs import JobCounterRow, JobRow
from payorch.infrastructure.persistence.tables.journal import JournalHeadRow, JournalRow
from payorch.infrastructure.persistence.tables.login_counts import LoginCountRow
from payorch.infrastructure.persistence.tables.notices import NoticeRow
from payorch.infrastructure.persistence.tables.order_notes import OrderNoteRow
from payorch.infrastructure.persistence.tables.orders import OrderRow, SubmissionRow
from payorch.infrastructure.persistence.tables.own_lists import ListColumnsRow, ListViewRow
from payorch.infrastructure.persistence.tables.passkeys import (
    StaffChallengeRow,
    StaffPasskeyRow,
)
from payorch.infrastructure.persistence.tables.payment_methods import (
    ConfigurationRow,
    PaymentMethodRow,
)
from payorch.infrastructure.persistence.tables.policy_trials import (
    PolicyTrialRow,
    TrialLookRow,
)
from payorch.infrastructure.persistence.tables.provider_fees import ProviderFeeRow
from payorch.infrastructure.persistence.tables.provider_metrics import (
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    RollupStateRow,
    SegmentDayRow,
    SegmentHourRow,
)
from payorch.infrastructure.persistence.tables.refund_proposals import RefundProposalRow
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.infrastructure.persistence.tables.reviews import RefundReviewRow, ReviewRow
from payorch.infrastructure.persistence.tables.routing_policies import (
    RoutingDraftRow,
    RoutingPolicyRow,
)
from payorch.infrastructure.persistence.tables.second_factors import (
    RecoveryCodeRow,
    StaffFactorRow,
)
from payorch.infrastructure.persistence.tables.settlements import (
    SettlementBadLineRow,
    SettlementDifferenceRow,
    SettlementImportRow,
    SettlementLineRow,
    SettlementMappingRow,
    SettlementPieceRow,
)
from payorch.infrastructure.persistence.tables.staff import RoleRow, StaffRow
from payorch.infrastructure.persistence.tables.staff_sessions import StaffSessionRow
from payorch.infrastructure.persistence.tables.transactions import EvidenceRow, TransactionRow
from payorch.infrastructure.persistence.tables.verifications import VerificationRow
from payorch.infrastructure.persistence.tables.webhook_events import WebhookEventRow

__all__ = [
    "AdaptiveShareRow",
    "AlertRuleRow",
    "ApiKeyRow",
    "CircuitIncidentRow",
    "ConfigurationRow",
    "DataKeyRow",
    "DeclineRulingRow",
    "EvidenceRow",
    "JobCounterRow",
    "JobRow",
    "JournalHeadRow",
    "JournalRow",
    "ListColumnsRow",
    "ListViewRow",
    "LoginCountRow",
    "MetricAlertRow",
    "NoticeRow",
    "OrderNoteRow",
    "OrderRow",
    "PaymentMethodRow",
    "PolicyTrialRow",
    "ProviderCircuitRow",
    "ProviderDayRow",
    "ProviderDaySpreadRow",
    "ProviderFeeRow",
    "ProviderHourRow",
    "ProviderHourSpreadRow",
    "ProviderMinuteRow",
    "RecoveryCodeRow",
    "RefundProposalRow",
    "RefundReviewRow",
    "RefundRow",
    "ReviewRow",
    "RoleRow",
    "RollupStateRow",
    "RoutingDraftRow",
    "RoutingPolicyRow",
    "SegmentDayRow",
    "SegmentHourRow",
    "SettlementBadLineRow",
    "SettlementDifferenceRow",
    "SettlementImportRow",
    "SettlementLineRow",
    "SettlementMappingRow",
    "SettlementPieceRow",
    "StaffChallengeRow",
    "StaffFactorRow",
    "StaffPasskeyRow",
    "StaffRow",
    "StaffSessionRow",
    "SubmissionRow",
    "TransactionRow",
    "TrialLookRow",
    "VerificationRow",
    "WebhookEventRow",
]
