"""What the list of refunds can be narrowed by."""

from typing import Any

from flask_sqlalchemy import SQLAlchemy

from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundKind, RefundStatus
from payorch.infrastructure.persistence.tables.refunds import RefundRow
from payorch.presentation.backoffice.payments.payment_filters import amount_filters, time_filters
from payorch.presentation.backoffice.payments.refund_texts import REFUND_KINDS, REFUND_STATUSES
from payorch.presentation.backoffice.provider_names import provider_choices
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, typed

UNDER_WAY = "under_way"
GUARD = "guard"


def refund_filters(session: SQLAlchemy) -> tuple[Any, ...]:
    return (
        ChoiceFilter(
            name="status",
            label="Status",
            choices=lambda: [
                (UNDER_WAY, "Under way"),
                *((status.value, text) for status, (text, _) in REFUND_STATUSES.items()),
            ],
            where=lambda value: (
                RefundRow.status.in_(sorted(OPEN_REFUND_STATUSES))
                if value == UNDER_WAY
                else typed(RefundRow.status == RefundStatus(value))
            ),
        ),
        ChoiceFilter(
            name="provider",
            label="Provider",
            choices=lambda: provider_choices(session.session),
            where=lambda code: typed(RefundRow.provider_code == code),
        ),
        ChoiceFilter(
            name="kind",
            label="Kind",
            choices=lambda: [(kind.value, text) for kind, text in REFUND_KINDS.items()],
            where=lambda value: typed(RefundRow.kind == RefundKind(value)),
        ),
        ChoiceFilter(
            name="asked_by",
            label="Asked for by",
            choices=lambda: [(GUARD, "payorch: a surplus charge"), ("people", "Staff or the API")],
            where=lambda value: typed(RefundRow.is_guard.is_(value == GUARD)),
            is_extra=True,
        ),
        *amount_filters(RefundRow.currency, RefundRow.amount_minor),
        *time_filters(RefundRow.requested_at),
    )
