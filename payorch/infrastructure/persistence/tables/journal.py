"""The journal: every change by staff, with actor, reason, before and after. Append-only."""

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class JournalRow(Base):
    """`subject` is what was changed, such as "routing_policy" or "payment_method:alpha"."""

    __tablename__ = "journal"
    __table_args__ = (Index("ix_journal_subject_id", "subject", "id"),)

    id: Mapped[Pk]
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
