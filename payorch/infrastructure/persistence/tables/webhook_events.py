"""The inbox: every event that a provider sent and signed, once."""

from typing import Any

from sqlalchemy import JSON, Enum, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.application.provider_events import EventState
from payorch.infrastructure.persistence.database import Base, Pk, UtcTime

__all__ = ["EventState", "EventStateColumn", "WebhookEventRow"]

EventStateColumn = Enum(
    EventState,
    native_enum=False,
    create_constraint=True,
    name="event_state",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)


class WebhookEventRow(Base):
    """One event. `source` is "webhook" or, for money found by listing the provider, "listing".

    `body` is the part of the event that is worth keeping, scrubbed; what counts is what the
    provider says when it is asked again.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("provider_code", "event_id"),
        Index("ix_webhook_events_our_reference", "our_reference"),
        Index("ix_webhook_events_received_at_id", "received_at", "id"),
        Index("ix_webhook_events_provider_code_id", "provider_code", "id"),
        Index("ix_webhook_events_provider_reference", "provider_reference"),
        Index("ix_webhook_events_state_id", "state", "id"),
    )

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(120))
    event_type: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    our_reference: Mapped[str | None] = mapped_column(String(120))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[EventState] = mapped_column(EventStateColumn)
    note: Mapped[str | None] = mapped_column(String(300))
    received_at: Mapped[UtcTime]
    processed_at: Mapped[UtcTime | None]

    def __str__(self) -> str:
        return self.event_id
