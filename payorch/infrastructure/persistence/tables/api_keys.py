"""API keys. Of a key itself there is only a keyed hash."""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class ApiKeyRow(Base):
    """Never deleted. `slot` is one of the two places for active keys of a name, which a key gives
    back when it has ended: so no two processes can make a third one together.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("name", "slot"),
        CheckConstraint("slot IN (1, 2)", name="two_active"),
        CheckConstraint("mode IN ('live', 'test')", name="mode"),
    )

    id: Mapped[Pk]
    public_id: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(80))
    slot: Mapped[int | None]
    scopes: Mapped[list[Any]] = mapped_column(JSON)
    networks: Mapped[list[Any]] = mapped_column(JSON)
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(String(254))
    expires_at: Mapped[UtcTime | None]
    last_used_at: Mapped[UtcTime | None]
    replaced_by: Mapped[str | None] = mapped_column(String(8))
    revoked_at: Mapped[UtcTime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(254))
    revoke_reason: Mapped[str | None] = mapped_column(String(500))

    def __str__(self) -> str:
        return f"po_{self.mode}_{self.public_id}"
