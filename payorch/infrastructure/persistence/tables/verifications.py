"""Checks of the books: when they ran, and what they found."""

from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class VerificationRow(Base):
    """One run. `since` None: it looked at the whole books.

    `findings`: [{"kind", "severity", "subject", "says", "advice", "facts"}], the first ones when
    there are many; the counts tell of all of them.
    """

    __tablename__ = "verifications"
    __table_args__ = (Index("ix_verifications_started_at", "started_at"),)

    id: Mapped[Pk]
    started_at: Mapped[UtcTime]
    finished_at: Mapped[UtcTime]
    since: Mapped[UtcTime | None]
    errors: Mapped[int]
    warnings: Mapped[int]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
