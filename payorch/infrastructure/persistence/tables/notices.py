"""E-mails to customers and staff: what was written, to whom, and whether it went out."""

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, PublicId, UtcTime

if TYPE_CHECKING:
    from payorch.infrastructure.persistence.tables.orders import OrderRow


class NoticeState(StrEnum):
    """KEPT is written and shown, but goes nowhere: no mail server is set, or nobody to write to."""

    QUEUED = "queued"
    SENT = "sent"
    KEPT = "kept"
    FAILED = "failed"


NoticeStateColumn = Enum(
    NoticeState,
    native_enum=False,
    create_constraint=True,
    name="notice_state",
    length=10,
    values_callable=lambda enum: [member.value for member in enum],
)


_SEALED = "key_id IS NOT NULL"
_IN_CLEAR = "body <> ''"


class NoticeRow(Base):
    """One message to one address; an empty recipient is nobody.

    `dedup_key` keeps a job that runs twice from writing twice. `public_id` follows from it and
    names the message wherever it goes. Where the order's link has its token, the letter has a
    place for it only.

    Recipient, subject and both bodies are in `sealed`, see personal_data.py. The four columns in
    the clear are of rows from before, until they are sealed, too; they are empty then. Of an
    erased letter nothing is left but that it was written.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_created_at_id", "created_at", "id"),
        Index("ix_notices_state_id", "state", "id"),
        Index("ix_notices_kind_id", "kind", "id"),
        Index("ix_notices_recipient_id", "recipient", "id"),
        Index("ix_notices_recipient_index_id", "recipient_index", "id"),
        Index(
            "ix_notices_key_id",
            "key_id",
            "id",
            sqlite_where=text(_SEALED),
            postgresql_where=text(_SEALED),
        ),
        Index(
            "ix_notices_in_clear",
            "id",
            sqlite_where=text(_IN_CLEAR),
            postgresql_where=text(_IN_CLEAR),
        ),
    )

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    dedup_key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("orders.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[int | None] = mapped_column(BigKey)
    recipient_index: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[NoticeState] = mapped_column(NoticeStateColumn)
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[UtcTime]
    sent_at: Mapped[UtcTime | None]

    order: Mapped["OrderRow | None"] = relationship(lazy="raise_on_sql")

    def __str__(self) -> str:
        return self.public_id
