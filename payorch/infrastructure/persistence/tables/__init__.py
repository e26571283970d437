"""All tables, one module per subject. Importing this package registers every one of them."""

from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.infrastructure.persistence.tables.orders import OrderRow, SubmissionRow
from payorch.infrastructure.persistence.tables.payment_methods import (
    ConfigurationRow,
    PaymentMethodRow,
)
from payorch.infrastructure.persistence.tables.provider_metrics import (
    ProviderMinuteRow,
    RollupStateRow,
)
from payorch.infrastructure.persistence.tables.routing_policies import RoutingPolicyRow
from payorch.infrastructure.persistence.tables.staff import RoleRow, StaffRow
from payorch.infrastructure.persistence.tables.transactions import EvidenceRow, TransactionRow

__all__ = [
    "ConfigurationRow",
    "EvidenceRow",
    "JournalRow",
    "OrderRow",
    "PaymentMethodRow",
    "ProviderMinuteRow",
    "RoleRow",
    "RollupStateRow",
    "RoutingPolicyRow",
    "StaffRow",
    "SubmissionRow",
    "TransactionRow",
]
