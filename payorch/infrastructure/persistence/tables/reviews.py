"""What finance concluded about a payment that no provider could prove. Two people each."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime

_UNDECIDED = "decided_at IS NULL"


class ReviewRow(Base):
    """A proposed conclusion with its evidence. Who decides is never who proposed (S51)."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(
            "conclusion IN ('charged', 'not_charged', 'charged_other_amount')", name="conclusion"
        ),
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        Index("ix_reviews_transaction_id", "transaction_id"),
        Index(
            "uq_reviews_one_open_per_transaction",
            "transaction_id",
            unique=True,
            sqlite_where=text(_UNDECIDED),
            postgresql_where=text(_UNDECIDED),
        ),
    )

    id: Mapped[Pk]
    transaction_id: Mapped[int] = mapped_column(BigKey, ForeignKey("transactions.id"))
    conclusion: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    evidence: Mapped[str] = mapped_column(String(1000))
    proposed_by: Mapped[str] = mapped_column(String(254))
    proposed_at: Mapped[UtcTime]
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[UtcTime | None]
    is_approved: Mapped[bool | None]
    decision_reason: Mapped[str | None] = mapped_column(String(500))
