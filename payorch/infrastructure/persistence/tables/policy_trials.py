"""Trials of routing policies, and what their counts were from time to time."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime


class PolicyTrialRow(Base):
    """`candidate` is a document as in a published policy; it never changes.

    `adopted_version`: the version that the candidate became when the trial ended.
    """

    __tablename__ = "policy_trials"
    __table_args__ = (
        # Two at once would share their orders.
        Index(
            "uq_policy_trials_one_running",
            "is_running",
            unique=True,
            sqlite_where=text("is_running"),
            postgresql_where=text("is_running"),
        ),
    )

    id: Mapped[Pk]
    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(60))
    control_version: Mapped[int]
    candidate: Mapped[dict[str, Any]] = mapped_column(JSON)
    share_percent: Mapped[int]
    salt: Mapped[str] = mapped_column(String(64))
    is_running: Mapped[bool]
    started_by: Mapped[str] = mapped_column(String(254))
    start_reason: Mapped[str] = mapped_column(String(500))
    started_at: Mapped[UtcTime]
    ended_by: Mapped[str | None] = mapped_column(String(254))
    end_reason: Mapped[str | None] = mapped_column(String(500))
    ended_at: Mapped[UtcTime | None]
    adopted_version: Mapped[int | None]

    def __str__(self) -> str:
        return f"trial {self.number}"


class TrialLookRow(Base):
    """The counts of a trial at `at`: {arm: {"paid", "unpaid", "failed", "underway"}}."""

    __tablename__ = "trial_looks"
    __table_args__ = (UniqueConstraint("trial_id", "at"),)

    id: Mapped[Pk]
    trial_id: Mapped[int] = mapped_column(BigKey, ForeignKey("policy_trials.id"))
    at: Mapped[UtcTime]
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)
