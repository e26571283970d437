"""The keys that personal data is sealed with, themselves sealed with the key of the settings."""

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, UtcTime

_IN_USE = "retired_at IS NULL"


class DataKeyRow(Base):
    """One key of one purpose. Since `retired_at` nothing new is sealed with it.

    A key that no row needs any more is deleted, and with it the last way to read old copies of
    such rows. Ids are given in order and never twice: sealed data names its key by it.
    """

    __tablename__ = "data_keys"
    __table_args__ = (
        Index(
            "uq_data_keys_in_use",
            "purpose",
            unique=True,
            sqlite_where=text(_IN_USE),
            postgresql_where=text(_IN_USE),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    purpose: Mapped[str] = mapped_column(String(20))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[UtcTime]
    retired_at: Mapped[UtcTime | None]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
