"""E-mails to customers and staff: what was written, to whom, and whether it went out."""

from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime


class NoticeState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


NoticeStateColumn = Enum(
    NoticeState,
    native_enum=False,
    create_constraint=True,
    name="notice_state",
    length=10,
    values_callable=lambda enum: [member.value for member in enum],
)


class NoticeRow(Base):
    """One message to one address. `dedup_key` keeps a job that runs twice from writing twice."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_created_at_id", "created_at", "id"),)

    id: Mapped[Pk]
    dedup_key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("orders.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[NoticeState] = mapped_column(NoticeStateColumn)
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[UtcTime]
    sent_at: Mapped[UtcTime | None]
