"""The journal: every change by staff, with actor, reason, before and after.

Append-only by triggers, which stand in the migrations. On SQLite a batch migration copies the
table and leaves its triggers behind: one that touches these tables has to make them again.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, UtcTime


class JournalRow(Base):
    """`subject` is what was changed, such as "routing_policy" or "payment_method:alpha".

    Ids have no gaps: they are given under the chain's head, in the order of the commits. Two rows
    cannot follow the same one, so that the chain has no branches whatever the code does.
    """

    __tablename__ = "journal"
    __table_args__ = (Index("ix_journal_subject_id", "subject", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class JournalHeadRow(Base):
    """The end of the chain, in one row: who appends to the journal holds it until the commit."""

    __tablename__ = "journal_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
