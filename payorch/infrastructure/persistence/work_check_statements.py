"""Statements that find work left undone, and changes without a trace."""

from sqlalchemy import String, and_, cast, literal, or_, select

from payorch.application.provider_events import EventState
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.payment_check_statements import moment
from payorch.infrastructure.persistence.tables import (
    ConfigurationRow,
    JobRow,
    JournalRow,
    OrderRow,
    WebhookEventRow,
)
from payorch.infrastructure.persistence.tables.jobs import JobState

_jobs = select(
    cast(JobRow.id, String).label("subject"),
    JobRow.kind.label("job_kind"),
    JobRow.last_error.label("error"),
)

dead_job = _jobs.where(JobRow.state == JobState.DEAD)

nobody_works = _jobs.where(
    or_(
        and_(JobRow.state == JobState.READY, JobRow.run_at < moment("neglected_before")),
        and_(JobRow.state == JobState.RUNNING, JobRow.lease_until < moment("neglected_before")),
    )
)

cancelled_and_alive = (
    select(OrderRow.public_id.label("subject"), OrderRow.status.label("status"))
    .join(JournalRow, JournalRow.subject == literal("order:") + OrderRow.public_id)
    .where(
        JournalRow.action == "order_cancelled",
        JournalRow.created_at >= moment("since"),
        OrderRow.status != PaymentStatus.CANCELLED,
    )
)

orphan_money = select(
    WebhookEventRow.event_id.label("subject"),
    WebhookEventRow.provider_code.label("provider"),
    WebhookEventRow.provider_reference.label("payment"),
    WebhookEventRow.note.label("note"),
).where(WebhookEventRow.state.in_((EventState.ORPHAN, EventState.ALERTED)))

safe_mode = select(
    ConfigurationRow.mode.label("subject"), ConfigurationRow.mode_since.label("since")
).where(ConfigurationRow.mode != "normal")
