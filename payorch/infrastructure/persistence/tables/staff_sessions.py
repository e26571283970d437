"""Sessions of the back office, open and ended."""

from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.application.staff_sessions import SessionEnd
from payorch.infrastructure.persistence.database import Base, BigKey, Pk, PublicId, UtcTime

MAX_DEVICE = 60
MAX_ADDRESS = 45
"""The longest way to write an IPv6 address."""

SessionEndColumn = Enum(
    SessionEnd,
    native_enum=False,
    create_constraint=True,
    name="session_end",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)


class StaffSessionRow(Base):
    """`former_key_hash` is the key before the last `renewed_at`, for requests under way then."""

    __tablename__ = "staff_sessions"

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    former_key_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"), index=True)
    address: Mapped[str] = mapped_column(String(MAX_ADDRESS))
    device: Mapped[str] = mapped_column(String(MAX_DEVICE))
    has_second_factor: Mapped[bool]
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    last_seen_at: Mapped[UtcTime]
    verified_at: Mapped[UtcTime]
    renewed_at: Mapped[UtcTime | None]
    revoked_at: Mapped[UtcTime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(254))
    revoked_why: Mapped[SessionEnd | None] = mapped_column(SessionEndColumn)

    def __str__(self) -> str:
        return self.public_id
